import { z } from "zod";

import { SprfError, isSprfError } from "../../errors.ts";
import type { Cipher } from "../../ports/cipher.ts";
import { concatBytes, equalBytes, utf8 } from "../../utils/bytes.ts";
import { deflate, inflateUpTo } from "../../utils/deflate.ts";
import { decodeCanonical, encodeCanonical } from "../canonical.ts";
import { bytesUpTo, uint64Schema } from "../primitives.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { MAX_DEPLOYMENT_DATA_BYTES, MAX_SECRETS_BYTES, MAX_WORKLOAD_BYTES } from "./limits.ts";
import { decodeSecrets, encodeSecrets, type DeploymentSecrets } from "./secrets.ts";
import { labelSchema } from "./text.ts";
import { decodeWorkload, encodeWorkload, hashEncodedDeployment, type Workload } from "./workload.ts";

const DATA_NAME = "sprf/deployment-data/";
const DATA_DOMAIN = `${DATA_NAME}1`;
/** A byte after the domain says how what follows is written. */
const FORM = { plain: 0, deflated: 1 } as const;
/** More never comes out of what is deflated, however little goes in. */
const MAX_BODY_BYTES = MAX_WORKLOAD_BYTES + MAX_SECRETS_BYTES + 1_024;

const bodySchema = z.strictObject({
  nodeId: uint64Schema,
  /** The user's own name for it. */
  name: labelSchema.optional(),
  workload: bytesUpTo(MAX_WORKLOAD_BYTES),
  secrets: bytesUpTo(MAX_SECRETS_BYTES).optional(),
});

/** All that a user needs to deploy the same again, here or on another node. */
export interface DeploymentData {
  readonly nodeId: bigint;
  readonly name?: string | undefined;
  readonly workload: Workload;
  /** Readable, so that they can be sealed to any node. */
  readonly secrets?: DeploymentSecrets | undefined;
}

/**
 * Why data on the chain cannot be used: `empty` (the user chose to put none there), `too-large`, `not-ours` (sealed to another key,
 * damaged, or not signed by our own: the node of a contract may write data too), `unknown-version`, `damaged` (we signed it, and it
 * is no deployment).
 */
export type DataProblem = "empty" | "too-large" | "not-ours" | "unknown-version" | "damaged";

export type OpenedData =
  | { readonly kind: "data"; readonly data: DeploymentData; readonly deploymentHash: Uint8Array }
  | { readonly kind: "problem"; readonly problem: DataProblem };

/**
 * The data for `createContract`, sealed by the user to itself and compressed if that makes it shorter.
 *
 * @throws SprfError `DEPLOYMENT_DATA_TOO_LARGE`, `DEPLOYMENT_INVALID`, `INVALID_INPUT`
 */
export async function sealDeploymentData(data: DeploymentData, cipher: Cipher): Promise<Uint8Array> {
  const body = encodeCanonical(
    withoutUndefined({
      nodeId: data.nodeId,
      name: data.name,
      workload: encodeWorkload(data.workload),
      secrets: data.secrets === undefined ? undefined : encodeSecrets(data.secrets),
    }),
  );
  const deflated = deflate(body);
  const isShorter = deflated.length < body.length;
  const form = new Uint8Array([isShorter ? FORM.deflated : FORM.plain]);
  const payload = concatBytes(utf8(DATA_DOMAIN), form, isShorter ? deflated : body);
  const sealed = await cipher.sealTo(cipher.publicKey, payload);
  if (sealed.length > MAX_DEPLOYMENT_DATA_BYTES) {
    throw new SprfError(
      "DEPLOYMENT_DATA_TOO_LARGE",
      `data of ${sealed.length} bytes, compressed; at most ${MAX_DEPLOYMENT_DATA_BYTES} go on the chain`,
      { context: { bytes: sealed.length, limit: MAX_DEPLOYMENT_DATA_BYTES } },
    );
  }
  return sealed;
}

/**
 * What data on the chain says. Never rejects, whatever it is given. Whether it is what the contract names now is for the caller to
 * compare: `deploymentHash` with the contract's.
 */
export async function openDeploymentData(sealed: Uint8Array, cipher: Cipher): Promise<OpenedData> {
  if (sealed.length === 0) return problem("empty");
  if (sealed.length > MAX_DEPLOYMENT_DATA_BYTES) return problem("too-large");
  const opened = await cipher.open(sealed);
  if (opened === undefined || !equalBytes(opened.signer, cipher.publicKey)) return problem("not-ours");
  const { payload } = opened;
  const name = utf8(DATA_NAME);
  const domain = utf8(DATA_DOMAIN);
  if (!equalBytes(payload.subarray(0, name.length), name)) return problem("damaged");
  if (!equalBytes(payload.subarray(0, domain.length), domain)) return problem("unknown-version");
  try {
    return parseBody(bodyOf(payload[domain.length], payload.slice(domain.length + 1)));
  } catch (error) {
    if (isSprfError(error)) return problem("damaged");
    throw error;
  }
}

function bodyOf(form: number | undefined, bytes: Uint8Array): Uint8Array {
  if (form === FORM.plain) return bytes;
  if (form !== FORM.deflated) throw new SprfError("DEPLOYMENT_INVALID", `form ${form ?? "missing"} is unknown`);
  const inflated = inflateUpTo(bytes, MAX_BODY_BYTES);
  if (inflated === undefined) throw new SprfError("DEPLOYMENT_INVALID", "the data cannot be decompressed");
  return inflated;
}

function parseBody(bytes: Uint8Array): OpenedData {
  const parsed = bodySchema.safeParse(decodeCanonical(bytes));
  if (!parsed.success) return problem("damaged");
  const { nodeId, name, workload, secrets } = parsed.data;
  const data: DeploymentData = {
    nodeId,
    ...(name === undefined ? {} : { name }),
    workload: decodeWorkload(workload),
    ...(secrets === undefined ? {} : { secrets: decodeSecrets(secrets) }),
  };
  return { kind: "data", data, deploymentHash: hashEncodedDeployment(workload) };
}

function problem(what: DataProblem): OpenedData {
  return { kind: "problem", problem: what };
}
