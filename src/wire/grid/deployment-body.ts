import { z } from "zod";

import { SprfError } from "../../errors.ts";
import type { Cipher } from "../../ports/cipher.ts";
import { concatBytes, equalBytes, utf8 } from "../../utils/bytes.ts";
import { decodeCanonical, encodeCanonical, smallFileCidOf } from "../canonical.ts";
import { bytesUpTo, cidSchema } from "../primitives.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { MAX_SECRETS_BYTES, MAX_WORKLOAD_BYTES } from "./limits.ts";
import { decodeWorkload, encodeWorkload, hashEncodedDeployment, type Workload } from "./workload.ts";

const BODY_DOMAIN = "sprf/deployment-body/1";
/** The largest body that travels in a message; larger ones travel as the CID of a block. */
export const MAX_INLINE_BODY_BYTES = 100 * 1024;
/** Secrets as they are sealed, padded. */
const MAX_SEALED_SECRETS_BYTES = MAX_SECRETS_BYTES + 1_024;
const MAX_BODY_BYTES = MAX_WORKLOAD_BYTES + MAX_SEALED_SECRETS_BYTES + 1_024;
/** The largest block that a node fetches for a deployment. */
export const MAX_BODY_BLOCK_BYTES = MAX_BODY_BYTES + 1_024;

const bodySchema = z.strictObject({
  workload: bytesUpTo(MAX_WORKLOAD_BYTES),
  secrets: bytesUpTo(MAX_SEALED_SECRETS_BYTES).optional(),
});

/** How a message carries a deployment. */
export const carrierSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("inline"), body: bytesUpTo(MAX_INLINE_BODY_BYTES) }),
  z.strictObject({
    kind: z.literal("block"),
    /** Of a file of one raw block, sealed to the node. */
    cid: cidSchema,
    bytes: z.int().min(1).max(MAX_BODY_BLOCK_BYTES),
  }),
]);

/** A deployment in a message, or the name of the block that has it. */
export type DeploymentCarrier = z.output<typeof carrierSchema>;

/** What the user sends to be deployed. */
export interface DeploymentBody {
  readonly workload: Workload;
  /** By `sealSecrets`. */
  readonly sealedSecrets?: Uint8Array | undefined;
}

/** What the node got to deploy. */
export interface ReceivedBody extends DeploymentBody {
  readonly deploymentHash: Uint8Array;
}

/**
 * What goes into the message and, when the body is too large for one, the block that the user stores and keeps until the node has
 * it.
 *
 * @throws SprfError `DEPLOYMENT_INVALID`
 */
export async function packBody(
  { workload, sealedSecrets }: DeploymentBody,
  { cipher, node }: { readonly cipher: Cipher; readonly node: Uint8Array },
): Promise<{ readonly carrier: DeploymentCarrier; readonly block?: Uint8Array }> {
  const body = encodeCanonical(withoutUndefined({ workload: encodeWorkload(workload), secrets: sealedSecrets }));
  if (body.length <= MAX_INLINE_BODY_BYTES) return { carrier: { kind: "inline", body: new Uint8Array(body) } };
  const block = await cipher.sealTo(node, concatBytes(utf8(BODY_DOMAIN), body));
  return { carrier: { kind: "block", cid: smallFileCidOf(block), bytes: block.length }, block };
}

/** @throws SprfError `DEPLOYMENT_INVALID` for what {@link packBody} would not have made */
export function unpackInline(body: Uint8Array): ReceivedBody {
  if (body.length > MAX_BODY_BYTES) throw invalid(`${body.length} bytes are more than ${MAX_BODY_BYTES}`);
  let value: unknown;
  try {
    value = decodeCanonical(body);
  } catch (error) {
    throw invalid("not canonical dag-cbor", error);
  }
  const parsed = bodySchema.safeParse(value);
  if (!parsed.success) throw invalid("not of the form of a body", parsed.error);
  const { workload, secrets } = parsed.data;
  return {
    workload: decodeWorkload(workload),
    ...(secrets === undefined ? {} : { sealedSecrets: secrets }),
    deploymentHash: hashEncodedDeployment(workload),
  };
}

/** What is in a block that `from` (message key) named. @throws SprfError `DEPLOYMENT_INVALID` */
export async function unpackBlock(
  block: Uint8Array,
  { cipher, from }: { readonly cipher: Cipher; readonly from: Uint8Array },
): Promise<ReceivedBody> {
  const opened = await cipher.open(block);
  if (opened === undefined) throw invalid("a block that is not sealed to us");
  if (!equalBytes(opened.signer, from)) throw invalid("a block of somebody else");
  const domain = utf8(BODY_DOMAIN);
  if (!equalBytes(opened.payload.subarray(0, domain.length), domain)) throw invalid("a block of something else");
  return unpackInline(opened.payload.slice(domain.length));
}

function invalid(reason: string, cause?: unknown): SprfError {
  return new SprfError("DEPLOYMENT_INVALID", `deployment refused: ${reason}`, { cause });
}
