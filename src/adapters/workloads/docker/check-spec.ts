import { z } from "zod";

import { SprfError } from "../../../errors.ts";
import type { WorkloadSpec } from "../../../ports/workloads.ts";

const MAX_CONTAINERS = 32;
const MAX_PORTS = 64;
const MAX_VOLUMES = 32;
const MAX_VARIABLES = 512;
const MAX_WORDS = 512;
const MAX_TEXT = 32_768;
const MAX_DAY_MS = 86_400_000;
/** Docker takes no less. */
const MIN_MEMORY_BYTES = 6 * 1024 * 1024;
const MIN_CPU_MILLIS = 10;

const name = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, "1 to 32 of a-z, 0-9 and - inside");
/** NUL would cut it short. */
const text = z
  .string()
  .max(MAX_TEXT)
  .regex(/^[^\0]*$/, "without NUL");
const words = z.array(text).max(MAX_WORDS);
const port = z.int().min(1).max(65_535);
const bytes = z.int().positive();

const contractId = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?$/, "1 to 80 of a-z, 0-9 and -");
const image = z
  .string()
  .max(512)
  .regex(/^[a-z0-9][a-zA-Z0-9._:/-]*@sha256:[0-9a-f]{64}$/, "host/repository@sha256:digest");

const containerSchema = z.object({
  name,
  image,
  entrypoint: words.min(1).optional(),
  command: words.optional(),
  environment: z
    .record(
      z
        .string()
        .max(256)
        .regex(/^[^=\0]+$/, "a name without ="),
      text,
    )
    .refine((variables) => Object.keys(variables).length <= MAX_VARIABLES, `at most ${MAX_VARIABLES} variables`),
  cpuMillis: z.int().min(MIN_CPU_MILLIS),
  memoryBytes: z.int().min(MIN_MEMORY_BYTES),
  volumes: z
    .array(
      z.object({
        name,
        path: z
          .string()
          .max(1024)
          .regex(/^\/[^\0:]+$/, "an absolute path without :")
          .refine((path) => !path.split("/").some((part) => part === ".." || part === "."), "a path without . and .."),
        readOnly: z.boolean().optional(),
        sizeBytes: bytes,
      }),
    )
    .max(MAX_VOLUMES),
  ports: z
    .array(
      z.object({
        containerPort: port,
        hostAddress: z.ipv4().refine((address) => !address.startsWith("0."), "an address of the node, no wildcard"),
        hostPort: port,
        protocol: z.enum(["tcp", "udp"]),
      }),
    )
    .max(MAX_PORTS),
  restart: z.enum(["always", "on-failure", "no"]),
  healthCheck: z
    .object({
      command: words.min(1),
      intervalMs: z.int().min(100).max(MAX_DAY_MS),
      timeoutMs: z.int().min(100).max(MAX_DAY_MS),
      retries: z.int().min(1).max(1000),
    })
    .optional(),
  user: z
    .string()
    .regex(/^[a-zA-Z0-9_.-]{1,64}(?::[a-zA-Z0-9_.-]{1,64})?$/, "user or user:group")
    .optional(),
});

const specSchema = z.object({
  contractId,
  deploymentHash: z.string().regex(/^[0-9a-f]{1,128}$/, "lower-case hex"),
  containers: z.array(containerSchema).min(1).max(MAX_CONTAINERS),
});

/**
 * What the wire's schema cannot be trusted to keep from an engine that runs as root.
 *
 * @throws SprfError `INVALID_INPUT`; values are not shown, since they may be secrets
 */
export function checkSpec(spec: WorkloadSpec): void {
  const parsed = specSchema.safeParse(spec);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw refuse(`${issue?.path.join(".") ?? "spec"}: ${issue?.message ?? "is not valid"}`);
  }
  refuseRepeated(
    "container",
    spec.containers.map((container) => container.name),
  );
  refuseRepeated(
    "published port",
    spec.containers.flatMap((container) =>
      container.ports.map((each) => `${each.hostAddress}:${each.hostPort}/${each.protocol}`),
    ),
  );
  const sizes = new Map<string, number>();
  for (const container of spec.containers) {
    refuseRepeated(
      "path of a volume",
      container.volumes.map(({ path }) => path.replaceAll(/\/+/g, "/").replace(/\/$/, "")),
    );
    for (const { name: volume, sizeBytes } of container.volumes) {
      if ((sizes.get(volume) ?? sizeBytes) !== sizeBytes) throw refuse(`volume ${volume} has two sizes`);
      sizes.set(volume, sizeBytes);
    }
  }
}

/** @throws SprfError `INVALID_INPUT` */
export function checkContractId(id: string): void {
  if (!contractId.safeParse(id).success) throw refuse("the contract's id is not 1 to 80 of a-z, 0-9 and -");
}

/** @throws SprfError `INVALID_INPUT` */
export function checkImage(reference: string): void {
  if (!image.safeParse(reference).success) throw refuse("the image is not host/repository@sha256:digest");
}

function refuseRepeated(what: string, values: readonly string[]): void {
  const repeated = values.find((value, at) => values.indexOf(value) !== at);
  if (repeated !== undefined) throw refuse(`${what} ${repeated} is named twice`);
}

function refuse(why: string): SprfError {
  return new SprfError("INVALID_INPUT", `the workload was refused: ${why}`);
}
