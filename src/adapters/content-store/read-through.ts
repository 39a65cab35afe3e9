import type { CID } from "multiformats/cid";

import { SprfError, isSprfError } from "../../errors.ts";
import { throwIfAborted } from "../../utils/abort.ts";
import type { BlockSource } from "./block-source.ts";
import { MAX_BLOCK_BYTES, matches } from "./cid.ts";
import type { LocalBlocks } from "./local-blocks.ts";
import type { Lease } from "./sweep-guard.ts";

export interface ReadOptions {
  readonly offline?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly lease?: Lease | undefined;
}

export type ReadBlock = (cid: CID, options: ReadOptions) => Promise<Uint8Array>;

/** Reads a block from disk, else from peers; a damaged copy on disk is replaced by a good one when a peer has it. */
export function createReadThrough(blocks: LocalBlocks, source: BlockSource | undefined): ReadBlock {
  return async (cid, { offline, signal, lease }) => {
    throwIfAborted(signal);
    let corrupt: SprfError | undefined;
    try {
      const local = await blocks.read(cid);
      if (local !== undefined) return local;
    } catch (error) {
      if (!isSprfError(error, "CONTENT_CORRUPT")) throw error;
      corrupt = error;
    }
    if (offline === true || source === undefined) throw corrupt ?? notHere(cid);
    try {
      const bytes = await source.fetch(cid, { signal });
      check(cid, bytes);
      await blocks.write(cid, bytes, lease);
      await source.announce(cid);
      return bytes;
    } catch (error) {
      throw corrupt !== undefined && isSprfError(error, "CONTENT_NOT_FOUND") ? corrupt : error;
    }
  };
}

function check(cid: CID, bytes: Uint8Array): void {
  if (bytes.length <= MAX_BLOCK_BYTES && matches(cid, bytes)) return;
  throw new SprfError("CONTENT_CORRUPT", `a peer sent wrong bytes for ${cid.toString()}`);
}

function notHere(cid: CID): SprfError {
  return new SprfError("CONTENT_NOT_FOUND", `${cid.toString()} is not on this machine`, {
    context: { cid: cid.toString() },
  });
}
