import { fault, type AuditFault } from "../domain/audit/fault.ts";
import type { HistoryState } from "../domain/audit/history-state.ts";
import type { HistoryLink } from "../domain/audit/verify-link.ts";
import { readEnvelope } from "../domain/audit/read-envelope.ts";
import { memoHashOf } from "../domain/program/envelope.ts";
import { previousOf, sequenceBefore } from "../domain/program/chain-record.ts";
import { isRunRecord } from "../domain/program/run-record.ts";
import { SprfError, isSprfError } from "../errors.ts";
import { readContent } from "../execution/read-content.ts";
import type { Tip } from "../execution/tip.ts";
import type { ContentStore } from "../ports/content-store.ts";
import { throwIfAborted } from "../utils/abort.ts";
import { recordCidFromHash } from "../wire/canonical.ts";
import { MAX_RECORD_BYTES, decodeRecord, type ChainRecord } from "../wire/record.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** How far back a history could be followed from its tip. */
export type CollectedHistory =
  | {
      readonly kind: "whole";
      /** Records and transitions that are new since the earlier audit that it goes on from. */
      readonly records: number;
      readonly transitions: number;
      readonly from: HistoryState | undefined;
    }
  /** A record is not one, so nothing before it can be found; all after it rests on it. */
  | { readonly kind: "broken"; readonly recordCid: string; readonly envelope: Uint8Array; readonly fault: AuditFault }
  /** Nobody has the record. */
  | { readonly kind: "missing"; readonly recordCid: string; readonly error: SprfError };

interface Components {
  readonly content: ContentStore;
  readonly checkpoint: Checkpoint;
}

/**
 * Follows a history from its tip back to the transaction that made the account, or to where an earlier audit left off, and notes the
 * way on disk: however long it is, and however large its records, memory holds one of them at a time. Each record is named by the
 * hash in the one after it, so there can be no cycle; that sequence numbers fall bounds how many there can be.
 */
export async function collectHistory(
  { content, checkpoint }: Components,
  tip: Tip,
  network: string,
  {
    signal,
    onProgress,
  }: { readonly signal?: AbortSignal | undefined; readonly onProgress?: (records: number) => void } = {},
): Promise<CollectedHistory> {
  await checkpoint.forgetLinks();
  const known = await checkpoint.cursor();
  let transitions = 0;
  let at: { readonly recordCid: string; readonly envelope: Uint8Array } | undefined = tip;
  let above: { readonly recordCid: string; readonly envelope: Uint8Array } | undefined;
  let sequenceAbove = tip.sequence;
  for (let depth = 0; ; depth++) {
    throwIfAborted(signal);
    if (at === undefined) return { kind: "whole", records: depth, transitions, from: undefined };
    const { recordCid, envelope } = at;
    if (above !== undefined && !isMemoOf(envelope, recordCid, network)) {
      return { kind: "broken", ...above, fault: fault("ENVELOPE_MISMATCH", `its memo is not ${recordCid}`) };
    }
    if (recordCid === known?.recordCid) return { kind: "whole", records: depth, transitions, from: known };
    let record: ChainRecord;
    try {
      record = await readBlock({ content, checkpoint }, recordCid, signal);
    } catch (error) {
      if (!isSprfError(error)) throw error;
      if (error.code === "RECORD_INVALID" || error.code === "CONTENT_TOO_LARGE") {
        return { kind: "broken", recordCid, envelope, fault: fault("RECORD_INVALID", error.message) };
      }
      if (error.code === "CONTENT_NOT_FOUND") return { kind: "missing", recordCid, error };
      throw error;
    }
    const sequence = sequenceBefore(record);
    if (sequence !== undefined) {
      if (sequence >= sequenceAbove) {
        return {
          kind: "broken",
          recordCid,
          envelope,
          fault: fault("RECORD_OUT_OF_ORDER", `its sequence is ${sequence}`),
        };
      }
      sequenceAbove = sequence;
    }
    await checkpoint.keepLink(depth, recordCid);
    if (isRunRecord(record)) transitions += 1;
    onProgress?.(depth + 1);
    above = at;
    at = previousOf(record);
  }
}

/** The links that were collected, the oldest first; what landed for each is named by the record after it, or by the ledger. */
export async function* readLinks(
  components: Components,
  tip: Tip,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<HistoryLink, void, undefined> {
  let waiting: Omit<HistoryLink, "envelope"> | undefined;
  for await (const recordCid of components.checkpoint.links()) {
    const record = await readBlock(components, recordCid, signal);
    if (waiting !== undefined) {
      yield { ...waiting, envelope: previousOf(record)?.envelope ?? new Uint8Array() };
    }
    waiting = { recordCid, record };
  }
  if (waiting !== undefined) yield { ...waiting, envelope: tip.envelope };
}

/** Whether a transaction has the hash of this record as its memo: else what names both leads away from the ledger. */
function isMemoOf(envelope: Uint8Array, recordCid: string, network: string): boolean {
  const transaction = readEnvelope(envelope, network);
  const memo = transaction === undefined ? undefined : memoHashOf(transaction);
  return memo !== undefined && recordCidFromHash(memo) === recordCid;
}

async function readBlock(
  { content, checkpoint }: Components,
  recordCid: string,
  signal: AbortSignal | undefined,
): Promise<ChainRecord> {
  const kept = await checkpoint.block(recordCid);
  const block = kept ?? (await readContent(content, recordCid, { maxBytes: MAX_RECORD_BYTES, signal }));
  const record = decodeRecord(block);
  if (record.kind === "recovery") throw new SprfError("RECORD_INVALID", "a recovery, which no history leads to");
  if (kept === undefined) await checkpoint.keepBlock(recordCid, block);
  return record;
}
