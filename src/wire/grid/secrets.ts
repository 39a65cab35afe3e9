import { z } from "zod";

import { SprfError } from "../../errors.ts";
import type { Cipher } from "../../ports/cipher.ts";
import { concatBytes, equalBytes, utf8 } from "../../utils/bytes.ts";
import { decodeCanonical, encodeCanonical, hashWithDomain } from "../canonical.ts";
import { bytesOf } from "../primitives.ts";
import {
  MAX_SECRETS,
  MAX_SECRETS_BYTES,
  MAX_SECRET_BYTES,
  SECRETS_BLINDING_BYTES,
  WORKLOAD_SALT_BYTES,
} from "./limits.ts";
import { recordOf, secretNameSchema, textSchema } from "./text.ts";
import type { Workload } from "./workload.ts";

const SECRETS_DOMAIN = "sprf/deployment-secrets/1";
const ACCOUNT_BYTES = 20;

const secretSchema = textSchema.refine((text) => Buffer.byteLength(text) <= MAX_SECRET_BYTES, {
  error: `expected at most ${MAX_SECRET_BYTES} bytes`,
});

const secretsSchema = z.strictObject({
  version: z.literal(1),
  /** Random: keeps whoever sees the hash from guessing a short secret. */
  blinding: bytesOf(SECRETS_BLINDING_BYTES),
  /** The account that creates the contract. */
  creator: bytesOf(ACCOUNT_BYTES),
  /** The workload's salt. */
  salt: bytesOf(WORKLOAD_SALT_BYTES),
  values: recordOf(secretNameSchema, secretSchema).refine((values) => Object.keys(values).length <= MAX_SECRETS, {
    error: `expected at most ${MAX_SECRETS} secrets`,
  }),
});

/** The secrets of one deployment of one user, by name. */
export type DeploymentSecrets = z.output<typeof secretsSchema>;

/** Canonical dag-cbor, readable. @throws SprfError `INVALID_INPUT` for what no node would accept; never quotes a value */
export function encodeSecrets(secrets: DeploymentSecrets): Uint8Array {
  const parsed = secretsSchema.safeParse(secrets);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new SprfError("INVALID_INPUT", `secrets: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
  }
  const bytes = encodeCanonical(parsed.data);
  if (bytes.length > MAX_SECRETS_BYTES) {
    throw new SprfError("INVALID_INPUT", `secrets of ${bytes.length} bytes; at most ${MAX_SECRETS_BYTES} are allowed`);
  }
  return bytes;
}

/** @throws SprfError `SECRETS_INVALID` for anything that {@link encodeSecrets} would not have made */
export function decodeSecrets(bytes: Uint8Array): DeploymentSecrets {
  if (bytes.length > MAX_SECRETS_BYTES) throw invalid("too many bytes");
  let value: unknown;
  try {
    value = decodeCanonical(bytes);
  } catch {
    throw invalid("not canonical dag-cbor");
  }
  const parsed = secretsSchema.safeParse(value);
  if (!parsed.success) throw invalid("not of the form of secrets");
  return parsed.data;
}

/** 32 bytes, what a workload says of its secrets (docs/spec/deployment-hash.md). */
export function hashSecrets(secrets: DeploymentSecrets): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hashWithDomain(SECRETS_DOMAIN, encodeSecrets(secrets)));
}

/** The secrets for the node with this message key (64 bytes), and for nobody else. */
export async function sealSecrets(
  secrets: DeploymentSecrets,
  { cipher, node }: { readonly cipher: Cipher; readonly node: Uint8Array },
): Promise<Uint8Array> {
  return await cipher.sealTo(node, concatBytes(utf8(SECRETS_DOMAIN), encodeSecrets(secrets)));
}

/**
 * The values of sealed secrets, if they are those of this workload and were made by who created its contract: a copy of somebody
 * else's opens for no other deployment.
 *
 * @throws SprfError `SECRETS_INVALID`; never quotes a value
 */
export async function openSecrets(
  sealed: Uint8Array,
  { cipher, creator, workload }: { readonly cipher: Cipher; readonly creator: Uint8Array; readonly workload: Workload },
): Promise<ReadonlyMap<string, string>> {
  const opened = await cipher.open(sealed);
  if (opened === undefined) throw invalid("not sealed to this node");
  const domain = utf8(SECRETS_DOMAIN);
  if (!equalBytes(opened.payload.subarray(0, domain.length), domain)) throw invalid("no secrets");
  const encoded = opened.payload.slice(domain.length);
  const secrets = decodeSecrets(encoded);
  if (!equalBytes(secrets.creator, creator)) throw invalid("of another account");
  if (!equalBytes(secrets.salt, workload.salt)) throw invalid("of another deployment");
  if (!equalBytes(hashWithDomain(SECRETS_DOMAIN, encoded), workload.secretsHash ?? new Uint8Array(0))) {
    throw invalid("not those whose hash the workload has");
  }
  const values = new Map(Object.entries(secrets.values));
  const missing = workload.containers
    .flatMap((container) => container.secrets)
    .find(({ secret }) => !values.has(secret));
  if (missing !== undefined) throw invalid(`without ${missing.secret}`);
  return values;
}

function invalid(reason: string): SprfError {
  return new SprfError("SECRETS_INVALID", `secrets refused: ${reason}`);
}
