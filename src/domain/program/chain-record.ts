import type { ChainRecord } from "../../wire/record.ts";

/** The state after a record's transaction. */
export function stateAfter(record: ChainRecord): string {
  return record.kind === "transition" || record.kind === "batch" ? record.newState : record.state;
}

/**
 * `SPRF_TIME` (seconds) of the last transition up to a record, 0 when there was none; no later one may go below it. No payment that
 * records up to it have used or returned is younger.
 */
export function timeAfter(record: ChainRecord): bigint {
  if (record.kind === "create") return 0n;
  if (record.kind === "return") {
    return record.returned.reduce(
      (time, { payment }) => (payment.closeTime > time ? payment.closeTime : time),
      record.time,
    );
  }
  if (record.kind === "batch") return record.inputs.at(-1)?.environment.time ?? 0n;
  return record.kind === "transition" ? record.environment.time : record.time;
}

/** The smart account's sequence that a record was made on; undefined for the one that made the account. */
export function sequenceBefore(record: ChainRecord): bigint | undefined {
  if (record.kind === "create") return undefined;
  return record.kind === "transition" ? record.environment.sequence : record.sequence;
}

/** What a record names as its predecessor in the history: all but the first have one. */
export function previousOf(
  record: ChainRecord,
): { readonly recordCid: string; readonly envelope: Uint8Array } | undefined {
  return record.kind === "create" ? undefined : record.previous;
}
