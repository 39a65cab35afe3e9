import type { BlockHeader, EventLog } from "../ports/event-log.ts";
import type { Cursor } from "./cursor.ts";

const HEADERS_AT_ONCE = 8;
/** What the first block says, and on Hardhat's node every block that was mined in advance. */
const NO_PARENT = `0x${"0".repeat(64)}`;

/**
 * Headers of the blocks after the cursor up to `to`, each the parent of the next; undefined when they do not hang together with
 * each other and the cursor, because blocks were replaced meanwhile.
 */
export async function readHeaders(
  eventLog: EventLog,
  { block, hash }: Cursor,
  to: number,
  signal: AbortSignal | undefined,
): Promise<readonly BlockHeader[] | undefined> {
  const headers: BlockHeader[] = [];
  let parent = hash;
  for (let from = block + 1; from <= to; from += HEADERS_AT_ONCE) {
    const count = Math.min(HEADERS_AT_ONCE, to - from + 1);
    const page = await Promise.all(
      Array.from({ length: count }, async (_, index) => await eventLog.header(from + index, { signal })),
    );
    for (const header of page) {
      if (header === undefined) return undefined;
      const isUnknown = parent === undefined || header.parentHash === NO_PARENT;
      if (!isUnknown && header.parentHash !== parent) return undefined;
      headers.push(parent === undefined ? header : { ...header, parentHash: parent });
      parent = header.hash;
    }
  }
  return headers;
}
