import { open, readFile, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { FsBlockstore } from "blockstore-fs";
import { NextToLast } from "blockstore-fs/sharding";
import type { CID } from "multiformats/cid";
import PQueue from "p-queue";

import { blockKey } from "./cid.ts";

const FLUSHES_AT_ONCE = 8;

/** Where blocks rest; knows nothing of hashes. */
export interface RawBlocks {
  open(): Promise<void>;
  get(cid: CID): Promise<Uint8Array | undefined>;
  has(cid: CID): Promise<boolean>;
  put(cid: CID, bytes: Uint8Array): Promise<void>;
  /** Resolves when these blocks, which are here, would survive a loss of power. */
  sync(cids: readonly CID[]): Promise<void>;
  delete(cid: CID): Promise<void>;
  all(): AsyncIterable<CID>;
}

/**
 * A file a block, each written beside its place and moved there. Not flushed by itself: what is only read once may be lost, and a
 * block that a crash has cut short does not match its hash.
 */
export function createFsBlocks(directory: string): RawBlocks {
  const folder = join(directory, "blocks");
  const shards = new NextToLast();
  const store = new FsBlockstore(folder, { shardingStrategy: shards });
  const pathOf = (cid: CID): string => {
    const { dir, file } = shards.encode(cid);
    return join(folder, dir, file);
  };
  return {
    async open() {
      await store.open();
      await removeLeftOvers(folder);
    },
    async sync(cids) {
      const files = new Set(cids.map(pathOf));
      const folders = new Set([...[...files].map((path) => dirname(path)), folder]);
      const flushes = new PQueue({ concurrency: FLUSHES_AT_ONCE });
      await flushes.addAll([...files].map((path) => async () => await flush(path)));
      await flushes.addAll([...folders].map((path) => async () => await flush(path)));
    },
    async get(cid) {
      // As a whole: the library's stream brings a block in 16 pieces and reports every failure as "not found".
      try {
        return await readFile(pathOf(cid));
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
        throw error;
      }
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

/** What a crash left beside the blocks: each was written under its name with a dot before and `.tmp` behind. */
async function removeLeftOvers(folder: string): Promise<void> {
  for (const shard of await readdir(folder, { withFileTypes: true })) {
    if (!shard.isDirectory()) continue;
    for (const name of await readdir(join(folder, shard.name))) {
      if (name.endsWith(".tmp")) await rm(join(folder, shard.name, name), { force: true });
    }
  }
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
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
    async sync() {},
    async delete(cid) {
      blocks.delete(blockKey(cid));
    },
    async *all() {
      for (const { cid } of blocks.values()) yield cid;
    },
  };
}
