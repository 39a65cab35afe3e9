import { unixfs } from "@helia/unixfs";
import type { CID } from "multiformats/cid";

import { SprfError, isSprfError, messageOf } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ContentStore } from "../../ports/content-store.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Store } from "../../ports/store.ts";
import { abortError, throwIfAborted } from "../../utils/abort.ts";
import { decodeCanonical } from "../../wire/canonical.ts";
import type { BlockSource } from "./block-source.ts";
import { blockKey, hasLinks, isRecord, parseCid, recordCid } from "./cid.ts";
import { collect } from "./collect.ts";
import type { Collected } from "./collect.ts";
import type { LocalBlocks } from "./local-blocks.ts";
import { createPins } from "./pins.ts";
import type { RawBlocks } from "./raw-blocks.ts";
import { readInWindows } from "./read-in-windows.ts";
import { createReadThrough } from "./read-through.ts";
import { createSweepGuard, type Lease } from "./sweep-guard.ts";
import { listStoredDirectory, storeDirectory } from "./unixfs-directory.ts";
import { walk } from "./walk.ts";

const PROFILE = { profile: "unixfs-v1-2025" } as const;
const MAX_RECORD_BYTES = 1024 * 1024;
const READ_CONCURRENCY = 8;
/** A file's chunks are 1 MiB here; other writers' may be smaller, but a DAG of next to nothing is an attack. */
const MIN_AVERAGE_BLOCK_BYTES = 4_096;
const BLOCKS_BESIDE = 64;

