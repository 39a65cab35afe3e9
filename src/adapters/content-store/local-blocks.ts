import type { CID } from "multiformats/cid";

import { SprfError } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import { blockKey, matches } from "./cid.ts";
import type { RawBlocks } from "./raw-blocks.ts";
import { createSharedWork } from "./shared-work.ts";
import type { Lease } from "./sweep-guard.ts";

/** The blocks of this machine, each checked against its hash whenever it is read. */
export interface LocalBlocks {
  /**
   * @returns undefined when the block is not here
   * @throws SprfError `CONTENT_CORRUPT` when its bytes have changed; the bad copy is removed, so that a good one can take its place
   */
  read(cid: CID): Promise<Uint8Array | undefined>;
  has(cid: CID): Promise<boolean>;
  /** Stores a block whose hash the caller has checked or made. */
  write(cid: CID, bytes: Uint8Array, lease?: Lease): Promise<void>;
  /** Resolves when these blocks would survive a loss of power. */
  sync(cids: readonly CID[]): Promise<void>;
  remove(cid: CID): Promise<void>;
  all(): AsyncIterable<CID>;
}

export function createLocalBlocks(raw: RawBlocks, logger: Logger): LocalBlocks {
  const read = async (cid: CID): Promise<Uint8Array | undefined> => {
    const bytes = await raw.get(cid);
    if (bytes === undefined || matches(cid, bytes)) return bytes;
    logger.error("a block on disk does not match its hash; removed", { cid: cid.toString(), bytes: bytes.length });
    await raw.delete(cid);
    throw new SprfError("CONTENT_CORRUPT", `the stored bytes of ${cid.toString()} do not match their hash`, {
      context: { cid: cid.toString() },
    });
  };
  const isIntact = async (cid: CID): Promise<boolean> => {
    try {
      return (await read(cid)) !== undefined;
    } catch {
      return false;
    }
  };
  const writeOnce = createSharedWork<void>();
  return {
    read,
    has: async (cid) => await raw.has(cid),
    async write(cid, bytes, lease) {
      const key = blockKey(cid);
      await lease?.hold(key);
      // One writer a block: a file of equal chunks stores one block many times at once, and all would use one temporary file.
      await writeOnce(
        key,
        async () => {
          if (!(await isIntact(cid))) await raw.put(cid, bytes);
        },
        undefined,
      );
    },
    sync: async (cids) => await raw.sync(cids),
    remove: async (cid) => await raw.delete(cid),
    all: () => raw.all(),
  };
}
