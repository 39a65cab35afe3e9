import type { CID } from "multiformats/cid";

import { SprfError, isSprfError, messageOf } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import { abortError } from "../../utils/abort.ts";
import { concatBytes } from "../../utils/bytes.ts";
import type { FetchDagOptions } from "./block-source.ts";
import { readCar } from "./car.ts";
import { tooLarge } from "./content-errors.ts";
import { MAX_BLOCK_BYTES, blockKey, hasLinks, linksOf, matches } from "./cid.ts";
import type { RatedGateways } from "./gateway-book.ts";

/** How many are asked for the same thing, one after the other. */
const MAX_ASKED = 3;
/** For a block, and for the next bytes of a CAR. */
const DEFAULT_PATIENCE_MS = 10_000;
/** A CAR must go on arriving, at this rate on average after a moment; bitswap is no slower than that. */
const CAR_GRACE_MS = 5_000;
const CAR_MIN_BYTES_PER_MS = 64;
/** Nodes beside the chunks of a file; more of them come one by one, counted by the reader. */
const MAX_NODE_BYTES = 4 * 1024 * 1024;
const MAX_NODE_SHARE = 0.05;
const NOT_FOUND = 404;

/** Other workers' trustless gateways as a source of blocks. Every block is checked here; whoever sends a wrong one is dropped. */
export interface HttpGateways {
  /** Undefined when none of those that were asked has it. @throws SprfError `ABORTED`, `TIMEOUT` of `signal` */
  fetchBlock(cid: CID, options: { readonly signal: AbortSignal | undefined }): Promise<Uint8Array | undefined>;
  /** All blocks below `root` in one stream; false when some may be missing. @throws SprfError of `signal` and of `store` */
  fetchDag(root: CID, options: FetchDagOptions): Promise<boolean>;
}

export function createHttpGateways({
  book,
  clock,
  logger,
  patienceMs = DEFAULT_PATIENCE_MS,
}: {
  readonly book: RatedGateways;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
  /** How long a gateway may take for a block, and for the next bytes of a CAR. @default 10,000 */
  readonly patienceMs?: number | undefined;
}): HttpGateways {
  /** Asks one after the other until one has it; what fails says something about that one alone. */
  async function askEach<T>(
    cid: CID,
    signal: AbortSignal | undefined,
    ask: (url: string) => Promise<T | undefined>,
    isOwnFault: (error: unknown) => boolean = () => false,
  ): Promise<T | undefined> {
    for (const url of book.candidates().slice(0, MAX_ASKED)) {
      try {
        const found = await ask(url);
        if (found === undefined) continue;
        book.served(url);
        return found;
      } catch (error) {
        if (signal?.aborted === true) throw abortError(signal);
        if (isOwnFault(error)) throw error;
        if (isSprfError(error, "CONTENT_CORRUPT")) book.lied(url);
        else book.failed(url);
        logger.debug("a gateway has failed", { url, cid: cid.toString(), reason: messageOf(error) });
      }
    }
    return undefined;
  }

  async function blockFrom(url: string, cid: CID, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    const deadline = AbortSignal.timeout(patienceMs);
    const inner = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
    const body = await open(`${url}/ipfs/${cid.toString()}?format=raw`, "application/vnd.ipld.raw", inner);
    if (body === undefined) return undefined;
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of body) {
      size += part.length;
      if (size > MAX_BLOCK_BYTES) throw wrong("a block without end");
      parts.push(part);
    }
    const bytes = concatBytes(...parts);
    if (!matches(cid, bytes)) throw wrong(`wrong bytes for ${cid.toString()}`);
    return bytes;
  }

  async function dagFrom(url: string, root: CID, options: FetchDagOptions): Promise<boolean | undefined> {
    const idle = new AbortController();
    const pace = createPace(clock, { idle, patienceMs });
    try {
      const inner = AbortSignal.any([options.signal, idle.signal]);
      const address = `${url}/ipfs/${root.toString()}?format=car&dag-scope=all`;
      const body = await open(address, "application/vnd.ipld.car; version=1; order=dfs; dups=n", inner);
      return body === undefined ? undefined : await takeDag(pace.watch(body), root, options);
    } finally {
      pace.stop();
    }
  }

  return {
    fetchBlock: async (cid, { signal }) => await askEach(cid, signal, async (url) => await blockFrom(url, cid, signal)),
    async fetchDag(root, options) {
      let came = 0;
      const ownFaults = new Set<unknown>();
      const watched = (url: string): FetchDagOptions => ({
        ...options,
        async store(cid, bytes) {
          // At the first good block: a reader that has all it wants may end the stream before its end.
          if (came === 0) book.served(url);
          came += 1;
          await options.store(cid, bytes).catch((error: unknown) => {
            ownFaults.add(error);
            throw error;
          });
        },
      });
      const all = await askEach(
        root,
        options.signal,
        // What came already is not asked for once more: the rest is fetched block by block.
        async (url) => (came === 0 ? await dagFrom(url, root, watched(url)) : undefined),
        // These say nothing about a gateway.
        (error) => ownFaults.has(error) || isSprfError(error, "CONTENT_TOO_LARGE"),
      );
      return all ?? false;
    },
  };
}

