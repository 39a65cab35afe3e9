import { z } from "zod";

import { SprfError, isSprfError, messageOf } from "../../../errors.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Logger } from "../../../ports/logger.ts";
import type { StoredFile } from "../../../ports/content-store.ts";
import type { Store } from "../../../ports/store.ts";
import { throwIfAborted } from "../../../utils/abort.ts";
import { blockKey, checkRecord, hasLinks, parseCid, recordCid } from "../cid.ts";
import type { Collected } from "../collect.ts";
import { asSprfError, limited } from "../content-errors.ts";
import type { RatedGateways } from "../gateway-book.ts";
import { withGateways } from "../gateway-first.ts";
import type { LocalBlocks } from "../local-blocks.ts";
import { createDagReader, fetchDag, hasDag, readDag } from "../read-dag.ts";
import type { CollectingContentStore } from "../unixfs-content-store.ts";
import { listStoredDirectory, storeDirectory } from "../unixfs-directory.ts";
import { walk } from "../walk.ts";
import { createKuboBlocks, createKuboSource, parseAnswer } from "./kubo-blocks.ts";
import { createKuboPins } from "./kubo-pins.ts";
import { createKuboRpc, fileBody } from "./rpc.ts";

const DEFAULT_MAX_FILE_BYTES = 1024 * 1024 * 1024;
const DEFAULT_FETCH_TIMEOUT_MS = 30_000;
const DEFAULT_COMMAND_TIMEOUT_MS = 30_000;
const DEFAULT_COLLECT_INTERVAL_MS = 600_000;
/** How often what the daemon's own collection took between two commands is brought back. */
const MAX_TRIES = 5;

/** The profile unixfs-v1-2025, spelled out: a daemon's own settings must not change CIDs. */
const IMPORT = {
  "cid-version": 1,
  "raw-leaves": true,
  hash: "sha2-256",
  chunker: "size-1048576",
  "max-file-links": 1024,
  inline: false,
  trickle: false,
  "wrap-with-directory": false,
  quieter: true,
  progress: false,
} as const;

/** `Size` is the bytes of all blocks, as text. */
const addedSchema = z.object({ Hash: z.string(), Size: z.coerce.number().int().nonnegative() });
const removedSchema = z.object({ Key: z.object({ "/": z.string() }).optional(), Error: z.string().optional() });

