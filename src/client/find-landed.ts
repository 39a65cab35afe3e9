import { anchoredAnswer } from "../domain/program/anchored-answer.ts";
import { timeAfter } from "../domain/program/chain-record.ts";
import { isRunRecord } from "../domain/program/run-record.ts";
import { SprfError, isSprfError } from "../errors.ts";
import { loadSmartAccount } from "../execution/load-smart-account.ts";
import { readContent } from "../execution/read-content.ts";
import { readChainRecord } from "../execution/read-record.ts";
import { walkRecords } from "../execution/walk-records.ts";
import type { Clock } from "../ports/clock.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { LandedTransaction, Ledger } from "../ports/ledger.ts";
import { throwIfAborted } from "../utils/abort.ts";
import { toHex } from "../utils/bytes.ts";
import { retry } from "../utils/retry.ts";
import { within } from "../utils/within.ts";
import type { ExecutionAnswer } from "../wire/execution-answer.ts";
import type { ChainRecord } from "../wire/record.ts";

/** How long is looked for what landed. */
const SEARCH_MS = 30_000;
/** How long a record is looked for that only one worker may speak of: it may not even exist. */
const HINT_MS = 5_000;
/** A service is so far behind at most. */
const LAG_MS = 10_000;
const POLL_MS = 500;
const MS_PER_SECOND = 1_000;
/** More than a program makes within the time in which a payment is valid, when ledgers close every second. */
const MAX_RECORDS = 10_000;

interface FindLandedComponents {
  readonly ledger: Ledger;
  readonly content: ContentStore;
  readonly clock: Clock;
}

interface SearchedRequest {
  readonly program: string;
  readonly requestHash: Uint8Array;
  /** When the ledger that holds its payment closed, in seconds since the Unix epoch. */
  readonly paidAt: number;
  /** CIDs of records that workers named; nothing about them need be true. */
  readonly hints: readonly string[];
  /** A worker said that its payment bought something: the client's own service may be behind that worker's. */
  readonly mayBeAhead: boolean;
}

/** A request that landed: what the ledger's majority signed of it. */
export interface FoundLanding {
  readonly answer: ExecutionAnswer;
  readonly output: Uint8Array;
  readonly transaction: LandedTransaction;
}

/**
 * Looks for a request on the ledger itself, whatever its workers say or have lost: first by the records that they named, then along
 * the program's records from the tip back to the request's payment. What is found is in a transaction that the ledger holds, so a
 * majority signed it; nobody has to be believed. Undefined when the request has not landed.
 *
 * @throws what reading ledger and records throws, once it was tried for a while: nobody knows then whether it landed
 */
export async function findLanded(
  components: FindLandedComponents,
  search: SearchedRequest,
  { signal, patienceMs = SEARCH_MS }: { readonly signal?: AbortSignal | undefined; readonly patienceMs?: number } = {},
): Promise<FoundLanding | undefined> {
  const { clock } = components;
  const startMs = clock.now();
  const untilMs = startMs + Math.min(patienceMs, SEARCH_MS);
  const work = async (limited: AbortSignal): Promise<FoundLanding | undefined> => {
    const hinted = await findHinted(components, search, limited);
    if (hinted !== undefined) return hinted;
    for (;;) {
      const isOver = !search.mayBeAhead || (await hasSeen(components.ledger, startMs, limited));
      const found = await retry(async () => await walk(components, search, limited), {
        clock,
        signal: limited,
        retriable: (error) => isSprfError(error) && MAY_PASS.includes(error.code) && clock.now() < untilMs,
      });
      if (found !== undefined || isOver || clock.now() - startMs >= LAG_MS) return found;
      await clock.sleep(POLL_MS, { signal: limited });
    }
  };
  return await within(work, { clock, timeoutMs: SEARCH_MS, signal });
}

/** A service or a peer that is away, or a close behind. */
const MAY_PASS: readonly string[] = ["LEDGER_UNREACHABLE", "CONTENT_NOT_FOUND", "HISTORY_UNAVAILABLE"];

/** Whether the service knows a ledger that closed after this moment. */
async function hasSeen(ledger: Ledger, atMs: number, signal: AbortSignal): Promise<boolean> {
  const { sequence } = await ledger.latest({ signal });
  const header = await ledger.header(sequence, { signal });
  return header !== undefined && header.closeTime * MS_PER_SECOND > atMs;
}

async function findHinted(
  components: FindLandedComponents,
  search: SearchedRequest,
  signal: AbortSignal,
): Promise<FoundLanding | undefined> {
  const { clock, content } = components;
  for (const recordCid of new Set(search.hints)) {
    try {
      const found = await within(
        async (limited) =>
          await readLanding(components, search, {
            recordCid,
            record: await readChainRecord(content, recordCid, { signal: limited }),
            signal: limited,
          }),
        { clock, timeoutMs: HINT_MS, signal },
      );
      if (found !== undefined) return found;
    } catch {
      // It may be a lie, and what is true is found without it.
      throwIfAborted(signal);
    }
  }
  return undefined;
}

async function walk(
  components: FindLandedComponents,
  search: SearchedRequest,
  signal: AbortSignal,
): Promise<FoundLanding | undefined> {
  const account = await loadSmartAccount(components.ledger, search.program, { signal });
  let read = 0;
  for await (const { recordCid, record } of walkRecords(components, account, { signal })) {
    // A transition's time is never below the close of its payment, nor below that of the one before.
    if (Number(timeAfter(record)) < search.paidAt) return undefined;
    if (read++ >= MAX_RECORDS) throw new SprfError("HISTORY_UNAVAILABLE", `more than ${MAX_RECORDS} records to read`);
    const found = await readLanding(components, search, { recordCid, record, signal });
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What a record says of the request, if the ledger holds the transaction that follows from it. */
async function readLanding(
  { ledger, content }: FindLandedComponents,
  { program, requestHash }: SearchedRequest,
  {
    recordCid,
    record,
    signal,
  }: { readonly recordCid: string; readonly record: ChainRecord; readonly signal: AbortSignal },
): Promise<FoundLanding | undefined> {
  if (!isRunRecord(record)) return undefined;
  const anchored = anchoredAnswer(record, recordCid, requestHash);
  if (anchored === undefined || anchored.transaction.source !== program) return undefined;
  if (anchored.transaction.networkPassphrase !== ledger.networkPassphrase) return undefined;
  const transaction = await ledger.transaction(toHex(anchored.transaction.hash()), { signal });
  if (transaction?.successful !== true) return undefined;
  const { answer } = anchored;
  const maxBytes = record.limits.outputBytes;
  return { answer, output: await readContent(content, answer.outputCid, { maxBytes, signal }), transaction };
}