/** @returns undefined when the gateway does not have it */
async function open(url: string, accept: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined> {
  const response = await fetch(url, { headers: { accept }, redirect: "error", signal });
  if (response.ok && response.body !== null) return response.body as AsyncIterable<Uint8Array>;
  await response.body?.cancel();
  if (response.status === NOT_FOUND) return undefined;
  throw new SprfError("CONTENT_NOT_FOUND", `it answered ${response.status}`);
}

/** Takes the blocks that belong below `root` and nothing else. @returns whether all of them came */
async function takeDag(body: AsyncIterable<Uint8Array>, root: CID, options: FetchDagOptions): Promise<boolean> {
  const { maxBytes } = options;
  const wanted = new Map([[blockKey(root), root]]);
  const taken = new Set<string>();
  let leafBytes = 0;
  let nodeBytes = 0;
  for await (const { cid, bytes } of readCar(body)) {
    const key = blockKey(cid);
    if (taken.has(key)) continue;
    const own = wanted.get(key);
    if (own === undefined) throw wrong("a block that nobody asked for");
    if (bytes.length > MAX_BLOCK_BYTES || !matches(own, bytes)) throw wrong(`wrong bytes for ${own.toString()}`);
    if (hasLinks(own)) nodeBytes += bytes.length;
    else leafBytes += bytes.length;
    if (leafBytes > maxBytes) throw tooLarge(leafBytes, maxBytes);
    if (nodeBytes > MAX_NODE_BYTES + maxBytes * MAX_NODE_SHARE) return false;
    await options.store(own, bytes);
    wanted.delete(key);
    taken.add(key);
    for (const link of linksOf(own, bytes)) if (!taken.has(blockKey(link))) wanted.set(blockKey(link), link);
    if (wanted.size === 0) return true;
  }
  return false;
}

/** Aborts what stands still or crawls. */
function createPace(
  clock: Pick<Clock, "now">,
  { idle, patienceMs }: { readonly idle: AbortController; readonly patienceMs: number },
): { watch(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>; stop(): void } {
  let quiet = AbortSignal.timeout(patienceMs);
  const onQuiet = (): void => idle.abort(new SprfError("TIMEOUT", `nothing came for ${patienceMs} ms`));
  quiet.addEventListener("abort", onQuiet);
  const stop = (): void => quiet.removeEventListener("abort", onQuiet);
  return {
    stop,
    async *watch(body) {
      const began = clock.now();
      let total = 0;
      for await (const part of body) {
        stop();
        total += part.length;
        const tookMs = clock.now() - began;
        if (tookMs > CAR_GRACE_MS && total < tookMs * CAR_MIN_BYTES_PER_MS) {
          throw new SprfError("TIMEOUT", `${total} bytes in ${tookMs} ms`);
        }
        yield part;
        quiet = AbortSignal.timeout(patienceMs);
        quiet.addEventListener("abort", onQuiet);
      }
    },
  };
}

function wrong(reason: string): SprfError {
  return new SprfError("CONTENT_CORRUPT", reason);
}
