import { messageOf } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import { throwIfAborted, withDeadline } from "../../utils/abort.ts";
import { blockKey, hasLinks, parseCid } from "./cid.ts";
import type { LocalBlocks } from "./local-blocks.ts";
import type { Pins } from "./pins.ts";
import type { ReadBlock } from "./read-through.ts";
import type { SweepGuard } from "./sweep-guard.ts";
import { walk } from "./walk.ts";

const REPAIR_TIMEOUT_MS = 10_000;

export interface Collected {
  readonly kept: number;
  readonly removed: number;
}

/**
 * Frees the space of what no pin reaches: marks from every root, then sweeps. Runs beside imports and pins. Holds the keys of what
 * is pinned, some 150 bytes a block: 40 MB for 256 GiB.
 */
export async function collect(
  {
    blocks,
    readBlock,
    pins,
    guard,
    logger,
  }: { blocks: LocalBlocks; readBlock: ReadBlock; pins: Pins; guard: SweepGuard; logger: Logger },
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Collected> {
  const sweep = guard.beginSweep();
  // Files that share a part share the walk through it.
  const walked = new Set<string>();
  try {
    for await (const root of pins.roots()) {
      await walk(
        parseCid(root),
        async (cid) => {
          const key = blockKey(cid);
          sweep.keep(key);
          if (!hasLinks(cid) || walked.has(key)) return undefined;
          walked.add(key);
          return await readNode();

          async function readNode(): Promise<Uint8Array | undefined> {
            try {
              // A damaged or lost node is fetched again: without it, what is below it would go.
              return await readBlock(cid, { signal: withDeadline(signal, REPAIR_TIMEOUT_MS) });
            } catch (error) {
              throwIfAborted(signal);
              logger.error("pinned content is damaged", { root, reason: messageOf(error) });
              return undefined;
            }
          }
        },
        { signal },
      );
    }
    let kept = 0;
    let removed = 0;
    for await (const cid of blocks.all()) {
      throwIfAborted(signal);
      if (await sweep.tryRemove(blockKey(cid), async () => await blocks.remove(cid))) removed += 1;
      else kept += 1;
    }
    return { kept, removed };
  } finally {
    sweep.end();
  }
}
