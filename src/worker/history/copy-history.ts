import { z } from "zod";

import { contentOfRecord } from "../../domain/program/record-content.ts";
import { messageOf } from "../../errors.ts";
import { readRecord } from "../../execution/read-record.ts";
import type { ContentStore } from "../../ports/content-store.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Store } from "../../ports/store.ts";
import { throwIfAborted, withDeadline } from "../../utils/abort.ts";
import { createTable, type Table } from "../../utils/table.ts";
import { historyOf } from "./holders.ts";

const CID_TIMEOUT_MS = 20_000;
/** What could not be had is tried again, a few at each look. */
const RETRIED_AT_ONCE = 8;

/**
 * How far a program's history is kept: all of it from `top` back, but for the piece from `cursor` back to `floor` (all, when
 * absent), which is being copied.
 */
const progressSchema = z.strictObject({
  top: z.string(),
  cursor: z.string().optional(),
  floor: z.string().optional(),
});
const missingSchema = z.strictObject({ cid: z.string() });

type Progress = z.output<typeof progressSchema>;

export interface HistoryCopier {
  /**
   * Keeps all records from `tip` back and what they refer to; states but the first are left out. Goes on where it was stopped.
   *
   * @returns whether all of it is kept now: what could not be had is tried again with the next call
   */
  copy(program: string, tip: string, options: { readonly signal: AbortSignal }): Promise<boolean>;
  /** Forgets how far it was. */
  forget(program: string): Promise<void>;
}

export function createHistoryCopier({
  content,
  store,
  logger,
}: {
  readonly content: ContentStore;
  readonly store: Store;
  readonly logger: Logger;
}): HistoryCopier {
  const progress = createTable(store, "history-progress", progressSchema);
  const missing = createTable(store, "history-missing", missingSchema);
  const triedUpTo = new Map<string, string>();

  /** Copies back from the cursor to the floor, noting each step. */
  async function goOn(program: string, from: Progress, signal: AbortSignal): Promise<void> {
    const holder = historyOf(program);
    let { cursor } = from;
    while (cursor !== undefined && cursor !== from.floor) {
      throwIfAborted(signal);
      const within = withDeadline(signal, CID_TIMEOUT_MS);
      await content.pin(cursor, { holder, signal: within });
      const { kept, previous } = contentOfRecord(await readRecord(content, cursor, { signal: within }));
      await Promise.all(kept.map(async (cid) => await keep(program, cid, signal)));
      cursor = previous;
      if (cursor !== undefined) await store.apply([progress.put(program, { ...from, cursor })]);
    }
    await store.apply([progress.put(program, { top: from.top })]);
  }

  /** An input that nobody has any more must not keep the rest from being copied. */
  async function keep(program: string, cid: string, signal: AbortSignal): Promise<boolean> {
    try {
      await content.pin(cid, { holder: historyOf(program), signal: withDeadline(signal, CID_TIMEOUT_MS) });
      return true;
    } catch (error) {
      throwIfAborted(signal);
      logger.warn("a piece of history cannot be had now", { program, cid, reason: messageOf(error) });
      await store.apply([missing.put(`${program}/${cid}`, { cid })]);
      return false;
    }
  }

  /** Begins where the last call left off, so that one which is gone for good is in no other's way. */
  async function tryMissing(program: string, signal: AbortSignal): Promise<boolean> {
    const prefix = `${program}/`;
    const after = triedUpTo.get(program);
    const range = { prefix, limit: RETRIED_AT_ONCE };
    const next = after === undefined ? [] : await missing.list({ ...range, after });
    const tried = next.length > 0 ? next : await missing.list(range);
    await Promise.all(
      tried.map(async ({ key, value }) => {
        if (await keep(program, value.cid, signal)) await store.apply([missing.delete(key)]);
      }),
    );
    const last = tried.at(-1);
    if (last === undefined) triedUpTo.delete(program);
    else triedUpTo.set(program, last.key);
    return (await missing.list({ prefix, limit: 1 })).length === 0;
  }

  return {
    async copy(program, tip, { signal }) {
      const before = await progress.get(program);
      // A piece that was begun is finished first: its floor is where the earlier history begins.
      if (before?.cursor !== undefined) await goOn(program, before, signal);
      if (before?.top !== tip) {
        const next: Progress = { top: tip, cursor: tip, ...(before === undefined ? {} : { floor: before.top }) };
        await store.apply([progress.put(program, next)]);
        await goOn(program, next, signal);
      }
      return await tryMissing(program, signal);
    },
    async forget(program) {
      await removeAll(missing, store, `${program}/`);
      await store.apply([progress.delete(program)]);
    },
  };
}

async function removeAll<T>(table: Table<T>, store: Store, prefix: string): Promise<void> {
  for (;;) {
    const entries = await table.list({ prefix });
    if (entries.length === 0) return;
    await store.apply(entries.map(({ key }) => table.delete(key)));
  }
}
