import { fault, inputFaults, type AuditFault } from "../domain/audit/fault.ts";
import type { HistoryState } from "../domain/audit/history-state.ts";
import { concludeInput } from "../domain/program/batch.ts";
import type { RunRecord } from "../domain/program/run-record.ts";
import { programReference } from "../domain/program/smart-account.ts";
import { isSameResult, type RunResult } from "../domain/verdict/decide-verdict.ts";
import { SprfError } from "../errors.ts";
import { planReplay } from "../execution/plan-replay.ts";
import { repeatRuns } from "../execution/repeat-runs.ts";
import { runProgram, type RunComponents, type RunOutcome, type RunPlan } from "../execution/run-program.ts";
import type { ProgramReference } from "../ports/engine.ts";
import type { BatchRecord, BatchInput } from "../wire/batch-record.ts";

const MAX_DETAIL = 200;

/** What a record says of one run. */
interface LandedRun {
  readonly result: RunResult;
  /** What the program declares; a batch says it of its last input alone. */
  readonly seconds?: number | undefined;
}

/** What a run made now comes to, as a record would say it. */
type OwnRun = RunResult & Pick<RunOutcome, "detail" | "seconds">;

interface Rerun {
  readonly plan: RunPlan;
  readonly landed: LandedRun;
  /** What the protocol makes of an outcome. */
  readonly conclude: (outcome: RunOutcome) => RunResult;
}

interface Options {
  readonly signal: AbortSignal;
}

/**
 * Runs again what a landed record was run for. The new state stays pinned, since the next record may have to go on from it: once,
 * where anything was accepted (see `leavesState`).
 */
export async function rerunRecord(
  components: RunComponents,
  {
    program,
    record,
    before,
  }: {
    readonly program: string;
    /** Its chain was found right. */
    readonly record: RunRecord;
    readonly before: HistoryState;
  },
  options: Options,
): Promise<readonly AuditFault[]> {
  const { image } = record;
  const reference = programReference(image.address, image.digest);
  if (reference === undefined) return [fault("IMAGE_MISMATCH", `${image.address} names no program that is pinned`)];
  if (record.kind === "batch") return await rerunInputs(components, { program, reference, record, before }, options);
  const plan = planReplay(record, { program, reference, before });
  const landed = { result: { status: "accepted", ...record } as const, seconds: record.limits.seconds };
  return await rerun(components, { plan, landed, conclude: (outcome) => outcome }, options);
}

/** Whether running a record again leaves a state that is pinned on its behalf. */
export function leavesState(record: RunRecord): boolean {
  return record.kind === "transition" || record.inputs.some(({ status }) => status === "accepted");
}

/** Each input on the state that the one before leaves; the first that is wrong ends it. */
async function rerunInputs(
  components: RunComponents,
  {
    program,
    reference,
    record,
    before,
  }: {
    readonly program: string;
    readonly reference: ProgramReference;
    readonly record: BatchRecord;
    readonly before: HistoryState;
  },
  options: Options,
): Promise<readonly AuditFault[]> {
  const { sequence, terms, inputs, limits } = record;
  let { state } = before;
  let isOwn = false;
  for (const [index, input] of inputs.entries()) {
    const { environment, signedRequest } = input;
    const plan: RunPlan = { program, reference, state, input: signedRequest.request.input, sequence, ...environment };
    const seconds = index === inputs.length - 1 ? limits.seconds : undefined;
    const conclude = (outcome: RunOutcome): BatchInput => concludeInput(input, outcome, { state, terms, environment });
    const faults = await rerun(components, { plan, landed: { result: input, seconds }, conclude }, options);
    if (faults.length > 0) return inputFaults(index, faults);
    if (input.status !== "accepted") continue;
    if (isOwn) await components.content.unpin(state, options);
    isOwn = true;
    state = input.newState;
  }
  return [];
}

async function rerun(
  components: RunComponents,
  { plan, landed, conclude }: Rerun,
  { signal }: Options,
): Promise<readonly AuditFault[]> {
  const run = async (): Promise<OwnRun> => {
    const outcome = await runProgram(components, plan, { signal });
    await components.content.unpin(outcome.outputCid, { signal });
    const { status, outputCid, newState, gas } = conclude(outcome);
    // Of what exceeds its gas nothing is kept.
    if (outcome.status === "accepted" && status !== "accepted") {
      await components.content.unpin(outcome.newState, { signal });
    }
    return { status, outputCid, newState, gas, detail: outcome.detail, seconds: outcome.seconds };
  };
  const { result, seconds } = landed;
  const first = await run();
  if (isSameResult(result, first)) {
    return seconds === undefined || first.seconds === seconds
      ? []
      : [fault("LIMITS_MISMATCH", `${seconds} seconds instead of ${first.seconds}`)];
  }
  // Nobody is blamed before it is known that the program comes to the same each time.
  const engine = plan.reference.kind;
  const own = await repeatRuns(run, { engine, signed: [result], lastCall: signal, signal });
  if (own.kind === "failed") throw new SprfError("ENGINE_FAILED", `it could not be run again: ${own.code}`);
  if (own.kind === "differ" || !isSameResult(own.answer, first)) {
    throw new SprfError("NON_DETERMINISTIC", "the program comes to another result each time it runs");
  }
  return differencesOf(own.answer, result);
}

function differencesOf(own: OwnRun, landed: RunResult): readonly AuditFault[] {
  if (own.status !== landed.status) {
    if (own.status === "rejected") return [fault("RESULT_REJECTED", own.detail.trim().slice(0, MAX_DETAIL))];
    return [fault("RESULT_STATUS", `${own.status} instead of ${landed.status}`)];
  }
  const faults: AuditFault[] = [];
  if (own.newState !== landed.newState) {
    faults.push(fault("RESULT_STATE", `${own.newState} instead of ${landed.newState}`));
  }
  if (own.outputCid !== landed.outputCid) {
    faults.push(fault("RESULT_OUTPUT", `${own.outputCid} instead of ${landed.outputCid}`));
  }
  if (own.gas !== landed.gas) faults.push(fault("RESULT_GAS", `${own.gas} instead of ${landed.gas}`));
  return faults;
}
