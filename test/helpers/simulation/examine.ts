import { createMemoryStore } from "../../../src/adapters/store/memory.ts";
import { auditProgram } from "../../../src/audit/audit-program.ts";
import type { ExecutionResult } from "../../../src/client/execute.ts";
import { isSprfError, type SprfError } from "../../../src/errors.ts";
import { loadSmartAccount } from "../../../src/execution/load-smart-account.ts";
import { readContent } from "../../../src/execution/read-content.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { ContentStore } from "../../../src/ports/content-store.ts";
import type { Engine } from "../../../src/ports/engine.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { walkRecords } from "../../../src/tester/walk-records.ts";
import { toHex } from "../../../src/utils/bytes.ts";
import { hashRequest } from "../../../src/wire/execution-request.ts";
import { allOf } from "./all-of.ts";
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

/**
 * Looks at a program when all is over: its records are what landed, in order; its state is what their entries make; no payment
 * bought two of them (P2); and whoever runs them again comes to the same. Resolves with the hashes of the requests that landed.
 */
export async function examineProgram(components: Components, program: string): Promise<readonly string[]> {
  const { ledger, content, watch } = components;
  const account = await loadSmartAccount(ledger, program);
  const records = (await allOf(walkRecords({ ledger, content }, account))).reverse();
  const transitions = records.filter(({ record }) => record.kind === "transition");
  const landed = watch.landed.filter((transition) => transition.program === program);
  if (listOf(transitions) !== listOf(landed)) {
    watch.breach(`history: records ${listOf(transitions)} but landed ${listOf(landed)}`);
  }

  const payments = new Set<string>();
  const entries: string[] = [];
  const requests: string[] = [];
  for (const { record } of transitions) {
    if (record.kind !== "transition") continue;
    const { request, paymentHash } = record.signedRequest;
    const payment = toHex(paymentHash);
    if (payments.has(payment)) watch.breach(`P2: payment ${payment} bought two transitions`);
    payments.add(payment);
    requests.push(toHex(hashRequest(request)));
    const input = "bytes" in request.input ? new TextDecoder().decode(request.input.bytes) : request.input.cid;
    entries.push(`${input} at ${record.environment.sequence} with`);
  }
  const state = new TextDecoder().decode(await readContent(content, account.state, { maxBytes: MAX_STATE_BYTES }));
  const lines = state.split("\n").slice(0, -1);
  if (lines.length !== entries.length || !entries.every((entry, i) => lines[i]?.startsWith(entry))) {
    watch.breach(`state: ${JSON.stringify(lines)} where these landed: ${JSON.stringify(entries)}`);
  }
  await audit(components, program);
  return requests;
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

/**
 * Looks at what a user was told: what landed for a task is its result, and nothing else is (P5); `again` asks once more, and the
 * answer must be the same, whatever workers have lost with their disks. Takes what landed for it out of `requests`.
 */
export async function examineTask(
  { watch, requests }: Pick<Components, "watch"> & { readonly requests: Set<string> },
  task: Task,
  again: (made: MadeRequest) => Promise<ExecutionResult>,
): Promise<void> {
  const { outcome, made } = task;
  const what = task.input || "a read";
  if (outcome === undefined) return watch.breach(`P5: the user of ${what} was told nothing`);
  // What is left over in the end is nobody's.
  const hasLanded = made !== undefined && requests.delete(toHex(hashRequest(made.signed.request)));
  if (outcome instanceof Error) {
    if (hasLanded) watch.breach(`P5: ${what} landed, and its user was told ${String(outcome)}`);
    return;
  }
  if (hasLanded !== (outcome.transition !== undefined)) {
    watch.breach(`P5: ${what} ${hasLanded ? "landed" : "never landed"}, and its user was told otherwise`);
  }
  if (!hasLanded) return;
  const later = await again(made).catch(errorOf);
  const facts = later instanceof Error ? String(later) : factsOf(later);
  if (facts !== factsOf(outcome)) watch.breach(`P5: ${what} was answered ${factsOf(outcome)} first and ${facts} later`);
}

function errorOf(thrown: unknown): SprfError {
  if (isSprfError(thrown)) return thrown;
  throw thrown;
}

function factsOf({ requestHash, answer, output, transition }: ExecutionResult): string {
  const { sequence, status, newState, gas } = answer;
  return [requestHash, sequence, status, newState, gas, toHex(output), transition?.ledger].join(" ");
}

function listOf(transitions: readonly { readonly recordCid: string }[]): string {
  return transitions.map(({ recordCid }) => recordCid).join(", ");
}
