import { fault, type AuditFault } from "../domain/audit/fault.ts";
import type { HistoryState } from "../domain/audit/history-state.ts";
import { programReference } from "../domain/program/smart-account.ts";
import { isSameResult, type RunResult } from "../domain/verdict/decide-verdict.ts";
import { SprfError } from "../errors.ts";
import { planReplay } from "../execution/plan-replay.ts";
import { repeatRuns } from "../execution/repeat-runs.ts";
import { runProgram, type RunComponents, type RunOutcome } from "../execution/run-program.ts";
import type { TransitionRecord } from "../wire/record.ts";

/** Runs a landed transition again; the new state stays pinned, since the next transition may have to go on from it. */
export async function rerunTransition(
  components: RunComponents,
  {
    program,
    record,
    before,
  }: {
    readonly program: string;
    readonly record: TransitionRecord;
    readonly before: HistoryState;
  },
  { signal }: { readonly signal: AbortSignal },
): Promise<readonly AuditFault[]> {
  const { image } = record;
  const reference = programReference(image.address, image.digest);
  if (reference === undefined) return [fault("IMAGE_MISMATCH", `${image.address} names no program that is pinned`)];
  const plan = planReplay(record, { program, reference, before });
  const run = async (): Promise<RunOutcome> => {
    const outcome = await runProgram(components, plan, { signal });
    await components.content.unpin(outcome.outputCid, { signal });
    return outcome;
  };
  const landed: RunResult = { status: "accepted", ...record };
  const first = await run();
  if (isSameResult(landed, first)) {
    return first.seconds === record.limits.seconds
      ? []
      : [fault("LIMITS_MISMATCH", `${record.limits.seconds} seconds instead of ${first.seconds}`)];
  }
  // Nobody is blamed before it is known that the program comes to the same each time.
  const own = await repeatRuns(run, { engine: reference.kind, signed: [landed], lastCall: signal, signal });
  if (own.kind === "failed") throw new SprfError("ENGINE_FAILED", `it could not be run again: ${own.code}`);
  if (own.kind === "differ" || !isSameResult(own.answer, first)) {
    throw new SprfError("NON_DETERMINISTIC", "the program comes to another result each time it runs");
  }
  return differencesOf(own.answer, record);
}

function differencesOf(own: RunOutcome, record: TransitionRecord): readonly AuditFault[] {
  if (own.status === "rejected") return [fault("RESULT_REJECTED", own.detail.trim().slice(0, MAX_DETAIL))];
  const faults: AuditFault[] = [];
  if (own.newState !== record.newState)
    faults.push(fault("RESULT_STATE", `${own.newState} instead of ${record.newState}`));
  if (own.outputCid !== record.outputCid) {
    faults.push(fault("RESULT_OUTPUT", `${own.outputCid} instead of ${record.outputCid}`));
  }
  if (own.gas !== record.gas) faults.push(fault("RESULT_GAS", `${own.gas} instead of ${record.gas}`));
  return faults;
}

const MAX_DETAIL = 200;
