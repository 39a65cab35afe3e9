import { timeAfter } from "../../domain/program/chain-record.ts";
import { paymentsOf } from "../../domain/program/run-record.ts";
import { SprfError } from "../../errors.ts";
import { readChainRecord } from "../../execution/read-record.ts";
import type { ContentStore } from "../../ports/content-store.ts";
import { toHex } from "../../utils/bytes.ts";

/** More than a program makes in a day when ledgers close every second. */
const MAX_RECORDS = 100_000;

/** A payment (hex) and the record that ran what it was for, or gave it back. */
export interface UsedPayment {
  readonly paymentHash: string;
  readonly recordCid: string;
}

/**
 * The payments that landed records used or gave back and whose ledgers closed at `since` (seconds) or later, read from the program's
 * records back from `tip` to `known`: what a worker that joins, missed some or lost its store has to know before it signs anything.
 *
 * @returns with `isWhole` when `known` was reached, so that nothing is missing that was known before
 * @throws SprfError `HISTORY_UNAVAILABLE` when there are too many, and what reading records throws
 */
export async function recentPayments(
  content: ContentStore,
  { tip, known }: { readonly tip: string; readonly known: string | undefined },
  { since, signal }: { readonly since: number; readonly signal?: AbortSignal | undefined },
): Promise<{ readonly payments: readonly UsedPayment[]; readonly isWhole: boolean }> {
  const payments: UsedPayment[] = [];
  let recordCid = tip;
  let read = 0;
  while (recordCid !== known) {
    if (read++ >= MAX_RECORDS) {
      // To stop here would take payments for unused that nobody has looked at.
      throw new SprfError("HISTORY_UNAVAILABLE", `more than ${MAX_RECORDS} records to read; ask later`);
    }
    const record = await readChainRecord(content, recordCid, { signal });
    // The time of records is never below the close of any payment before.
    if (record.kind === "create" || Number(timeAfter(record)) < since) return { payments, isWhole: false };
    for (const { signedRequest } of paymentsOf(record)) {
      payments.push({ paymentHash: toHex(signedRequest.paymentHash), recordCid });
    }
    recordCid = record.previous.recordCid;
  }
  return { payments, isWhole: true };
}
