import { applyEvent } from "../domain/read-model/apply-event.ts";
import { SprfError, isSprfError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { BlockHeader, EventLog, LoggedEvent } from "../ports/event-log.ts";
import type { Logger } from "../ports/logger.ts";
import type { Store, StoreChange } from "../ports/store.ts";
import { throwIfAborted } from "../utils/abort.ts";
import { forgetBlock, keepBlock, keptBlocks, moveCursor, newCursor, readCursor, type Cursor } from "./cursor.ts";
import { readHeaders } from "./headers.ts";
import { takeBack } from "./take-back.ts";
import { forgetUndo, keepUndo } from "./undo.ts";
import { createWorkingSet } from "./working-set.ts";

/** Blocks behind the head that can still be replaced: their changes are kept so that they can be taken back. */
export const KEPT_BLOCKS = 128;
const MAX_RETRY_MS = 5_000;
const MAX_DOUBLINGS = 10;

export interface IndexerComponents {
  readonly eventLog: EventLog;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface IndexerInit {
  /** First block of a new index: that of the market's deployment, or one before it. @default 0 */
  readonly fromBlock?: number;
  /** How often to look for a new block. @default 1000 */
  readonly pollingIntervalMs?: number;
}

export interface IndexerOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch that the store has taken. */
  readonly onProgress?: (cursor: Cursor) => void;
  /** Called by `follow` when the node cannot be read any more, and when it can again. */
  readonly onReachable?: (isReachable: boolean) => void;
}

/** Follows a market's events into a store; of several on one store, one goes on and the others fail with `STORE_CONFLICT`. */
export interface Indexer {
  /**
   * Goes on until the index is at the head of the chain.
   *
   * @throws SprfError `CHAIN_UNREACHABLE`, `REORG_TOO_DEEP`, `EVENTS_MISSING`, `INDEX_INVALID` when the store holds another market
   */
  catchUp(options?: IndexerOptions): Promise<Cursor>;
  /** Catches up whenever the chain has grown or changed, until `signal` aborts. A node that is away is asked again. */
  follow(options?: IndexerOptions): Promise<void>;
}

/** Brings the read model of a market from block to block: each batch and the cursor after it are stored together or not at all. */
export function createIndexer(components: IndexerComponents, init: IndexerInit = {}): Indexer {
  const { eventLog, store, clock } = components;
  const logger = components.logger.child({ component: "indexer" });
  const pollingIntervalMs = init.pollingIntervalMs ?? 1_000;
  const rows = createWorkingSet(store);
  let cursor: Cursor | undefined;

  async function current(): Promise<Cursor> {
    if (cursor !== undefined) return cursor;
    const { market, constants } = eventLog;
    const found = await readCursor(store);
    if (found !== undefined && found.market !== market) {
      throw new SprfError("INDEX_INVALID", `the index is of the market ${found.market}, not ${market}`);
    }
    if (found === undefined) {
      const fresh = newCursor(market, constants, init.fromBlock ?? 0);
      await store.apply(moveCursor(undefined, fresh));
      cursor = fresh;
    } else {
      cursor = found;
    }
    return cursor;
  }

  /** Stores changes together with the cursor after them. */
  async function commit(from: Cursor, to: Cursor, changes: readonly StoreChange[]): Promise<void> {
    try {
      await store.apply([...moveCursor(from, to), ...changes]);
    } catch (error) {
      // Whether the store has them or not is found out by reading it anew.
      cursor = undefined;
      rows.clear();
      throw error;
    }
    cursor = to;
    rows.applied();
  }

  /** One step towards the head; true when the index is there. */
  async function step(signal: AbortSignal | undefined): Promise<boolean> {
    const from = await current();
    const head = await eventLog.head({ signal });
    if (from.hash !== undefined && (await eventLog.header(from.block, { signal }))?.hash !== from.hash) {
      await goBack(from, signal);
      return false;
    }
    if (head.number <= from.block) return true;
    const settledTo = head.number - KEPT_BLOCKS;
    if (from.block < settledTo) await takeSettled(from, settledTo, head, signal);
    else await takeRecent(from, head, signal);
    return false;
  }

  /** Blocks so deep that they stay: as many at once as the node gives. */
  async function takeSettled(
    from: Cursor,
    settledTo: number,
    head: BlockHeader,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const page = await eventLog.events(from.block + 1, settledTo, { signal });
    const last = await eventLog.header(page.to, { signal });
    if (last === undefined) return;
    await applyAll(page.events);
    rows.endBlock();
    const to = advance(from, last, head, page.events.length);
    await commit(from, to, [...rows.changes(), ...(await forgetKept(page.to))]);
    logger.debug("blocks indexed", { from: from.block + 1, to: page.to, events: page.events.length });
  }

  /** Blocks that can be replaced: each with its header, so that all that is taken belongs to one chain, and with its undo. */
  async function takeRecent(from: Cursor, head: BlockHeader, signal: AbortSignal | undefined): Promise<void> {
    const headers = await readHeaders(eventLog, from, head.number, signal);
    if (headers === undefined) return;
    const page = await eventLog.events(from.block + 1, head.number, { signal });
    const taken = headers.filter(({ number }) => number <= page.to);
    const last = taken.at(-1);
    if (last === undefined || !areOf(taken, page.events)) return;
    // Replaced between the headers and the events: then the events may be those of other blocks.
    if ((await eventLog.header(last.number, { signal }))?.hash !== last.hash) return;
    const kept: StoreChange[] = [];
    let next = 0;
    for (const header of taken) {
      const begin = next;
      while (page.events[next]?.block === header.number) next++;
      await applyAll(page.events.slice(begin, next));
      kept.push(keepBlock(header), keepUndo(header.number, await rows.endBlockWithUndo()));
    }
    const to = advance(from, last, head, page.events.length);
    await commit(from, to, [...rows.changes(), ...kept, ...(await forgetKept(head.number - KEPT_BLOCKS))]);
  }

  async function applyAll(events: readonly LoggedEvent[]): Promise<void> {
    try {
      for (const event of events) await applyEvent(rows, event, eventLog.constants);
    } catch (error) {
      rows.clear();
      throw error;
    }
  }

  async function goBack(from: Cursor, signal: AbortSignal | undefined): Promise<void> {
    const { to, changes } = await takeBack({ eventLog, store }, from, signal);
    rows.clear();
    await commit(from, to, changes);
    logger.info("blocks were replaced", { taken: from.block - to.block, block: to.block });
  }

  async function forgetKept(upTo: number): Promise<StoreChange[]> {
    const kept = await keptBlocks(store);
    return kept
      .filter(({ number }) => number <= upTo)
      .flatMap(({ number }) => [forgetBlock(number), forgetUndo(number)]);
  }

  async function catchUp({ signal, onProgress }: IndexerOptions = {}): Promise<Cursor> {
    for (;;) {
      throwIfAborted(signal);
      const before = cursor;
      const done = await step(signal);
      const now = await current();
      if (now !== before) onProgress?.(now);
      if (done) return now;
      // Something changed while it was read: the chain is given time to come to rest.
      if (now === before) await clock.sleep(pollingIntervalMs, { signal });
    }
  }

  async function follow(options: IndexerOptions = {}): Promise<void> {
    const { signal } = options;
    let failures = 0;
    while (signal?.aborted !== true) {
      let pauseMs = pollingIntervalMs;
      try {
        await catchUp(options);
        if (failures > 0) options.onReachable?.(true);
        failures = 0;
      } catch (error) {
        if (signal?.aborted) return;
        if (!isSprfError(error, "CHAIN_UNREACHABLE")) throw error;
        if (failures === 0) options.onReachable?.(false);
        failures++;
        pauseMs = Math.min(pollingIntervalMs * 2 ** Math.min(failures, MAX_DOUBLINGS), MAX_RETRY_MS);
        logger.warn("the chain cannot be read", { reason: error.message, retryMs: pauseMs });
      }
      await clock.sleep(pauseMs, { signal }).catch(() => undefined);
    }
  }

  return { catchUp, follow };
}

function advance(from: Cursor, last: BlockHeader, head: BlockHeader, events: number): Cursor {
  return { ...from, block: last.number, hash: last.hash, head: head.number, events: from.events + events };
}

function areOf(headers: readonly BlockHeader[], events: readonly LoggedEvent[]): boolean {
  const hashes = new Map(headers.map(({ number, hash }) => [number, hash]));
  return events.every(({ block, blockHash }) => hashes.get(block) === blockHash);
}
