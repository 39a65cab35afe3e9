import type { BatchInput, BatchRecord } from "../../wire/batch-record.ts";
import type { ProgramRecord, TransitionRecord } from "../../wire/record.ts";

/** A record of what programs were run for; all others leave the state as it is. */
export type RunRecord = TransitionRecord | BatchRecord;

/** One request of such a record and what paid for it; what was paid is named for prepaid ones alone. */
export type PaidRun = Pick<BatchInput, "signedRequest" | "payment"> & Partial<Pick<BatchInput, "paidStroops">>;

export function isRunRecord(record: ProgramRecord): record is RunRecord {
  return record.kind === "transition" || record.kind === "batch";
}

/** The requests whose payments a record settles: those that it ran, and those that it gives back because they were not run. */
export function paymentsOf(record: ProgramRecord): readonly PaidRun[] {
  if (record.kind === "return") return record.returned;
  return isRunRecord(record) ? paidRunsOf(record) : [];
}

/** The requests of a record, in the order of their runs. */
export function paidRunsOf(record: RunRecord): readonly PaidRun[] {
  return record.kind === "batch" ? record.inputs : [record];
}
