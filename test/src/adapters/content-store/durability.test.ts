import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { encode } from "@ipld/dag-cbor";
import { expect } from "chai";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { blockKey, linksOf, parseCid, recordCid } from "../../../../src/adapters/content-store/cid.ts";
import { createLocalBlocks } from "../../../../src/adapters/content-store/local-blocks.ts";
import { createMemoryContentStore } from "../../../../src/adapters/content-store/memory.ts";
import {
  createFsBlocks,
  createMemoryBlocks,
  type RawBlocks,
} from "../../../../src/adapters/content-store/raw-blocks.ts";
import {
  createUnixfsContentStore,
  type CollectingContentStore,
} from "../../../../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import type { Store } from "../../../../src/ports/store.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";
import { readAll } from "../../../compliance/content-store.ts";
import { openDiskStore, startCrashProcess } from "../../../helpers/content-crash-process.ts";
import { sampleBytes } from "../../../helpers/content-process.ts";
import { until } from "../../../helpers/until.ts";

const MIB = 1024 * 1024;
const BLOCKS = 10_000;
const KEPT = 500;
/** Kill after so many files. */
const KILLS = [1, 4];

describe("content on disk", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "sprf-durability-"));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const storeOver = async (
    raw: RawBlocks,
    store: Store,
    peers?: CollectingContentStore,
  ): Promise<CollectingContentStore> => {
    const logger = createMemoryLogger();
    const content = createUnixfsContentStore({
      raw,
      blocks: createLocalBlocks(raw, logger),
      source:
        peers === undefined
          ? undefined
          : {
              async start() {},
              async stop() {},
              async announce() {},
              fetch: async (cid) => (await peers.localBlock(cid.toString())) ?? new Uint8Array(0),
            },
      store,
      maxFileBytes: 64 * MIB,
      collectIntervalMs: 600_000,
      clock: systemClock,
      logger,
    });
    await content.start();
    return content;
  };

  it("should have flushed every block before its pin is noted", async () => {
    const peer = createMemoryContentStore({ clock: systemClock, logger: createMemoryLogger() });
    await peer.start();
    const flushed = new Set<string>();
    const raw: RawBlocks = {
      ...createMemoryBlocks(),
      async sync(cids) {
        for (const cid of cids) flushed.add(blockKey(cid));
      },
    };
    const noted: boolean[] = [];
    let needed: readonly string[] = [];
    const memory = createMemoryStore();
    const watching: Store = {
      ...memory,
      async apply(changes) {
        noted.push(needed.every((key) => flushed.has(key)));
        await memory.apply(changes);
      },
    };
    const content = await storeOver(raw, watching, peer);
    const keysOf = async (cid: string): Promise<string[]> => {
      const root = parseCid(cid);
      return [root, ...linksOf(root, (await peer.localBlock(cid)) ?? new Uint8Array(0))].map(blockKey);
    };
    const record = encode({ kind: "test" });
    for (const work of [
      { bytes: sampleBytes("stored", 3 * MIB), use: async (bytes: Uint8Array) => void (await content.putFile(bytes)) },
      { bytes: sampleBytes("pinned", 3 * MIB), use: async (_: Uint8Array, cid: string) => await content.pin(cid) },
    ]) {
      const cid = await peer.putFile(work.bytes);
      needed = await keysOf(cid);
      await work.use(work.bytes, cid);
    }
    needed = [blockKey(recordCid(record))];
    await content.putRecord(record);
    expect(noted).to.deep.equal([true, true, true]);
    await content.stop();
    await peer.stop();
  });

  it("should remove what a crash left half written, and nothing else", async () => {
    const first = await openDiskStore(directory);
    const cid = await first.content.putFile(utf8("whole"));
    await first.stop();
    const [shard = ""] = await readdir(join(directory, "blocks"));
    await writeFile(join(directory, "blocks", shard, ".HALF.data.tmp"), "half");
    const again = await openDiskStore(directory);
    expect(await readdir(join(directory, "blocks", shard))).to.have.length(1);
    expect((await readAll(again.content.get(cid, { maxBytes: 10, offline: true }))).toString()).to.equal("whole");
    await again.stop();
  });

  it("should have every file that was said to be pinned after kill -9, at whatever instant", async function () {
    this.timeout(120_000);
    for (const [turn, files] of KILLS.entries()) {
      const running = startCrashProcess(directory, `turn ${turn}`);
      await until(() => running.pinned.length >= files, { timeoutMs: 60_000, what: `${files} files` });
      await running.kill();
      const disk = await openDiskStore(directory);
      const { content } = disk;
      await content.collect();
      for (const cid of running.pinned) {
        expect(await content.has(cid), cid).to.equal(true);
        expect(await readAll(content.get(cid, { maxBytes: 8 * MIB, offline: true }))).to.have.length(2_500_000);
      }
      // What was on its way is gone, and nothing but that.
      const { removed } = await content.collect();
      expect(removed).to.equal(0);
      await disk.stop();
    }
  });

  it("should collect 10,000 blocks and lose nothing that is imported meanwhile", async function () {
    this.timeout(120_000);
    const raw = createFsBlocks(directory);
    const content = await storeOver(raw, createMemoryStore());
    const writing: Promise<void>[] = [];
    for (let at = 0; at < BLOCKS; at += 1) {
      const bytes = encode({ at, filling: "x".repeat(1_000) });
      if (at % (BLOCKS / KEPT) === 0) await content.putRecord(bytes);
      else writing.push(raw.put(recordCid(bytes), bytes));
      if (writing.length === 64) await Promise.all(writing.splice(0));
    }
    await Promise.all(writing);
    const stored: Promise<string>[] = [];
    const importing = setInterval(() => {
      if (stored.length < 20) stored.push(content.putFile(sampleBytes(`beside ${stored.length}`, 1_500_000)));
    }, 10);
    const { kept, removed } = await content.collect();
    clearInterval(importing);
    const files = await Promise.all(stored);
    expect(removed).to.equal(BLOCKS - KEPT);
    expect(kept).to.be.at.least(KEPT);
    expect((await content.collect()).removed).to.equal(0);
    expect(files.length, "imports ran beside it").to.be.greaterThan(0);
    for (const cid of files) expect(await content.has(cid)).to.equal(true);
    await content.stop();
  });
});
