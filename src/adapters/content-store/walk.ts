import PQueue from "p-queue";
import type { CID } from "multiformats/cid";

import { SprfError } from "../../errors.ts";
import { throwIfAborted } from "../../utils/abort.ts";
import { hasLinks, linksOf } from "./cid.ts";

/** More blocks than this are no content that we hold: 256 GiB in chunks of 1 MiB. */
const MAX_BLOCKS = 262_144;
const CONCURRENCY = 8;

/**
 * Calls `visit` once for every block of a file, several at a time, and follows the links in what it returns (only asked of blocks
 * that can have links). Stops at the first failure.
 *
 * @throws SprfError `CONTENT_TOO_LARGE` for more than 262,144 blocks; what `visit` throws
 */
export async function walk(
  root: CID,
  visit: (cid: CID, options: { signal: AbortSignal }) => Promise<Uint8Array | undefined>,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const seen = new Set<string>();
  const queue = new PQueue({ concurrency: CONCURRENCY });
  const stop = new AbortController();
  const inner = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  let failure: { readonly error: unknown } | undefined;

  const add = (cid: CID): void => {
    const key = cid.toString();
    if (seen.has(key)) return;
    seen.add(key);
    queue.add(async () => await step(cid)).catch(fail);
  };
  const fail = (error: unknown): void => {
    failure ??= { error };
    stop.abort();
    queue.clear();
  };
  const step = async (cid: CID): Promise<void> => {
    throwIfAborted(inner);
    if (seen.size > MAX_BLOCKS) throw new SprfError("CONTENT_TOO_LARGE", `more than ${MAX_BLOCKS} blocks`);
    const bytes = await visit(cid, { signal: inner });
    if (bytes === undefined || !hasLinks(cid)) return;
    for (const link of linksOf(cid, bytes)) add(link);
  };

  add(root);
  await queue.onIdle();
  if (failure !== undefined) throw failure.error;
}
