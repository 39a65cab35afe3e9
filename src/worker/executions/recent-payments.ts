import { timeAfter } from "../../domain/program/chain-record.ts";
import { PAYMENT_VALID_SECONDS } from "../../domain/program/payment.ts";
import { SprfError } from "../../errors.ts";
import { readChainRecord } from "../../execution/read-record.ts";
import type { ContentStore } from "../../ports/content-store.ts";
import { toHex } from "../../utils/bytes.ts";

/** More than a program makes within the validity of a payment when ledgers close every second. */
const MAX_RECORDS = 10_000;

/** A payment (hex) and the record of the landed transition that it bought. */
export interface UsedPayment {
  readonly paymentHash: string;
  readonly recordCid: string;
}

/**
 * The payments that landed transitions used within the time in which a payment is valid, read from the
 * program's records back from `tip` to `known`: what a worker that joins, missed some or lost its store has to know before it
 * signs anything.
 *
 * @throws SprfError `HISTORY_UNAVAILABLE` when there are too many, and what reading records throws
 */
export async function recentPayments(
  content: ContentStore,
  { tip, known }: { readonly tip: string; readonly known: string | undefined },
  { now, signal }: { readonly now: number; readonly signal?: AbortSignal | undefined },
): Promise<readonly UsedPayment[]> {
  const used: UsedPayment[] = [];
  let recordCid = tip;
  let read = 0;
  while (recordCid !== known) {
    if (read++ >= MAX_RECORDS) {
      // To stop here would take payments for unused that nobody has looked at.
      throw new SprfError("HISTORY_UNAVAILABLE", `more than ${MAX_RECORDS} records to read; ask later`);
    }
    const record = await readChainRecord(content, recordCid, { signal });
    if (record.kind === "create") break;
    // The time of transitions is never below the close of any payment before.
    if (Number(timeAfter(record)) + 2 * PAYMENT_VALID_SECONDS < now) break;
    if (record.kind === "transition") {
      used.push({ paymentHash: toHex(record.signedRequest.paymentHash), recordCid });
    }
    if (record.kind === "batch") {
      for (const { signedRequest } of record.inputs)
        used.push({ paymentHash: toHex(signedRequest.paymentHash), recordCid });
    }
    recordCid = record.previous.recordCid;
  }
  return used;
}
