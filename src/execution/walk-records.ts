import { readChainRecord } from "./read-record.ts";
import { findTip } from "./tip.ts";
import { previousOf } from "../domain/program/chain-record.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { ChainRecord } from "../wire/record.ts";

/** A record of a program's history, and what landed for it. */
export interface LandedRecord {
  readonly recordCid: string;
  readonly record: ChainRecord;
  readonly envelope: Uint8Array;
}

/**
 * A program's records from the ledger's tip backwards, the newest first, down to the one that made it. Each is named by the one
 * after it, the newest by the ledger, so nobody can slip another in.
 *
 * Throws what looking for the tip and reading a record throws.
 */
export async function* walkRecords(
  { ledger, content }: { readonly ledger: Ledger; readonly content: ContentStore },
  account: SmartAccount,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<LandedRecord, void, undefined> {
  const tip = await findTip(ledger, account, { signal });
  let next: { readonly recordCid: string; readonly envelope: Uint8Array } | undefined = tip;
  while (next !== undefined) {
    const { recordCid, envelope } = next;
    const record = await readChainRecord(content, recordCid, { signal });
    yield { recordCid, record, envelope };
    next = previousOf(record);
  }
}
