import { unixfs } from "@helia/unixfs";
import type { CID } from "multiformats/cid";

import { SprfError } from "../../errors.ts";
import type { BlockSource } from "./block-source.ts";
import { asSprfError, tooLarge } from "./content-errors.ts";
import { blockKey, hasLinks, isRecord } from "./cid.ts";
import { createHandedOver } from "./handed-over.ts";
import type { LocalBlocks } from "./local-blocks.ts";
import { createPrefetch, type Prefetch } from "./prefetch.ts";
import { readInWindows } from "./read-in-windows.ts";
import { createReadThrough, type ReadBlock } from "./read-through.ts";
import type { Lease } from "./sweep-guard.ts";
import { walk } from "./walk.ts";

const READ_CONCURRENCY = 8;
/** A file's chunks are 1 MiB here; other writers' may be smaller, but a DAG of next to nothing is an attack. */
const MIN_AVERAGE_BLOCK_BYTES = 4_096;
const BLOCKS_BESIDE = 64;

export interface ReadLimits {
  readonly maxBytes: number;
  readonly offline?: boolean | undefined;
  readonly signal: AbortSignal;
}

/** Where a file's blocks are read from. */
export interface DagReader {
  readonly blocks: LocalBlocks;
  readonly readBlock: ReadBlock;
  readonly prefetch: Prefetch;
}

/** Reads files from `blocks` and, where those lack something, from `source`. */
export function createDagReader(blocks: LocalBlocks, source: BlockSource | undefined): DagReader {
  const readBlock = createReadThrough(blocks, source);
  return { blocks, readBlock, prefetch: createPrefetch({ blocks, readBlock, source }) };
}

/** The bytes of a file or record, block by block. */
export async function* readDag(
  { readBlock, prefetch }: DagReader,
  cid: CID,
  { maxBytes, offline, signal }: ReadLimits,
): AsyncGenerator<Uint8Array> {
  let reads = BLOCKS_BESIDE + Math.ceil(maxBytes / MIN_AVERAGE_BLOCK_BYTES);
  const stop = new AbortController();
  const stream = offline === true ? undefined : startStream(prefetch, cid, { maxBytes, signal, stop: stop.signal });
  const read = async (block: CID): Promise<Uint8Array> => {
    if (reads-- <= 0) throw new SprfError("CONTENT_TOO_LARGE", "the content has too many blocks for its size");
    return (await stream?.take(blockKey(block))) ?? (await readBlock(block, { offline, signal }));
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
  } finally {
    stop.abort();
    await stream?.ended;
  }
}

/** Begins to bring the file in one stream, beside the reader. What it cannot bring, and its failures, are the reader's to find. */
function startStream(
  prefetch: Prefetch,
  root: CID,
  { maxBytes, signal, stop }: { readonly maxBytes: number; readonly signal: AbortSignal; readonly stop: AbortSignal },
): { take(key: string): Promise<Uint8Array | undefined>; readonly ended: Promise<void> } {
  const handed = createHandedOver();
  const rootKey = blockKey(root);
  const ended = prefetch(root, {
    maxBytes,
    signal: AbortSignal.any([signal, stop]),
    onBlock: (key, bytes) => handed.put(key, bytes),
  })
    .catch(() => undefined)
    .finally(() => handed.end());
  // The root is read by the stream itself first, and from then on is here.
  return { ended, take: async (key) => (key === rootKey ? undefined : await handed.take(key)) };
}

/** Whether every block below `root` is on this machine. */
export async function hasDag(blocks: LocalBlocks, root: CID, signal: AbortSignal): Promise<boolean> {
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
}

/** Brings every block below `root` to this machine and resolves with their CIDs. @throws SprfError `CONTENT_TOO_LARGE`, and what reading throws */
export async function fetchDag(
  { blocks, readBlock, prefetch }: DagReader,
  root: CID,
  { maxBytes, lease, signal }: { readonly maxBytes: number; readonly lease?: Lease; readonly signal: AbortSignal },
): Promise<readonly CID[]> {
  const all: CID[] = [];
  await prefetch(root, { maxBytes, signal, lease });
  let total = 0;
  await walk(
    root,
    async (cid, inner) => {
      await lease?.hold(blockKey(cid));
      all.push(cid);
      if (!hasLinks(cid) && (await blocks.has(cid))) return undefined;
      const bytes = await readBlock(cid, { signal: inner.signal, lease });
      total += bytes.length;
      if (total > maxBytes) throw tooLarge(total, maxBytes);
      return bytes;
    },
    { signal },
  );
  return all;
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
