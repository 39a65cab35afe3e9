import { join } from "node:path";

import { FsBlockstore } from "blockstore-fs";
import type { CID } from "multiformats/cid";

import { concatBytes } from "../../utils/bytes.ts";
import { blockKey } from "./cid.ts";

/** Where blocks rest; knows nothing of hashes. */
export interface RawBlocks {
  open(): Promise<void>;
  get(cid: CID): Promise<Uint8Array | undefined>;
  has(cid: CID): Promise<boolean>;
  put(cid: CID, bytes: Uint8Array): Promise<void>;
  delete(cid: CID): Promise<void>;
  all(): AsyncIterable<CID>;
}

/** A file a block, each written beside its place and moved there. */
export function createFsBlocks(directory: string): RawBlocks {
  const store = new FsBlockstore(join(directory, "blocks"));
  return {
    open: async () => await store.open(),
    async get(cid) {
      // The file's stream reports every failure as "not found", so absence is asked for first.
      if (!(await store.has(cid))) return undefined;
      const parts: Uint8Array[] = [];
      try {
        for await (const part of store.get(cid)) parts.push(part);
      } catch (error) {
        if (!(await store.has(cid))) return undefined;
        throw error;
      }
      return concatBytes(...parts);
    },
    has: async (cid) => await store.has(cid),
    async put(cid, bytes) {
      await store.put(cid, bytes);
    },
    delete: async (cid) => await store.delete(cid),
    async *all() {
      for await (const { cid } of store.getAll()) yield cid;
    },
  };
}

/** Blocks that are gone with the process. */
export function createMemoryBlocks(): RawBlocks {
  const blocks = new Map<string, { cid: CID; bytes: Uint8Array }>();
  return {
    async open() {},
    get: async (cid) => blocks.get(blockKey(cid))?.bytes,
    has: async (cid) => blocks.has(blockKey(cid)),
    async put(cid, bytes) {
      blocks.set(blockKey(cid), { cid, bytes });
    },
    async delete(cid) {
      blocks.delete(blockKey(cid));
    },
    async *all() {
      for (const { cid } of blocks.values()) yield cid;
    },
  };
}
