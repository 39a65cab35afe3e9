import { z } from "zod";

import { SprfError } from "../../errors.ts";
import { decodeCanonical, encodeCanonical, hashWithDomain } from "../canonical.ts";
import { bytesOf, uint64Schema } from "../primitives.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { issuesBetween } from "./check-workload.ts";
import { containerSchemaOf } from "./container.ts";
import {
  MAX_CONTAINERS,
  MAX_CORES,
  MAX_PUBLIC_IPS,
  MAX_SIZE_BYTES,
  MAX_VOLUMES,
  MAX_WORKLOAD_BYTES,
  WORKLOAD_SALT_BYTES,
} from "./limits.ts";
import { labelSchema } from "./text.ts";

const DEPLOYMENT_DOMAIN = "sprf/deployment/1";

/** How an encoding writes what JSON has no type for. */
interface Primitives {
  readonly uint64: z.ZodType<bigint, unknown>;
  readonly bytes: (length: number) => z.ZodType<Uint8Array<ArrayBuffer>, unknown>;
}

/** The schema of a workload in an encoding; all encodings have the same rules. */
export function workloadSchemaOf({ uint64, bytes }: Primitives) {
  return z
    .strictObject({
      version: z.literal(1),
      /** Random. */
      salt: bytes(WORKLOAD_SALT_BYTES),
      /** In the order in which they start. */
      containers: z.array(containerSchemaOf(uint64)).max(MAX_CONTAINERS),
      volumes: z
        .array(
          z.strictObject({
            name: labelSchema,
            sizeBytes: uint64.refine((value) => value > 0n && value <= MAX_SIZE_BYTES, {
              error: `expected more than 0 bytes, and at most ${MAX_SIZE_BYTES}`,
            }),
            disk: z.enum(["ssd", "hdd"]),
          }),
        )
        .max(MAX_VOLUMES),
      /** How many public IPs the contract reserves for it. */
      publicIps: z.int().min(0).max(MAX_PUBLIC_IPS),
      /** What the node may bill at most. */
      limits: z.strictObject({
        /** As the chain counts them: whole. */
        cruCores: z.int().min(0).max(MAX_CORES),
        sruBytes: uint64,
        hruBytes: uint64,
        mruBytes: uint64,
        nruBytesPerHour: uint64,
      }),
      /** `hashSecrets` of the secrets that its containers use; absent when they use none. */
      secretsHash: bytes(32).optional(),
    })
    .superRefine((workload, context) => {
      for (const { path, message } of issuesBetween(workload)) {
        context.addIssue({ code: "custom", path: [...path], message });
      }
      const uses = workload.containers.some(({ secrets }) => secrets.length > 0);
      if (uses === (workload.secretsHash === undefined)) {
        const message = uses ? "expected the hash of the secrets in use" : "no container uses a secret";
        context.addIssue({ code: "custom", path: ["secretsHash"], message });
      }
    });
}

/** A workload in canonical dag-cbor. */
export const workloadSchema = workloadSchemaOf({ uint64: uint64Schema, bytes: bytesOf });

/** What a deployment is: containers on one network of their own, and what they may use. */
export type Workload = z.output<typeof workloadSchema>;
/** The most that a deployment uses and pays for. */
export type WorkloadLimits = Workload["limits"];

/**
 * Canonical dag-cbor (docs/spec/deployment-hash.md).
 *
 * @throws SprfError `DEPLOYMENT_INVALID` for one that no node would accept
 */
export function encodeWorkload(workload: Workload): Uint8Array {
  const bytes = encodeCanonical(withoutUndefined(checkWorkload(workloadSchema, workload)));
  if (bytes.length > MAX_WORKLOAD_BYTES) throw tooLarge(bytes.length);
  return bytes;
}

/** @throws SprfError `DEPLOYMENT_INVALID` for anything that {@link encodeWorkload} would not have made */
export function decodeWorkload(bytes: Uint8Array): Workload {
  if (bytes.length > MAX_WORKLOAD_BYTES) throw tooLarge(bytes.length);
  let value: unknown;
  try {
    value = decodeCanonical(bytes);
  } catch (error) {
    throw new SprfError("DEPLOYMENT_INVALID", "the workload is not canonical dag-cbor", { cause: error });
  }
  return checkWorkload(workloadSchema, value);
}

/**
 * The deployment hash: 32 bytes, sha256("sprf/deployment/1" || canonical dag-cbor of the workload).
 *
 * @throws SprfError `DEPLOYMENT_INVALID` for a workload that no node would accept
 */
export function hashDeployment(workload: Workload): Uint8Array {
  return hashEncodedDeployment(encodeWorkload(workload));
}

/** The same of the encoding that {@link decodeWorkload} has accepted. */
export function hashEncodedDeployment(encoded: Uint8Array): Uint8Array {
  return hashWithDomain(DEPLOYMENT_DOMAIN, encoded);
}

/** What `schema` makes of the value. @throws SprfError `DEPLOYMENT_INVALID` naming the first thing that is wrong */
export function checkWorkload<T>(schema: z.ZodType<T, unknown>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const message = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`;
  throw new SprfError("DEPLOYMENT_INVALID", message, { cause: result.error });
}

function tooLarge(size: number): SprfError {
  return new SprfError("DEPLOYMENT_INVALID", `a workload of ${size} bytes; at most ${MAX_WORKLOAD_BYTES} are allowed`);
}
