import { historyFields } from "../domain/program/history-fields.ts";
import { programReference, type SmartAccount } from "../domain/program/smart-account.ts";
import { SprfError } from "../errors.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { ProgramReference } from "../ports/engine.ts";
import type { BatchRecord } from "../wire/batch-record.ts";
import type { ChainRecord } from "../wire/record.ts";
import { readChainRecord } from "./read-record.ts";
import { findTip, type TipMemory } from "./tip.ts";

/** What a record of a program is made on: the program as its account has it, and the end of its history. */
export interface BatchBase extends Pick<
  BatchRecord,
  "network" | "program" | "sequence" | "image" | "terms" | "previous" | "skipped" | "skippedBefore"
> {
  readonly reference: ProgramReference;
  readonly state: string;
  /** The record before. */
  readonly previousRecord: ChainRecord;
  /** Transactions of the account that landed and failed since the record before. */
  readonly failed: number;
}

/**
 * The base of the next batch or refund.
 *
 * @throws SprfError `HISTORY_UNAVAILABLE`, `LEDGER_UNREACHABLE`, and what reading the record before throws
 */
export async function baseOfAccount(
  { ledger, content, tips }: { readonly ledger: Ledger; readonly content: ContentStore; readonly tips?: TipMemory },
  account: SmartAccount,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<BatchBase> {
  const tip = await findTip(ledger, account, { signal, memory: tips });
  const previousRecord = await readChainRecord(content, tip.recordCid, { signal });
  const { baseFeeStroops, gasPriceStroops } = account;
  return {
    network: ledger.networkPassphrase,
    program: account.id,
    sequence: account.sequence,
    image: account.image,
    reference: account.program,
    terms: { baseFeeStroops, gasPriceStroops },
    state: account.state,
    previousRecord,
    failed: tip.skipped.length,
    ...historyFields(tip),
  };
}

/**
 * The base that a batch was made on, for whoever repeats it later.
 *
 * @throws SprfError `RECORD_INVALID` when the record names no program, and what reading the record before it throws
 */
export async function baseOfRecord(
  content: ContentStore,
  record: BatchRecord,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<BatchBase> {
  const { network, program, sequence, image, terms, previous, skipped, skippedBefore } = record;
  const reference = programReference(image.address, image.digest);
  if (reference === undefined) {
    throw new SprfError("RECORD_INVALID", `${image.address} names no program that can be pinned`);
  }
  return {
    network,
    program,
    sequence,
    image,
    reference,
    terms,
    state: record.previousState,
    previousRecord: await readChainRecord(content, previous.recordCid, { signal }),
    failed: skipped.length + (skippedBefore?.count ?? 0),
    previous,
    skipped,
    ...(skippedBefore === undefined ? {} : { skippedBefore }),
  };
}
