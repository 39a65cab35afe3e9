import type { CID } from "multiformats/cid";

import { SprfError, isSprfError } from "../../errors.ts";
import { throwIfAborted } from "../../utils/abort.ts";
import { carBlockHead, carHeader } from "./car.ts";
import { MAX_BLOCK_BYTES, blockKey, linksOf, parseCid } from "./cid.ts";

/** More blocks than this are no content that we hold. */
const MAX_BLOCKS = 262_144;

/** How much below a root a CAR holds: the root alone, or all. A file's "entity" is all of it. */
export type CarScope = "block" | "all";

export interface LocalContent {
  localBlock(cid: string): Promise<Uint8Array | undefined>;
}

/**
 * One block that is on this machine, or undefined. Peers are never asked on a stranger's behalf.
 *
 * @see https://specs.ipfs.tech/http-gateways/trustless-gateway/
 * @throws SprfError `INVALID_INPUT` when `cid` is none
 */
export async function serveRawBlock(content: LocalContent, cid: string): Promise<Uint8Array | undefined> {
  try {
    const block = await content.localBlock(cid);
    return block !== undefined && block.length <= MAX_BLOCK_BYTES ? block : undefined;
  } catch (error) {
    if (isSprfError(error, "CONTENT_CORRUPT")) return undefined;
    throw error;
  }
}

/**
 * The blocks of a file or record as a CAR, depth first, each once; undefined when its root is not on this machine. One block is
 * in memory at a time.
 *
 * @throws SprfError `INVALID_INPUT`; the stream ends with `CONTENT_NOT_FOUND` at a block that is not here
 */
export async function serveCar(
  content: LocalContent,
  cid: string,
  { scope, signal }: { readonly scope: CarScope; readonly signal?: AbortSignal | undefined },
): Promise<AsyncGenerator<Uint8Array> | undefined> {
  const root = await serveRawBlock(content, cid);
  return root === undefined ? undefined : carOf(content, { cid: parseCid(cid), bytes: root }, { scope, signal });
}

async function* carOf(
  content: LocalContent,
  root: { readonly cid: CID; readonly bytes: Uint8Array },
  { scope, signal }: { readonly scope: CarScope; readonly signal: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  yield carHeader(root.cid);
  const seen = new Set<string>();
  const ahead: CID[] = [root.cid];
  for (let cid = ahead.pop(); cid !== undefined; cid = ahead.pop()) {
    throwIfAborted(signal);
    if (seen.has(blockKey(cid))) continue;
    seen.add(blockKey(cid));
    const bytes = cid === root.cid ? root.bytes : await serveRawBlock(content, cid.toString());
    if (bytes === undefined) throw new SprfError("CONTENT_NOT_FOUND", `${cid.toString()} is not on this machine`);
    yield carBlockHead({ cid, bytes });
    yield bytes;
    if (scope === "block") return;
    ahead.push(...linksOf(cid, bytes).toReversed());
    if (ahead.length > MAX_BLOCKS) throw new SprfError("CONTENT_TOO_LARGE", `more than ${MAX_BLOCKS} blocks`);
  }
}
