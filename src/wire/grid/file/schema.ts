import { z } from "zod";

import { labelSchema, recordOf, secretNameSchema, variableSchema } from "../text.ts";

const number = z.union([z.string(), z.number()], { error: "expected a number" });
const size = z.union([z.string(), z.number()], { error: "expected a size such as 512M or 10GiB" });
const duration = z.string("expected a duration such as 1m30s");
const words = z.array(z.string("expected text"), { error: "expected a list of words: no shell splits them here" });

const value = z.union([z.string(), z.number(), z.boolean()], {
  error: "expected a value: variables of your machine are not read",
});
const environment = z.union(
  [
    recordOf(variableSchema, value),
    z.array(z.string().regex(/^[^=]+=/, "expected NAME=value: variables of your machine are not read")),
  ],
  { error: "expected NAME: value, or a list of NAME=value" },
);

const port = z.union(
  [
    z.string(),
    z.strictObject({
      target: number,
      published: number,
      host_ip: z.string().optional(),
      protocol: z.enum(["tcp", "udp"]).optional(),
    }),
  ],
  { error: 'expected "[address:]host:container[/udp]", or target and published, with host_ip and protocol if need be' },
);

const mount = z.union(
  [
    z.string(),
    z.strictObject({
      type: z.literal("volume"),
      source: z.string(),
      target: z.string(),
      read_only: z.boolean().optional(),
    }),
  ],
  { error: "expected volume:/path[:ro], or type: volume with source, target and read_only" },
);

const healthcheck = z.strictObject({
  test: z.union([z.string(), z.array(z.string()).min(1)], { error: "expected a command" }),
  interval: duration.optional(),
  timeout: duration.optional(),
  retries: number.optional(),
  start_period: duration.optional(),
});

const NEEDS_LIMITS = { error: "expected deploy.resources.limits with cpus and memory: they are what is paid for" };
const limits = z.strictObject({ cpus: number, memory: size }, NEEDS_LIMITS);

const service = z.strictObject({
  image: z.string("expected an image by its digest: name@sha256:..."),
  entrypoint: words.optional(),
  command: words.optional(),
  environment: environment.optional(),
  ports: z.array(port).optional(),
  volumes: z.array(mount).optional(),
  deploy: z.strictObject({ resources: z.strictObject({ limits }, NEEDS_LIMITS) }, NEEDS_LIMITS),
  healthcheck: healthcheck.optional(),
  restart: z.enum(["no", "on-failure", "always", "unless-stopped"]).optional(),
  user: number.optional(),
  /** Variables and the secrets that they get. */
  "x-sprf-secrets": recordOf(variableSchema, secretNameSchema).optional(),
});

const NEEDS_SIZE = { error: "expected driver_opts with a size" };
const volume = z.strictObject(
  { driver_opts: z.strictObject({ size, disk: z.enum(["ssd", "hdd"]).optional() }, NEEDS_SIZE) },
  NEEDS_SIZE,
);

const secret = z.union([z.strictObject({ environment: z.string() }), z.strictObject({ file: z.string() })], {
  error: "expected environment or file: where its value is on your machine",
});

/** A workload as a user writes it: a Compose file of what a node can do. Numbers are text by the time this sees them. */
export const workloadFileSchema = z.strictObject({
  /** The user's own name for the deployment. */
  name: labelSchema.optional(),
  services: recordOf(z.string(), service).optional(),
  volumes: recordOf(z.string(), volume).optional(),
  secrets: recordOf(secretNameSchema, secret).optional(),
  "x-sprf": z
    .strictObject({
      public_ips: number.optional(),
      /** Traffic that the node may bill for an hour. */
      traffic_per_hour: size.optional(),
    })
    .optional(),
});

export type FileContent = z.output<typeof workloadFileSchema>;
export type FileService = z.output<typeof service>;

/** The JSON schema of workload files (docs/spec/workload-file.schema.json), for editors. */
export function workloadFileJsonSchema(): object {
  return { title: "SPRF workload file", ...z.toJSONSchema(workloadFileSchema, { io: "output", reused: "ref" }) };
}
