import { SprfError } from "../errors.ts";
import type { EventLog } from "../ports/event-log.ts";
import type { Store, StoreChange } from "../ports/store.ts";
import { forgetBlock, keptBlocks, type Cursor } from "./cursor.ts";
import { forgetUndo, undoBlock } from "./undo.ts";

/**
 * How to get from blocks that were replaced to the last one that was not.
 *
 * @throws SprfError `REORG_TOO_DEEP` when all blocks that can be taken back were replaced, and more
 */
export async function takeBack(
  { eventLog, store }: { readonly eventLog: EventLog; readonly store: Store },
  from: Cursor,
  signal: AbortSignal | undefined,
): Promise<{ readonly to: Cursor; readonly changes: readonly StoreChange[] }> {
  const changes: StoreChange[] = [];
  let at: Pick<Cursor, "block" | "hash"> = { block: from.block, hash: from.hash };
  for (const kept of await keptBlocks(store)) {
    if (kept.number !== at.block || (await isCanonical(eventLog, at, signal))) break;
    changes.push(...(await undoBlock(store, kept.number)), forgetBlock(kept.number), forgetUndo(kept.number));
    const isFirst = kept.number === from.fromBlock;
    at = { block: kept.number - 1, hash: isFirst ? undefined : kept.parentHash };
  }
  if (!(await isCanonical(eventLog, at, signal))) {
    throw new SprfError("REORG_TOO_DEEP", `block ${at.block} was replaced, and what it changed is not known any more`);
  }
  return { to: { ...from, ...at, reorgs: from.reorgs + 1 }, changes };
}

/** Before the first block there is nothing that could be replaced. */
async function isCanonical(
  eventLog: EventLog,
  { block, hash }: Pick<Cursor, "block" | "hash">,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return hash === undefined || (await eventLog.header(block, { signal }))?.hash === hash;
}