export interface KuboContentStoreInit {
  /** Of the daemon's RPC API, `http://127.0.0.1:5001` say; whoever reaches it can do all with the daemon. */
  readonly url: string;
  /** Keeps how often something is pinned. */
  readonly store: Store;
  /** Asked before Kubo's peers. */
  readonly gateways?: RatedGateways;
  /** The largest file that is stored or pinned. @default 1 GiB */
  readonly maxFileBytes?: number;
  /** How long Kubo's peers are asked for one block when the caller sets no deadline. @default 30,000 */
  readonly fetchTimeoutMs?: number;
  /** How long a daemon that is down is waited for. @default 30,000 */
  readonly commandTimeoutMs?: number;
  /** @default 600,000 */
  readonly collectIntervalMs?: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Content in a Kubo daemon, over its RPC API: it chunks, stores, fetches and collects; what comes out is checked here. What
 * others pin in the same daemon stays; what nobody has pinned goes with each collection.
 */
export function createKuboContentStore(init: KuboContentStoreInit): CollectingContentStore {
  const { clock, store } = init;
  const logger = init.logger.child({ component: "content-store" });
  const maxFileBytes = init.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES;
  const commandTimeoutMs = init.commandTimeoutMs ?? DEFAULT_COMMAND_TIMEOUT_MS;
  const collectIntervalMs = init.collectIntervalMs ?? DEFAULT_COLLECT_INTERVAL_MS;
  const rpc = createKuboRpc({ url: init.url, clock });
  const peers = createKuboSource({ rpc, fetchTimeoutMs: init.fetchTimeoutMs ?? DEFAULT_FETCH_TIMEOUT_MS });
  const source = withGateways(init.gateways, { peers, clock, logger });
  const blocksFor = (signal: AbortSignal | undefined): LocalBlocks =>
    createKuboBlocks({ rpc, commandTimeoutMs, signal });
  const pins = createKuboPins({ rpc, store, logger });
  let running: { readonly stop: AbortController; readonly collector: Promise<void> } | undefined;

  const alive = (signal: AbortSignal | undefined): AbortSignal => {
    if (running === undefined) throw new SprfError("ABORTED", "the content store is not running");
    const both = signal === undefined ? running.stop.signal : AbortSignal.any([signal, running.stop.signal]);
    throwIfAborted(both);
    return both;
  };
  /** For commands that move no content, so that a daemon which is down does not hold the caller for ever. */
  const soon = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(commandTimeoutMs)]);

  async function add(
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    { pin = true }: { readonly pin?: boolean } = {},
  ): Promise<StoredFile> {
    // The stream can be sent once, so the daemon had better be there.
    await rpc.read("version", {}, { signal: soon(signal) });
    const answer = await rpc.read(
      "add",
      { ...IMPORT, ...(pin ? { pin: true, "pin-name": "sprf" } : { pin: false }) },
      { signal, body: fileBody(content) },
    );
    const { Hash: cid, Size: dagBytes } = parseAnswer(addedSchema, answer);
    parseCid(cid);
    return { cid, dagBytes };
  }

  /** Stores and pins; again when a collection of the daemon came in between. */
  async function untilPinned(
    cid: string,
    bring: () => Promise<void>,
    options: { readonly signal: AbortSignal; readonly holder: string | undefined },
  ): Promise<void> {
    for (let left = MAX_TRIES; ; left--) {
      await bring();
      try {
        await pins.add(cid, options);
        return;
      } catch (error) {
        if (left === 1 || !isSprfError(error, "KUBO_REFUSED")) throw error;
        logger.debug("pinning again", { cid, reason: error.message });
      }
    }
  }

  async function collect(signal: AbortSignal): Promise<Collected> {
    const blocks = blocksFor(signal);
    let removed = 0;
    for await (const line of rpc.lines("repo/gc", { "stream-errors": true }, { signal })) {
      const { Key: key, Error: failure } = parseAnswer(removedSchema, line);
      if (key !== undefined) removed += 1;
      if (failure !== undefined && failure !== "") logger.error("Kubo cannot collect all", { reason: failure });
    }
    const kept = new Set<string>();
    for await (const root of pins.counts.roots()) {
      await walk(
        parseCid(root),
        async (cid) => {
          kept.add(blockKey(cid));
          return hasLinks(cid) ? await blocks.read(cid).catch(() => undefined) : undefined;
        },
        { signal },
      );
    }
    return { kept: kept.size, removed };
  }
  const collectNowAndThen = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      try {
        await clock.sleep(collectIntervalMs, { signal });
        logger.debug("content collected", { ...(await collect(signal)) });
      } catch (error) {
        if (!signal.aborted) logger.error("content could not be collected", { reason: messageOf(error) });
      }
    }
  };

  return {
    async start({ signal } = {}) {
      if (running !== undefined) return;
      const stop = new AbortController();
      const within = soon(signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]));
      await rpc.read("version", {}, { signal: within });
      await pins.reconcile({ signal: within });
      running = { stop, collector: collectNowAndThen(stop.signal) };
    },
    async stop() {
      if (running === undefined) return;
      const { stop, collector } = running;
      running = undefined;
      stop.abort(new SprfError("ABORTED", "the content store stops"));
      await collector;
    },

    async putFile(content, options = {}) {
      const signal = alive(options.signal);
      try {
        return await pins.whileImporting(async () => {
          const { cid } = await add(limited(content, maxFileBytes, signal), signal);
          await pins.add(cid, { signal, holder: options.holder });
          return cid;
        });
      } catch (error) {
        throw asSprfError(error, signal);
      }
    },
    async putDirectory(entries, options = {}) {
      const signal = alive(options.signal);
      const blocks = blocksFor(signal);
      let left = maxFileBytes;
      try {
        return await pins.whileImporting(async () => {
          const { cid, files } = await storeDirectory(entries, {
            async file(content) {
              // The directory's pin will hold it; were it collected before that, the call fails.
              const file = await add(limited(content, left, signal), signal, { pin: false });
              left -= file.dagBytes;
              return file;
            },
            block: async (node, bytes) => await blocks.write(node, bytes),
          });
          const bring = async (): Promise<void> => {
            await fetchDag(createDagReader(blocks, source), cid, { maxBytes: maxFileBytes, signal });
          };
          await untilPinned(cid.toString(), bring, { signal, holder: options.holder });
          return { cid: cid.toString(), files };
        });
      } catch (error) {
        throw asSprfError(error, signal);
      }
    },
    async listDirectory(text, options = {}) {
      const cid = parseCid(text);
      const signal = alive(options.signal);
      const { readBlock } = createDagReader(blocksFor(signal), source);
      try {
        return await listStoredDirectory(cid, async (node) => await readBlock(node, { signal }));
      } catch (error) {
        throw asSprfError(error, signal);
      }
    },
    async putRecord(block, options = {}) {
      const signal = alive(options.signal);
      checkRecord(block);
      const cid = recordCid(block);
      const within = soon(signal);
      const blocks = blocksFor(within);
      await untilPinned(cid.toString(), async () => await blocks.write(cid, block.slice()), {
        signal: within,
        holder: options.holder,
      });
      return cid.toString();
    },
    async *get(text, { maxBytes, offline, signal }) {
      const cid = parseCid(text);
      const inner = alive(signal);
      yield* readDag(createDagReader(blocksFor(inner), source), cid, { maxBytes, offline, signal: inner });
    },
    async has(text, options = {}) {
      const root = parseCid(text);
      const signal = alive(options.signal);
      return await hasDag(blocksFor(signal), root, signal);
    },
    async pin(text, options = {}) {
      const root = parseCid(text);
      const signal = alive(options.signal);
      try {
        const reader = createDagReader(blocksFor(signal), source);
        const bring = async (): Promise<void> => {
          await fetchDag(reader, root, { maxBytes: maxFileBytes, signal });
        };
        await untilPinned(text, bring, { signal, holder: options.holder });
      } catch (error) {
        throw asSprfError(error, signal);
      }
    },
    async unpin(text, options = {}) {
      parseCid(text);
      await pins.release(text, { signal: soon(alive(options.signal)), holder: options.holder });
    },
    async *held(prefix, options = {}) {
      const signal = alive(options.signal);
      for await (const entry of pins.counts.held(prefix)) {
        throwIfAborted(signal);
        yield entry;
      }
    },

    collect: async ({ signal } = {}) => await collect(alive(signal)),
    localBlock: async (text) => await blocksFor(undefined).read(parseCid(text)),
  };
}