export interface UnixfsContentStoreInit {
  readonly raw: RawBlocks;
  readonly blocks: LocalBlocks;
  readonly source: BlockSource | undefined;
  readonly store: Store;
  /** The largest file that is stored or pinned. */
  readonly maxFileBytes: number;
  readonly collectIntervalMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface CollectingContentStore extends ContentStore {
  /** Frees the space of what is not pinned, now. */
  collect(options?: { signal?: AbortSignal | undefined }): Promise<Collected>;
  /** One block of this machine, checked; undefined when it is not here. Never asks peers. */
  localBlock(cid: string): Promise<Uint8Array | undefined>;
}

/** Files and records over blocks: what Helia and its twin in memory share. */
export function createUnixfsContentStore(init: UnixfsContentStoreInit): CollectingContentStore {
  const { blocks, source, logger, clock } = init;
  const pins = createPins(init.store);
  const guard = createSweepGuard();
  const readBlock = createReadThrough(blocks, source);
  let running: { readonly stop: AbortController; readonly collector: Promise<void> } | undefined;
  let collecting: Promise<Collected> | undefined;

  const alive = (signal: AbortSignal | undefined): AbortSignal => {
    if (running === undefined) throw new SprfError("ABORTED", "the content store is not running");
    return signal === undefined ? running.stop.signal : AbortSignal.any([signal, running.stop.signal]);
  };
  const sweep = async (signal: AbortSignal | undefined): Promise<Collected> => {
    collecting ??= collect({ blocks, pins, guard, logger }, { signal }).finally(() => (collecting = undefined));
    return await collecting;
  };
  const collectNowAndThen = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      try {
        await clock.sleep(init.collectIntervalMs, { signal });
        logger.debug("content collected", { ...(await sweep(signal)) });
      } catch (error) {
        if (!signal.aborted) logger.error("content could not be collected", { reason: messageOf(error) });
      }
    }
  };

  /** Where an import puts its blocks; `written` is what it put there. */
  const importing = (signal: AbortSignal, lease: Lease, written: CID[]): ImportBlockstore => ({
    async put(cid, block) {
      throwIfAborted(signal);
      await blocks.write(cid, await toBytes(block), lease);
      written.push(cid);
      return cid;
    },
    async *get(cid) {
      yield await readBlock(cid, { offline: true, signal });
    },
    has: async (cid) => await blocks.has(cid),
  });
  /** Fetches what is missing of a DAG; from now on no sweep takes it. */
  const hold = async (root: CID, signal: AbortSignal, lease: Lease): Promise<void> => {
    let total = 0;
    await walk(
      root,
      async (cid, inner) => {
        await lease.hold(blockKey(cid));
        if (!hasLinks(cid) && (await blocks.has(cid))) return undefined;
        const bytes = await readBlock(cid, { signal: inner.signal, lease });
        total += bytes.length;
        if (total > init.maxFileBytes) throw tooLarge(total, init.maxFileBytes);
        return bytes;
      },
      { signal },
    );
  };

  return {
    async start({ signal } = {}) {
      if (running !== undefined) return;
      await init.raw.open();
      await source?.start({ signal });
      const stop = new AbortController();
      running = { stop, collector: collectNowAndThen(stop.signal) };
    },
    async stop() {
      if (running === undefined) return;
      const { stop, collector } = running;
      running = undefined;
      stop.abort(new SprfError("ABORTED", "the content store stops"));
      await collector;
      await collecting?.catch(() => undefined);
      await source?.stop();
    },

    async putFile(content, options = {}) {
      const signal = alive(options.signal);
      const lease = guard.lease();
      const written: CID[] = [];
      const blockstore = importing(signal, lease, written);
      try {
        const bytes = limited(content, init.maxFileBytes, signal);
        const cid = await unixfs({ blockstore }).addByteStream(bytes, PROFILE);
        await pins.add(cid.toString());
        // Only now: a peer that hears of a file must be able to get all of it.
        for (const block of written) await source?.announce(block);
        return cid.toString();
      } catch (error) {
        throw asSprfError(error, signal);
      } finally {
        lease.release();
      }
    },

    async putDirectory(entries, options = {}) {
      const signal = alive(options.signal);
      const lease = guard.lease();
      const written: CID[] = [];
      const blockstore = importing(signal, lease, written);
      let left = init.maxFileBytes;
      try {
        const { cid, files } = await storeDirectory(entries, {
          async file(content) {
            const bytes = limited(content, left, signal);
            const candidates = [{ path: "file", content: bytes }];
            for await (const { cid: file, size } of unixfs({ blockstore }).addAll(candidates, PROFILE)) {
              left -= Number(size);
              return { cid: file.toString(), dagBytes: Number(size) };
            }
            throw new SprfError("INTERNAL", "a file was not imported");
          },
          block: async (node, bytes) => void (await blockstore.put(node, bytes)),
        });
        // What was given as stored need not be here any more.
        await hold(cid, signal, lease);
        await pins.add(cid.toString());
        for (const block of written) await source?.announce(block);
        return { cid: cid.toString(), files };
      } catch (error) {
        throw asSprfError(error, signal);
      } finally {
        lease.release();
      }
    },

    async listDirectory(text, options = {}) {
      const cid = parseCid(text);
      const signal = alive(options.signal);
      try {
        return await listStoredDirectory(cid, async (node) => await readBlock(node, { signal }));
      } catch (error) {
        throw asSprfError(error, signal);
      }
    },

    async putRecord(block, options = {}) {
      throwIfAborted(alive(options.signal));
      if (block.length > MAX_RECORD_BYTES) throw tooLarge(block.length, MAX_RECORD_BYTES);
      try {
        decodeCanonical(block);
      } catch (error) {
        throw new SprfError("INVALID_INPUT", "a record must be canonical dag-cbor", { cause: error });
      }
      const cid = recordCid(block);
      const lease = guard.lease();
      try {
        await blocks.write(cid, block.slice(), lease);
        await pins.add(cid.toString());
      } finally {
        lease.release();
      }
      await source?.announce(cid);
      return cid.toString();
    },

    async *get(text, { maxBytes, offline, signal: outer }) {
      const cid = parseCid(text);
      const signal = alive(outer);
      let reads = BLOCKS_BESIDE + Math.ceil(maxBytes / MIN_AVERAGE_BLOCK_BYTES);
      const read = async (block: CID): Promise<Uint8Array> => {
        if (reads-- <= 0) throw new SprfError("CONTENT_TOO_LARGE", "the content has too many blocks for its size");
        return await readBlock(block, { offline, signal });
      };
      try {
        if (isRecord(cid)) {
          const record = await read(cid);
          if (record.length > maxBytes) throw tooLarge(record.length, maxBytes);
          yield record;
          return;
        }
        let total = 0;
        // The exporter below takes the number of blocks to read ahead; Helia's type leaves it out.
        const reading = { signal, blockReadConcurrency: READ_CONCURRENCY };
        const file = unixfs({ blockstore: readOnly(read) });
        for await (const part of readInWindows((range) => file.cat(cid, { ...reading, ...range }))) {
          total += part.length;
          if (total > maxBytes) throw tooLarge(total, maxBytes);
          yield part;
        }
      } catch (error) {
        throw asSprfError(error, signal);
      }
    },

    async has(text, options = {}) {
      const root = parseCid(text);
      const signal = alive(options.signal);
      let complete = true;
      await walk(
        root,
        async (cid) => {
          if (!complete) return undefined;
          const node = hasLinks(cid) ? await blocks.read(cid).catch(() => undefined) : undefined;
          if (hasLinks(cid) ? node === undefined : !(await blocks.has(cid))) complete = false;
          return node;
        },
        { signal },
      );
      return complete;
    },

    async pin(text, options = {}) {
      const root = parseCid(text);
      const signal = alive(options.signal);
      const lease = guard.lease();
      try {
        await hold(root, signal, lease);
        await pins.add(text);
      } catch (error) {
        throw asSprfError(error, signal);
      } finally {
        lease.release();
      }
    },

    async unpin(text, options = {}) {
      parseCid(text);
      throwIfAborted(alive(options.signal));
      await pins.release(text);
    },

    collect: async ({ signal } = {}) => await sweep(alive(signal)),
    localBlock: async (text) => await blocks.read(parseCid(text)),
  };
}

