import { previousOf, sequenceBefore, stateAfter, timeAfter } from "../domain/program/chain-record.ts";
import { memoHashOf } from "../domain/program/envelope.ts";
import { readEnvelope } from "../domain/audit/read-envelope.ts";
import { paidRunsOf, isRunRecord } from "../domain/program/run-record.ts";
import { SprfError } from "../errors.ts";
import { loadSmartAccount } from "../execution/load-smart-account.ts";
import { readContent } from "../execution/read-content.ts";
import { findTip } from "../execution/tip.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Ledger } from "../ports/ledger.ts";
import { recordCidFromHash } from "../wire/canonical.ts";
import { MAX_RECORD_BYTES, decodeRecord, type ChainRecord } from "../wire/record.ts";

/** One transaction of a program's history. */
export interface HistoryEntry {
  readonly recordCid: string;
  readonly kind: ChainRecord["kind"];
  /** `SPRF_TIME` in seconds of the last run up to it; 0 before the first. */
  readonly time: bigint;
  /** The smart account's sequence that it was made on; absent for the one that made the account. */
  readonly sequence?: bigint;
  /** CID of the state after it. */
  readonly state: string;
  /** Requests that it ran. */
  readonly runs: number;
  /** All that the record says. */
  readonly record: ChainRecord;
  /** The transaction that landed for it, with its signatures. */
  readonly envelope: Uint8Array;
}

/** A record, and the transaction that landed for it. */
export interface Link {
  readonly recordCid: string;
  readonly envelope: Uint8Array;
}

interface Components {
  readonly ledger: Ledger;
  readonly content: ContentStore;
}

/**
 * A program's history from the ledger's account back to its creation, the newest first. Each record is named by the transaction that
 * anchored it; whether what it says is right is for an audit to find out.
 *
 * @throws SprfError `HISTORY_BROKEN` when what a record names before it is not so, and what ledger and content store throw
 */
export async function* readHistory(
  { ledger, content }: Components,
  program: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<HistoryEntry, void, undefined> {
  const tip = await findTip(ledger, await loadSmartAccount(ledger, program, { signal }), { signal });
  yield* walkHistory({ ledger, content }, tip, { signal });
}

/** The same from one of its transactions on; nothing here says that the ledger leads to it. */
export async function* walkHistory(
  { ledger, content }: { readonly ledger: Pick<Ledger, "networkPassphrase">; readonly content: ContentStore },
  from: Link,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<HistoryEntry, void, undefined> {
  for (let at: Link | undefined = from; at !== undefined;) {
    requireMemo(at, ledger.networkPassphrase);
    const block = await readContent(content, at.recordCid, { maxBytes: MAX_RECORD_BYTES, signal });
    const record = decodeRecord(block);
    if (record.kind === "recovery") throw new SprfError("HISTORY_BROKEN", `${at.recordCid} is a recovery`);
    const sequence = sequenceBefore(record);
    yield {
      recordCid: at.recordCid,
      kind: record.kind,
      time: timeAfter(record),
      ...(sequence === undefined ? {} : { sequence }),
      state: stateAfter(record),
      runs: isRunRecord(record) ? paidRunsOf(record).length : 0,
      record,
      envelope: at.envelope,
    };
    at = previousOf(record);
  }
}

/** A transaction has its record's hash as its memo. */
function requireMemo({ recordCid, envelope }: Link, network: string): void {
  const transaction = readEnvelope(envelope, network);
  const memo = transaction === undefined ? undefined : memoHashOf(transaction);
  if (memo === undefined || recordCidFromHash(memo) !== recordCid) {
    throw new SprfError("HISTORY_BROKEN", `the transaction before ${recordCid} does not name it`);
  }
}
