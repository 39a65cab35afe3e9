import { isSprfError } from "../../errors.ts";
import { MAX_BLOCK_BYTES } from "./cid.ts";

/**
 * What `GET /ipfs/<cid>?format=raw` answers: one block that is on this machine, or undefined (404). Peers are never asked on a
 * stranger's behalf.
 *
 * @see https://specs.ipfs.tech/http-gateways/trustless-gateway/
 * @throws SprfError `INVALID_INPUT` when `cid` is none
 */
export async function serveRawBlock(
  content: { localBlock(cid: string): Promise<Uint8Array | undefined> },
  cid: string,
): Promise<Uint8Array | undefined> {
  try {
    const block = await content.localBlock(cid);
    return block !== undefined && block.length <= MAX_BLOCK_BYTES ? block : undefined;
  } catch (error) {
    if (isSprfError(error, "CONTENT_CORRUPT")) return undefined;
    throw error;
  }
}
