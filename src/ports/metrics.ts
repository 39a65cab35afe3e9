import { ERRORS } from "../errors.ts";

/** What a label may say; anything else is counted as `other`, so that no peer can make a series of its own. */
type Labels = Readonly<Record<string, readonly string[] | typeof RUNNER_NAMES>>;

/** Instead of what a label may say: names that this operator gave to machines of their own, of which there are few. */
export const RUNNER_NAMES = "the runner's name";

interface MetricDefinition {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels?: Labels;
}

const CODES = ["OK", ...Object.keys(ERRORS)];
const REQUESTS = ["execution", "batch", "change"];
const HEIGHTS = ["head", "committed", "final"];
const ROUNDS = ["epoch", "panel"];
/** Parts that readiness looks at. */
export const READY_PARTS = [
  "chain",
  "ledger",
  "messages",
  "content",
  "store",
  "engine",
  "queue",
  "channel",
  "index",
] as const;

/** All that is measured: `sprf_<part>_<what>_<unit>`. docs/metrics.md has the same, which a test sees to. */
export const METRICS = {
  sprf_daemon_log_lines_total: {
    kind: "counter",
    help: "Lines of the log, whatever level is shown",
    labels: { level: ["debug", "info", "warn", "error"] },
  },
  sprf_daemon_ready_parts: {
    kind: "gauge",
    help: "1 when the part worked as it was looked at last, else 0",
    labels: { part: READY_PARTS },
  },
  sprf_chain_payments_total: {
    kind: "counter",
    help: "Withdrawals of pay and fees that the chain took",
    labels: { for: ["work", "fees"] },
  },
  sprf_chain_paid_ether: {
    kind: "counter",
    help: "What they brought, rounded to what a floating-point number holds",
    labels: { for: ["work", "fees"] },
  },
  sprf_worker_requests_total: {
    kind: "counter",
    help: "Requests that were answered: OK, or the code of the refusal",
    labels: { kind: REQUESTS, code: CODES },
  },
  sprf_worker_request_seconds: {
    kind: "histogram",
    help: "From a request's arrival to its answer",
    labels: { kind: REQUESTS },
  },
  sprf_worker_executions_total: {
    kind: "counter",
    help: "Executions that were answered, repeated answers too, by what became of the input",
    labels: { status: ["accepted", "rejected", "out-of-gas"] },
  },
  sprf_worker_signatures_total: {
    kind: "counter",
    help: "Signatures that were given away: on answers, on transitions, on others' batches, on changes",
    labels: { on: ["answer", "transition", "batch", "change"] },
  },
  sprf_worker_queue_requests: {
    kind: "gauge",
    help: "Requests in the queue of runs",
    labels: { state: ["waiting", "running"] },
  },
  sprf_worker_oldest_request_seconds: { kind: "gauge", help: "How long the oldest of those that wait has waited" },
  sprf_worker_open_agreements: { kind: "gauge", help: "Agreements that the market waits for" },
  sprf_runner_queue_runs: {
    kind: "gauge",
    help: "Runs in the database: those that wait for a runner, and those that one has",
    labels: { state: ["waiting", "running"] },
  },
  sprf_runner_oldest_run_seconds: { kind: "gauge", help: "How long the oldest of those that wait has waited" },
  sprf_runner_known_runners: {
    kind: "gauge",
    help: "Runners that were there in the last day, or are set aside",
    labels: { state: ["up", "away", "aside"] },
  },
  sprf_runner_runs_total: {
    kind: "counter",
    help: "Runs that a runner reported",
    labels: { runner: RUNNER_NAMES, outcome: ["done", "failed"] },
  },
  sprf_runner_busy_seconds_total: {
    kind: "counter",
    help: "What it took a runner from taking them to reporting them",
    labels: { runner: RUNNER_NAMES },
  },
  sprf_tester_reports_total: {
    kind: "counter",
    help: "Epochs whose verdicts were revealed",
    labels: { round: ROUNDS },
  },
  sprf_tester_verdicts_total: {
    kind: "counter",
    help: "Verdicts in them",
    labels: { round: ROUNDS, verdict: ["ok", "unreachable", "wrong"] },
  },
  sprf_channel_height_records: {
    kind: "gauge",
    help: "Heights of the channel as this node has it",
    labels: { of: HEIGHTS },
  },
  sprf_channel_term_number: { kind: "gauge", help: "Term of the leader" },
  sprf_channel_leader_changes_total: { kind: "counter", help: "Terms that began since the node was started" },
  sprf_channel_leading_nodes: { kind: "gauge", help: "1 while this node leads, else 0" },
  sprf_channel_members: { kind: "gauge", help: "Members as of the head" },
  sprf_channel_linked_members: { kind: "gauge", help: "Members whose distance is measured: those that answer" },
  sprf_channel_faults_total: { kind: "counter", help: "Lies of leaders that this node has seen" },
  sprf_channel_taken_back_total: { kind: "counter", help: "How often records were taken back" },
  sprf_indexer_block_number: {
    kind: "gauge",
    help: "Up to where the index is, and the chain was when it was read last",
    labels: { of: ["indexed", "chain"] },
  },
  sprf_indexer_events_total: { kind: "counter", help: "Events that the index took since the start" },
} as const satisfies Record<`sprf_${string}`, MetricDefinition>;

export type MetricName = keyof typeof METRICS;

type NameOf<K extends MetricDefinition["kind"]> = {
  [N in MetricName]: (typeof METRICS)[N]["kind"] extends K ? N : never;
}[MetricName];

export type CounterName = NameOf<"counter">;
export type GaugeName = NameOf<"gauge">;
export type HistogramName = NameOf<"histogram">;

export type LabelValues = Readonly<Record<string, string>>;

/** One value of a gauge. */
export interface Reading {
  readonly labels?: LabelValues;
  readonly value: number;
}

/** What there is when somebody asks. What throws or rejects is left out of the answer. */
export type Read = () => number | readonly Reading[] | Promise<readonly Reading[]>;

/** Where a daemon counts what it does. No call throws, and none takes longer than adding a number. */
export interface Metrics {
  /** Adds `by`, at least 0. @default 1 */
  count(name: CounterName, labels?: LabelValues, by?: number): void;
  observe(name: HistogramName, seconds: number, labels?: LabelValues): void;
  /** `read` is called whenever somebody asks; a later call for the same name takes its place. */
  gauge(name: GaugeName, read: Read): void;
  /** As `gauge`, of a count that is kept elsewhere. */
  total(name: CounterName, read: Read): void;
}
