import { isSprfError, SprfError } from "../errors.ts";
import { concatBytes } from "../utils/bytes.ts";
import { withDeadline } from "../utils/abort.ts";
import { unpackBlock, unpackInline, type DeploymentCarrier, type ReceivedBody } from "../wire/grid/deployment-body.ts";
import type { NodeParts } from "./node-parts.ts";

const FETCH_TIMEOUT_MS = 30_000;

/**
 * The deployment that a message carries or names.
 *
 * @throws SprfError `CONTENT_NOT_FOUND`, `CONTENT_CORRUPT`, `CONTENT_TOO_LARGE`, `DEPLOYMENT_INVALID`
 */
export async function receiveBody(
  { content, cipher }: Pick<NodeParts, "content" | "cipher">,
  carrier: DeploymentCarrier,
  { from, signal }: { readonly from: Uint8Array; readonly signal: AbortSignal },
): Promise<ReceivedBody> {
  if (carrier.kind === "inline") return unpackInline(carrier.body);
  const parts: Uint8Array[] = [];
  const deadline = withDeadline(signal, FETCH_TIMEOUT_MS);
  try {
    for await (const part of content.get(carrier.cid, { maxBytes: carrier.bytes, signal: deadline })) parts.push(part);
  } catch (error) {
    if (!signal.aborted && isSprfError(error, "TIMEOUT")) {
      throw new SprfError("CONTENT_NOT_FOUND", `no peer has given the block within ${FETCH_TIMEOUT_MS} ms`, {
        cause: error,
      });
    }
    throw error;
  }
  return await unpackBlock(concatBytes(...parts), { cipher, from });
}
