import { SprfError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import { raceAbort } from "../../utils/abort.ts";
import { createMemoryStore } from "../store/memory.ts";
import type { BlockSource } from "./block-source.ts";
import { createLocalBlocks } from "./local-blocks.ts";
import { createMemoryBlocks } from "./raw-blocks.ts";
import { createUnixfsContentStore } from "./unixfs-content-store.ts";
import type { CollectingContentStore } from "./unixfs-content-store.ts";

const MAX_FILE_BYTES = 64 * 1024 * 1024;
const COLLECT_INTERVAL_MS = 600_000;

/**
 * Content that is gone with the process, for unit tests of services: real CIDs and real blocks, and peers that are other such
 * stores, asked in turn.
 */
export function createMemoryContentStore(init: {
  readonly peers?: () => readonly CollectingContentStore[];
  readonly maxFileBytes?: number;
  readonly clock: Clock;
  readonly logger: Logger;
}): CollectingContentStore {
  const raw = createMemoryBlocks();
  const source: BlockSource = {
    async start() {},
    async stop() {},
    async announce() {},
    async fetch(cid, { signal }) {
      for (const peer of init.peers?.() ?? []) {
        const bytes = await raceAbort(peer.localBlock(cid.toV1().toString()), signal);
        if (bytes !== undefined) return bytes;
      }
      throw new SprfError("CONTENT_NOT_FOUND", `no peer has ${cid.toString()}`);
    },
  };
  return createUnixfsContentStore({
    raw,
    blocks: createLocalBlocks(raw, init.logger),
    source,
    store: createMemoryStore(),
    maxFileBytes: init.maxFileBytes ?? MAX_FILE_BYTES,
    collectIntervalMs: COLLECT_INTERVAL_MS,
    clock: init.clock,
    logger: init.logger,
  });
}
