import { fault, inputFaults, type AuditFault } from "../domain/audit/fault.ts";
import type { HistoryState } from "../domain/audit/history-state.ts";
import type { RunRecord } from "../domain/program/run-record.ts";
import { programReference } from "../domain/program/smart-account.ts";
import type { RunResult } from "../domain/verdict/decide-verdict.ts";
import { SprfError } from "../errors.ts";
import type { HeldContent } from "../execution/held-content.ts";
import type { LimitTable } from "../execution/limits.ts";
import { planReplays } from "../execution/plan-replay.ts";
import { repeatRecord, type OwnRun } from "../execution/repeat-record.ts";
import type { RunComponents } from "../execution/run-program.ts";

const MAX_DETAIL = 200;

/**
 * Runs again what a landed record was run for. What it leaves stays held, so that the next record may go on from it.
 *
 * Throws what engine and content store throw, and SprfError `NON_DETERMINISTIC` and `ENGINE_FAILED` where nobody can be blamed.
 */
export async function rerunRecord(
  components: Omit<RunComponents, "content"> & {
    readonly held: HeldContent;
    readonly limitTables?: readonly LimitTable[] | undefined;
  },
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
  { signal }: { readonly signal: AbortSignal },
): Promise<readonly AuditFault[]> {
  const { image } = record;
  const { limitTables, ...running } = components;
  const reference = programReference(image.address, image.digest);
  if (reference === undefined) return [fault("IMAGE_MISMATCH", `${image.address} names no program that is pinned`)];
  const replays = planReplays(record, { program, reference, before, limitTables });
  const repeated = await repeatRecord(running, replays, { signal });
  if (repeated.kind === "failed") throw new SprfError("ENGINE_FAILED", `it could not be run again: ${repeated.code}`);
  if (repeated.kind === "differ") {
    throw new SprfError("NON_DETERMINISTIC", "the program comes to another result each time it runs");
  }
  const { index, own, isSame } = repeated;
  const replay = replays[index];
  if (replay === undefined) return [];
  const faults = isSame ? secondsFaults(own, replay.seconds) : differencesOf(own, replay.landed);
  return record.kind === "batch" ? inputFaults(index, faults) : faults;
}

function secondsFaults(own: OwnRun, seconds: number | undefined): readonly AuditFault[] {
  if (seconds === undefined || own.seconds === seconds) return [];
  return [fault("LIMITS_MISMATCH", `${seconds} seconds instead of ${own.seconds}`)];
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
