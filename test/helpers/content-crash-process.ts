import { fork, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";

import { systemClock } from "../../src/adapters/clock/system.ts";
import { createLocalBlocks } from "../../src/adapters/content-store/local-blocks.ts";
import { createFsBlocks } from "../../src/adapters/content-store/raw-blocks.ts";
import {
  createUnixfsContentStore,
  type CollectingContentStore,
} from "../../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createSqliteStore } from "../../src/adapters/store/sqlite.ts";

const FILE_BYTES = 2_500_000;

export interface DiskStore {
  readonly content: CollectingContentStore;
  stop(): Promise<void>;
}

/** A content store on disk without a network: blocks as files, pins in SQLite. */
export async function openDiskStore(directory: string): Promise<DiskStore> {
  const logger = createMemoryLogger();
  const raw = createFsBlocks(directory);
  const store = createSqliteStore(`${directory}/pins.sqlite`);
  const content = createUnixfsContentStore({
    raw,
    blocks: createLocalBlocks(raw, logger),
    source: undefined,
    store,
    maxFileBytes: 64 * 1024 * 1024,
    collectIntervalMs: 600_000,
    clock: systemClock,
    logger,
  });
  await content.start();
  return {
    content,
    async stop() {
      await content.stop();
      await store.close();
    },
  };
}

export interface CrashProcess {
  /** What it has said to be pinned. */
  readonly pinned: readonly string[];
  readonly child: ChildProcess;
  kill(): Promise<void>;
}

/** Starts a process that stores, lets go and collects without end, and tells of each file that is pinned for good. */
export function startCrashProcess(directory: string, seed: string): CrashProcess {
  const child = fork(fileURLToPath(import.meta.url), [directory, seed]);
  const pinned: string[] = [];
  child.on("message", (cid) => {
    if (typeof cid === "string") pinned.push(cid);
  });
  const gone = new Promise((resolve) => child.once("exit", resolve));
  return {
    pinned,
    child,
    async kill() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

async function main(directory: string, seed: string): Promise<void> {
  const { content } = await openDiskStore(directory);
  const bytesOf = (name: string): Uint8Array =>
    new Uint8Array(createHash("shake256", { outputLength: FILE_BYTES }).update(`${seed}/${name}`).digest());
  process.on("disconnect", () => process.exit(0));
  const collecting = (async () => {
    for (;;) {
      await content.collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const storing = (async () => {
    for (let at = 0; ; at += 1) {
      const [kept, left] = await Promise.all([
        content.putFile(bytesOf(`kept ${at}`)),
        content.putFile(bytesOf(`left ${at}`), { holder: "left" }),
      ]);
      process.send?.(kept);
      await content.unpin(left, { holder: "left" });
    }
  })();
  await Promise.all([collecting, storing]);
}

if (import.meta.main) {
  const [directory = "", seed = ""] = process.argv.slice(2);
  await main(directory, seed);
}
