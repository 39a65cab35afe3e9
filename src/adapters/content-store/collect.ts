import { messageOf } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import { throwIfAborted } from "../../utils/abort.ts";
import { blockKey, hasLinks, parseCid } from "./cid.ts";
import type { LocalBlocks } from "./local-blocks.ts";
import type { Pins } from "./pins.ts";
import type { SweepGuard } from "./sweep-guard.ts";
import { walk } from "./walk.ts";

export interface Collected {
  readonly kept: number;
  readonly removed: number;
}

/** Frees the space of what no pin reaches: marks from every root, then sweeps. Runs beside imports and pins. */
export async function collect(
  { blocks, pins, guard, logger }: { blocks: LocalBlocks; pins: Pins; guard: SweepGuard; logger: Logger },
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Collected> {
  const sweep = guard.beginSweep();
  try {
    for await (const root of pins.roots()) {
      await walk(
        parseCid(root),
        async (cid) => {
          sweep.keep(blockKey(cid));
          return hasLinks(cid) ? await readNode() : undefined;

          async function readNode(): Promise<Uint8Array | undefined> {
            try {
              return await blocks.read(cid);
            } catch (error) {
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
