import type { Clock } from "../ports/clock.ts";
import type { Metrics, Reading } from "../ports/metrics.ts";
import type { RunQueueView, RunnerView } from "../ports/run-queue.ts";
import { within } from "../utils/within.ts";

const MS_PER_SECOND = 1_000;
/** A database that does not answer by then has nothing to tell. */
const LOOK_MS = 4_000;
/** All that is asked for at once is of one look. */
const KEPT_MS = 1_000;

/** Shows what waits in a database and what its runners do, as it is when somebody asks. */
export function measureRuns(
  look: () => Promise<RunQueueView>,
  { metrics, clock }: { readonly metrics: Metrics; readonly clock: Clock },
): void {
  let last: { readonly atMs: number; readonly found: Promise<RunQueueView> } | undefined;

  async function view(): Promise<RunQueueView> {
    const now = clock.now();
    if (last === undefined || now - last.atMs >= KEPT_MS) {
      last = { atMs: now, found: within(look, { clock, timeoutMs: LOOK_MS }) };
    }
    return await last.found;
  }

  const ofRunners = (readings: (runner: RunnerView) => readonly Reading[]) => async (): Promise<readonly Reading[]> =>
    (await view()).runners.flatMap(readings);

  metrics.gauge("sprf_runner_queue_runs", async () => {
    const { waiting, running } = await view();
    return [
      { labels: { state: "waiting" }, value: waiting },
      { labels: { state: "running" }, value: running },
    ];
  });
  metrics.gauge("sprf_runner_oldest_run_seconds", async () => [{ value: (await view()).oldestMs / MS_PER_SECOND }]);
  metrics.gauge("sprf_runner_known_runners", async () => {
    const { runners } = await view();
    return ["up", "away", "aside"].map((state) => ({
      labels: { state },
      value: runners.filter((runner) => stateOf(runner) === state).length,
    }));
  });
  metrics.total(
    "sprf_runner_runs_total",
    ofRunners(({ id: runner, done, failed }) => [
      { labels: { runner, outcome: "done" }, value: done },
      { labels: { runner, outcome: "failed" }, value: failed },
    ]),
  );
  metrics.total(
    "sprf_runner_busy_seconds_total",
    ofRunners(({ id: runner, busyMs }) => [{ labels: { runner }, value: busyMs / MS_PER_SECOND }]),
  );
}

/** How a runner stands, in one word. */
export function stateOf({ setAside, isLive }: Pick<RunnerView, "setAside" | "isLive">): "up" | "away" | "aside" {
  if (setAside !== undefined) return "aside";
  return isLive ? "up" : "away";
}
