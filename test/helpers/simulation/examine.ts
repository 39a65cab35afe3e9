import { createMemoryStore } from "../../../src/adapters/store/memory.ts";
import { auditProgram } from "../../../src/audit/audit-program.ts";
import type { ExecutionResult } from "../../../src/client/execute.ts";
import { isSprfError, type SprfError } from "../../../src/errors.ts";
import { isRunRecord } from "../../../src/domain/program/run-record.ts";
import { loadSmartAccount } from "../../../src/execution/load-smart-account.ts";
import { readContent } from "../../../src/execution/read-content.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { ContentStore } from "../../../src/ports/content-store.ts";
import type { Engine } from "../../../src/ports/engine.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { walkRecords } from "../../../src/execution/walk-records.ts";
import { toHex } from "../../../src/utils/bytes.ts";
import { hashRequest, type SignedRequest } from "../../../src/wire/execution-request.ts";
import type { ChainRecord } from "../../../src/wire/record.ts";
import { allOf } from "./all-of.ts";
import { examineMoney, type ExaminedProgram } from "./examine-money.ts";
import type { MadeRequest, Task } from "./user.ts";
import type { Watch } from "./watch.ts";

const AUDIT_JOBS = 2;
const MAX_STATE_BYTES = 1024 * 1024;
interface Components {
  readonly ledger: Ledger;
  /** Asks all workers. */
  readonly content: ContentStore;
  readonly engine: Engine;
  readonly scratchDirectory: string;
  readonly clock: Clock;
  readonly watch: Watch;
}

/** What a record says of a request that landed. */
export type LandedStatus = "accepted" | "rejected" | "out-of-gas";

/**
 * Looks at a program when all is over: its records are what landed, in order; its state is what their entries make; no payment
 * bought two of them (P2); its money went where it belongs (P6); and whoever runs them again comes to the same. Resolves with the
 * hashes of the requests that landed.
 */
export async function examineProgram(
  components: Components,
  program: ExaminedProgram,
): Promise<ReadonlyMap<string, LandedStatus>> {
  const { ledger, content, watch } = components;
  const account = await loadSmartAccount(ledger, program.id);
  const records = (await allOf(walkRecords({ ledger, content }, account))).reverse();
  const runs = records.filter(({ record }) => isRunRecord(record));
  const landed = watch.landed.filter((transition) => transition.program === program.id);
  if (listOf(runs) !== listOf(landed)) {
    watch.breach(`history: records ${listOf(runs)} but landed ${listOf(landed)}`);
  }

  const payments = new Set<string>();
  const entries: string[] = [];
  const requests = new Map<string, LandedStatus>();
  for (const run of records.flatMap(({ record }) => runsOf(record))) {
    const { request, paymentHash } = run.signedRequest;
    const payment = toHex(paymentHash);
    if (payments.has(payment)) watch.breach(`P2: payment ${payment} bought two runs that landed`);
    payments.add(payment);
    requests.set(toHex(hashRequest(request)), run.status);
    const input = "bytes" in request.input ? new TextDecoder().decode(request.input.bytes) : request.input.cid;
    // What only reads, is refused or costs too much leaves no line.
    if (run.status === "accepted" && input !== "") entries.push(`${input} at ${run.sequence} with`);
  }
  const state = new TextDecoder().decode(await readContent(content, account.state, { maxBytes: MAX_STATE_BYTES }));
  const lines = state.split("\n").slice(0, -1);
  if (lines.length !== entries.length || !entries.every((entry, i) => lines[i]?.startsWith(entry))) {
    watch.breach(`state: ${JSON.stringify(lines)} where these landed: ${JSON.stringify(entries)}`);
  }
  examineMoney(watch, program, records);
  await audit(components, program.id);
  return requests;
}

interface ExaminedRun {
  readonly signedRequest: SignedRequest;
  readonly sequence: bigint;
  readonly status: LandedStatus;
}

function runsOf(record: ChainRecord): readonly ExaminedRun[] {
  if (record.kind === "batch") return record.inputs.map((input) => ({ ...input, sequence: record.sequence }));
  if (record.kind !== "transition") return [];
  return [{ signedRequest: record.signedRequest, sequence: record.environment.sequence, status: "accepted" }];
}

/** The audit of the whole history, which must be clean. */
async function audit({ watch, ...components }: Components, program: string): Promise<void> {
  const engines = new Map([["wasi", components.engine]] as const);
  const parts = { ...components, engines, store: createMemoryStore() };
  const { outcome, wrong, unchecked } = await auditProgram(parts, program, { jobs: AUDIT_JOBS });
  if (outcome === "clean") return;
  const signers = wrong?.signedBy.map(({ ledgerKey }) => ledgerKey).join(", ");
  const faults = [...(wrong?.faults ?? []), ...unchecked].map(({ code, message }) => `${code} ${message}`).join("; ");
  watch.breach(`audit: ${outcome} at ${wrong?.recordCid}, signed by ${signers}: ${faults}`);
}

/** What users are told of runs that changed nothing. */
const REFUSALS = { accepted: undefined, rejected: "PROGRAM_REJECTED", "out-of-gas": "OUT_OF_GAS" } as const;

/**
 * Looks at what a user was told: what landed for a task is its result, and nothing else is (P5); what was prepaid has landed, which
 * no minority can prevent; `again` asks once more, and the answer must be the same, whatever workers have lost with their disks.
 * Takes what landed for it out of `requests`.
 */
export async function examineTask(
  { watch, requests }: Pick<Components, "watch"> & { readonly requests: Map<string, LandedStatus> },
  task: Task,
  again: (made: MadeRequest) => Promise<ExecutionResult>,
): Promise<void> {
  const { outcome, made } = task;
  const what = `${task.form} ${task.input || "read"}`;
  if (outcome === undefined) return watch.breach(`P5: the user of ${what} was told nothing`);
  const request = made === undefined ? "" : toHex(hashRequest(made.signed.request));
  const landed = requests.get(request);
  // What is left over in the end is nobody's.
  requests.delete(request);
  if (landed === undefined && task.form === "prepaid" && watch.paidFor(request) !== undefined) {
    return watch.breach(`withheld: ${what} was paid for and never landed; its user was told ${factsOf(outcome)}`);
  }
  const refusal = landed === undefined ? undefined : REFUSALS[landed];
  if (outcome instanceof Error) {
    if (landed !== undefined && outcome.code !== refusal) {
      watch.breach(`P5: ${what} landed (${landed}), and its user was told ${String(outcome)}`);
    }
  } else if (refusal !== undefined || (landed !== undefined) !== (outcome.transition !== undefined)) {
    watch.breach(`P5: ${what} came to ${landed ?? "no landing"}, and its user was told otherwise`);
  }
  if (made === undefined || landed === undefined) return;
  const later = factsOf(await again(made).catch(errorOf));
  if (later !== factsOf(outcome)) watch.breach(`P5: ${what} was answered ${factsOf(outcome)} first and ${later} later`);
}

function errorOf(thrown: unknown): SprfError {
  if (isSprfError(thrown)) return thrown;
  throw thrown;
}

function factsOf(told: ExecutionResult | SprfError): string {
  if (told instanceof Error) return told.code;
  const { requestHash, answer, output, transition } = told;
  const { sequence, status, newState, gas } = answer;
  return [requestHash, sequence, status, newState, gas, toHex(output), transition?.ledger].join(" ");
}

function listOf(transitions: readonly { readonly recordCid: string }[]): string {
  return transitions.map(({ recordCid }) => recordCid).join(", ");
}
