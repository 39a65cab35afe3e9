import type { CID } from "multiformats/cid";

import type { BlockSource } from "./block-source.ts";
import { blockKey, hasLinks, linksOf } from "./cid.ts";
import type { LocalBlocks } from "./local-blocks.ts";
import type { ReadBlock } from "./read-through.ts";
import type { Lease } from "./sweep-guard.ts";

/** Fewer blocks than this are asked for one by one. */
const MIN_MISSING = 3;
/** A state that changed a little has most of its blocks here: a stream of all would cost more than it saves. */
const MIN_MISSING_SHARE = 0.5;
/** Blocks that are on their way to the disk at once. */
const WRITES_AT_ONCE = 4;

export interface PrefetchOptions {
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  readonly lease?: Lease | undefined;
  /** Sees each block as it comes, before it is on disk. */
  readonly onBlock?: (key: string, bytes: Uint8Array) => void;
}

/** Brings a file that is mostly missing to this machine in one stream, when somebody serves it so; the rest is read as ever. */
export type Prefetch = (root: CID, options: PrefetchOptions) => Promise<void>;

export function createPrefetch({
  blocks,
  readBlock,
  source,
}: {
  readonly blocks: LocalBlocks;
  readonly readBlock: ReadBlock;
  readonly source: BlockSource | undefined;
}): Prefetch {
  return async (root, { maxBytes, signal, lease, onBlock }) => {
    if (source?.fetchDag === undefined || !hasLinks(root)) return;
    const links = linksOf(root, await readBlock(root, { signal, lease }));
    let missing = 0;
    for (const link of links) if (!(await blocks.has(link))) missing += 1;
    if (missing < MIN_MISSING || missing < links.length * MIN_MISSING_SHARE) return;
    const writing = new Set<Promise<void>>();
    const write = async (cid: CID, bytes: Uint8Array): Promise<void> => {
      await blocks.write(cid, bytes, lease);
      await source.announce(cid);
    };
    try {
      await source.fetchDag(root, {
        maxBytes,
        signal,
        async store(cid, bytes) {
          onBlock?.(blockKey(cid), bytes);
          const own = write(cid, bytes).finally(() => writing.delete(own));
          own.catch(() => undefined);
          writing.add(own);
          if (writing.size >= WRITES_AT_ONCE) await Promise.race(writing);
        },
      });
      await Promise.all(writing);
    } finally {
      await Promise.allSettled(writing);
    }
  };
}
