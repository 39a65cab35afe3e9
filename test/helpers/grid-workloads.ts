import fc from "fast-check";

import type { WorkloadContainer } from "../../src/wire/grid/container.ts";
import type { DeploymentSecrets } from "../../src/wire/grid/secrets.ts";
import type { Workload } from "../../src/wire/grid/workload.ts";
import { bytesArbitrary, uint64Arbitrary } from "./arbitraries.ts";

export const MIB = 1024n * 1024n;
export const GIB = 1024n * MIB;
export const IMAGE = `registry.example/postgres@sha256:${"ab".repeat(32)}`;

/** A container without anything that is optional. */
export function exampleContainer(changes: Partial<WorkloadContainer> = {}): WorkloadContainer {
  return {
    name: "db",
    image: IMAGE,
    command: [],
    environment: {},
    cpuMillicores: 500,
    memoryBytes: 512n * MIB,
    mounts: [],
    ports: [],
    secrets: [],
    restart: "always",
    ...changes,
  };
}

/** A database with a volume, a published port, a health check and a secret. */
export function exampleWorkload(changes: Partial<Workload> = {}): Workload {
  return {
    version: 1,
    salt: new Uint8Array(16).fill(7),
    containers: [
      exampleContainer({
        command: ["postgres", "-c", "fsync=on"],
        environment: { LANG: "C.UTF-8", PGDATA: "/var/lib/postgresql/data" },
        mounts: [{ volume: "data", path: "/var/lib/postgresql/data", readOnly: false }],
        ports: [{ containerPort: 5432, hostPort: 15_432, protocol: "tcp", address: "loopback" }],
        secrets: [{ secret: "db_password", variable: "POSTGRES_PASSWORD" }],
        health: {
          command: ["pg_isready"],
          intervalMs: 5_000,
          timeoutMs: 2_000,
          retries: 3,
          startPeriodMs: 10_000,
        },
        user: "postgres",
      }),
    ],
    volumes: [{ name: "data", sizeBytes: 10n * GIB, disk: "ssd" }],
    publicIps: 0,
    limits: {
      cruCores: 1,
      sruBytes: 10n * GIB,
      hruBytes: 0n,
      mruBytes: 512n * MIB,
      nruBytesPerHour: 1_000_000_000n,
    },
    secretsHash: new Uint8Array(32).fill(9),
    ...changes,
  };
}

/** The secret that {@link exampleWorkload} uses. */
export function exampleSecrets(): DeploymentSecrets {
  return {
    version: 1,
    blinding: new Uint8Array(16).fill(1),
    creator: new Uint8Array(20).fill(2),
    salt: exampleWorkload().salt,
    values: { db_password: "correct horse" },
  };
}

/** A deployment that only reserves a public IP. */
export function emptyWorkload(changes: Partial<Workload> = {}): Workload {
  return {
    version: 1,
    salt: new Uint8Array(16),
    containers: [],
    volumes: [],
    publicIps: 1,
    limits: { cruCores: 0, sruBytes: 0n, hruBytes: 0n, mruBytes: 0n, nruBytesPerHour: 0n },
    ...changes,
  };
}

const text = fc.string({ unit: "grapheme", maxLength: 12 }).filter((value) => !value.includes("\0"));
const variable = fc.stringMatching(/^[A-JL-Z_][A-Z0-9_]{0,8}$/);

const containerArbitrary = (index: number, volumes: readonly string[]): fc.Arbitrary<WorkloadContainer> =>
  fc
    .record(
      {
        name: fc.constant(`c${index}`),
        image: fc.constant(IMAGE),
        command: fc.array(text, { maxLength: 3 }),
        environment: fc.dictionary(variable, text, { maxKeys: 4, noNullPrototype: true }),
        cpuMillicores: fc.integer({ min: 10, max: 4_000 }),
        memoryBytes: fc.bigInt({ min: 6n * MIB, max: 64n * GIB }),
        mounts: fc.constant(
          volumes.map((volume, item) => ({ volume, path: `/mnt/${item}`, readOnly: (index + item) % 2 === 0 })),
        ),
        ports: fc.uniqueArray(fc.integer({ min: 1, max: 999 }), { maxLength: 3 }).map((numbers) =>
          numbers.map((number) => ({
            containerPort: number,
            hostPort: 1_000 * (index + 1) + number,
            protocol: number % 2 === 0 ? ("udp" as const) : ("tcp" as const),
            address: ([0, "node", "loopback"] as const)[number % 3] ?? "node",
          })),
        ),
        secrets: fc.boolean().map((uses) => (uses ? [{ secret: "key", variable: "KEY" }] : [])),
        restart: fc.constantFrom("no" as const, "on-failure" as const, "always" as const),
        entrypoint: fc.array(text, { minLength: 1, maxLength: 2 }),
        health: fc.record({
          command: fc.array(text, { minLength: 1, maxLength: 2 }),
          intervalMs: fc.integer({ min: 1_000, max: 60_000 }),
          timeoutMs: fc.integer({ min: 1_000, max: 60_000 }),
          retries: fc.integer({ min: 1, max: 9 }),
          startPeriodMs: fc.nat(60_000),
        }),
        user: fc.constantFrom("postgres", "1000:1000"),
      },
      {
        requiredKeys: [
          "name",
          "image",
          "command",
          "environment",
          "cpuMillicores",
          "memoryBytes",
          "mounts",
          "ports",
          "secrets",
          "restart",
        ],
      },
    )
    .map((container) => container as WorkloadContainer);

/** Any workload that the schema takes. */
export const workloadArbitrary: fc.Arbitrary<Workload> = fc
  .record({ containers: fc.integer({ min: 1, max: 3 }), volumes: fc.integer({ min: 0, max: 2 }) })
  .chain((count) => {
    const names = Array.from({ length: count.volumes }, (_, index) => `v${index}`);
    return fc.record({
      salt: bytesArbitrary(16),
      containers: fc.tuple(...Array.from({ length: count.containers }, (_, index) => containerArbitrary(index, names))),
      volumes: fc.tuple(
        ...names.map((name) =>
          fc.record({
            name: fc.constant(name),
            sizeBytes: fc.bigInt({ min: 1n, max: 1_000n * GIB }),
            disk: fc.constantFrom("ssd" as const, "hdd" as const),
          }),
        ),
      ),
      nruBytesPerHour: uint64Arbitrary,
      secretsHash: bytesArbitrary(32),
    });
  })
  .map(({ salt, containers, volumes, nruBytesPerHour, secretsHash }): Workload => {
    const sizeOn = (wanted: string): bigint =>
      volumes.reduce((sum, { disk, sizeBytes }) => (disk === wanted ? sum + sizeBytes : sum), 0n);
    return {
      version: 1,
      salt,
      containers: [...containers],
      volumes: [...volumes],
      publicIps: 1,
      limits: {
        cruCores: Math.ceil(containers.reduce((sum, { cpuMillicores }) => sum + cpuMillicores, 0) / 1_000),
        sruBytes: sizeOn("ssd"),
        hruBytes: sizeOn("hdd"),
        mruBytes: containers.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0n),
        nruBytesPerHour,
      },
      ...(containers.some(({ secrets }) => secrets.length > 0) ? { secretsHash } : {}),
    };
  });