interface ImportBlockstore {
  put(cid: CID, block: BlockInput): Promise<CID>;
  get(cid: CID): AsyncGenerator<Uint8Array>;
  has(cid: CID): Promise<boolean>;
}

type BlockInput = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

async function toBytes(block: BlockInput): Promise<Uint8Array> {
  if (block instanceof Uint8Array) return block;
  const parts: Uint8Array[] = [];
  for await (const part of block) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

async function* limited(
  content: Uint8Array | AsyncIterable<Uint8Array>,
  maxBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const part of content instanceof Uint8Array ? [content] : content) {
    throwIfAborted(signal);
    total += part.length;
    if (total > maxBytes) throw tooLarge(total, maxBytes);
    yield part;
  }
}

function readOnly(read: (cid: CID) => Promise<Uint8Array>): Parameters<typeof unixfs>[0]["blockstore"] {
  return {
    async *get(cid) {
      yield await read(cid);
    },
    put: () => {
      throw new SprfError("INTERNAL", "reading a file must not store anything");
    },
    has: async () => true,
  };
}

function tooLarge(bytes: number, limit: number): SprfError {
  return new SprfError("CONTENT_TOO_LARGE", `the content has at least ${bytes} bytes, more than ${limit}`, {
    context: { bytes, limit },
  });
}

/** The libraries' own errors mean that a block, although its hash is right, is no file. */
function asSprfError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted && !isSprfError(error, "CONTENT_TOO_LARGE")) {
    const aborted = abortError(signal);
    return aborted.code === "TIMEOUT"
      ? new SprfError("CONTENT_NOT_FOUND", "no peer has served the content in time", { cause: error })
      : aborted;
  }
  if (isSprfError(error)) return error;
  return new SprfError("CONTENT_CORRUPT", `not a file: ${messageOf(error)}`, { cause: error });
}
