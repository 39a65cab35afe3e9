import { z } from "zod";

import {
  MAX_HEALTH_MS,
  MAX_CORES,
  MAX_MOUNTS,
  MAX_PORTS,
  MAX_PUBLIC_IPS,
  MAX_SECRETS,
  MAX_SIZE_BYTES,
  MAX_VARIABLES,
  MAX_WORDS,
  MIN_MEMORY_BYTES,
  MIN_MILLICORES,
} from "./limits.ts";
import {
  imageReferenceSchema,
  labelSchema,
  pathSchema,
  portSchema,
  recordOf,
  secretNameSchema,
  textSchema,
  userSchema,
  variableSchema,
} from "./text.ts";

const wordsSchema = z.array(textSchema).max(MAX_WORDS);

const environmentSchema = recordOf(variableSchema, textSchema).refine(
  (variables) => Object.keys(variables).length <= MAX_VARIABLES,
  { error: `expected at most ${MAX_VARIABLES} variables` },
);

const mountSchema = z.strictObject({
  /** Name of a volume of the deployment. */
  volume: labelSchema,
  path: pathSchema,
  readOnly: z.boolean(),
});

/** Where a port is published: on the node's loopback, on its own address, or on the n-th public IP of the contract. */
const publishedAddressSchema = z.union([
  z.enum(["loopback", "node"]),
  z
    .int()
    .min(0)
    .max(MAX_PUBLIC_IPS - 1),
]);

const publishedPortSchema = z.strictObject({
  containerPort: portSchema,
  hostPort: portSchema,
  protocol: z.enum(["tcp", "udp"]),
  address: publishedAddressSchema,
});

/** A secret that a container gets as a variable. */
const secretUseSchema = z.strictObject({ secret: secretNameSchema, variable: variableSchema });

const healthSchema = z.strictObject({
  /** Run in the container; healthy when it exits with 0. */
  command: wordsSchema.min(1),
  intervalMs: z.int().min(1_000).max(MAX_HEALTH_MS),
  timeoutMs: z.int().min(1_000).max(MAX_HEALTH_MS),
  retries: z.int().min(1).max(100),
  /** Failures so soon after the start do not count. */
  startPeriodMs: z.int().min(0).max(MAX_HEALTH_MS),
});

/** One container; `uint64` is how the encoding at hand writes large integers. */
export function containerSchemaOf(uint64: z.ZodType<bigint, unknown>) {
  return z.strictObject({
    /** The others reach it by this name. */
    name: labelSchema,
    image: imageReferenceSchema,
    /** Absent: the image's own. */
    entrypoint: wordsSchema.min(1).optional(),
    /** Empty: the image's own, when the entrypoint is the image's own too. */
    command: wordsSchema,
    environment: environmentSchema,
    cpuMillicores: z
      .int()
      .min(MIN_MILLICORES)
      .max(MAX_CORES * 1_000),
    memoryBytes: uint64.refine((bytes) => bytes >= MIN_MEMORY_BYTES && bytes <= MAX_SIZE_BYTES, {
      error: `expected at least ${MIN_MEMORY_BYTES} bytes, and at most ${MAX_SIZE_BYTES}`,
    }),
    mounts: z.array(mountSchema).max(MAX_MOUNTS),
    ports: z.array(publishedPortSchema).max(MAX_PORTS),
    secrets: z.array(secretUseSchema).max(MAX_SECRETS),
    restart: z.enum(["no", "on-failure", "always"]),
    /** Absent: healthy as soon as it runs. */
    health: healthSchema.optional(),
    /** Absent: the image's own. */
    user: userSchema.optional(),
  });
}

/** One container of a workload. */
export type WorkloadContainer = z.output<ReturnType<typeof containerSchemaOf>>;
/** A port of a container and where the node publishes it. */
export type PublishedPort = z.output<typeof publishedPortSchema>;
