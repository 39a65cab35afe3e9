import { unixfs } from "@helia/unixfs";
import type { CID } from "multiformats/cid";

import { SprfError, messageOf } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ContentStore } from "../../ports/content-store.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Store } from "../../ports/store.ts";
import { throwIfAborted } from "../../utils/abort.ts";
import type { BlockSource } from "./block-source.ts";
import { checkRecord, parseCid, recordCid } from "./cid.ts";
import { collect } from "./collect.ts";
import type { Collected } from "./collect.ts";
import { asSprfError, limited } from "./content-errors.ts";
import type { LocalBlocks } from "./local-blocks.ts";
import { createPins } from "./pins.ts";
import type { RawBlocks } from "./raw-blocks.ts";
import { createDagReader, fetchDag, hasDag, readDag } from "./read-dag.ts";
import { createSweepGuard, type Lease } from "./sweep-guard.ts";
import { listStoredDirectory, storeDirectory } from "./unixfs-directory.ts";

const PROFILE = { profile: "unixfs-v1-2025" } as const;

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
  const reader = createDagReader(blocks, source);
  let running: { readonly stop: AbortController; readonly collector: Promise<void> } | undefined;
  let collecting: Promise<Collected> | undefined;

  const alive = (signal: AbortSignal | undefined): AbortSignal => {
    if (running === undefined) throw new SprfError("ABORTED", "the content store is not running");
    return signal === undefined ? running.stop.signal : AbortSignal.any([signal, running.stop.signal]);
  };
  const sweep = async (signal: AbortSignal | undefined): Promise<Collected> => {
    collecting ??= collect({ blocks, readBlock: reader.readBlock, pins, guard, logger }, { signal }).finally(
      () => (collecting = undefined),
    );
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
      yield await reader.readBlock(cid, { offline: true, signal });
    },
    has: async (cid) => await blocks.has(cid),
  });

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
        // Whoever is told that it is pinned may sign for it: it must be there after a loss of power as well.
        await blocks.sync(written);
        await pins.add(cid.toString(), options.holder);
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
        const held = await fetchDag(reader, cid, { maxBytes: init.maxFileBytes, lease, signal });
        await blocks.sync([...written, ...held]);
        await pins.add(cid.toString(), options.holder);
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
        return await listStoredDirectory(cid, async (node) => await reader.readBlock(node, { signal }));
      } catch (error) {
        throw asSprfError(error, signal);
      }
    },

    async putRecord(block, options = {}) {
      throwIfAborted(alive(options.signal));
      checkRecord(block);
      const cid = recordCid(block);
      const lease = guard.lease();
      try {
        await blocks.write(cid, block.slice(), lease);
        await blocks.sync([cid]);
        await pins.add(cid.toString(), options.holder);
      } finally {
        lease.release();
      }
      await source?.announce(cid);
      return cid.toString();
    },

    async *get(text, { maxBytes, offline, signal }) {
      yield* readDag(reader, parseCid(text), { maxBytes, offline, signal: alive(signal) });
    },

    async has(text, options = {}) {
      const root = parseCid(text);
      return await hasDag(blocks, root, alive(options.signal));
    },

    async pin(text, options = {}) {
      const root = parseCid(text);
      const signal = alive(options.signal);
      const lease = guard.lease();
      try {
        await blocks.sync(await fetchDag(reader, root, { maxBytes: init.maxFileBytes, lease, signal }));
        await pins.add(text, options.holder);
      } catch (error) {
        throw asSprfError(error, signal);
      } finally {
        lease.release();
      }
    },

    async unpin(text, options = {}) {
      parseCid(text);
      throwIfAborted(alive(options.signal));
      await pins.release(text, options.holder);
    },
    async *held(prefix, options = {}) {
      const signal = alive(options.signal);
      for await (const entry of pins.held(prefix)) {
        throwIfAborted(signal);
        yield entry;
      }
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
