import { stringify } from "yaml";

import type { PublishedPort, WorkloadContainer } from "../container.ts";
import type { Workload } from "../workload.ts";

/**
 * A workload as a file that `readWorkloadFile` reads back as the same draft. Values of secrets are not in it: `secretFiles` says in
 * which file each is kept.
 */
export function writeWorkloadFile(
  { name, workload }: { readonly name?: string | undefined; readonly workload: Omit<Workload, "salt" | "secretsHash"> },
  { secretFiles = new Map() }: { readonly secretFiles?: ReadonlyMap<string, string> } = {},
): string {
  const { containers, volumes, publicIps, limits } = workload;
  const file = {
    ...(name === undefined ? {} : { name }),
    services: Object.fromEntries(containers.map((container) => [container.name, serviceOf(container)])),
    volumes: Object.fromEntries(
      volumes.map(({ name: volume, sizeBytes, disk }) => [volume, { driver_opts: { size: `${sizeBytes}b`, disk } }]),
    ),
    secrets: Object.fromEntries([...secretFiles].map(([secret, path]) => [secret, { file: path }])),
    "x-sprf": { public_ips: publicIps, traffic_per_hour: sizeOf(limits.nruBytesPerHour) },
  };
  return stringify(withDollars(withoutEmpty(file)), { lineWidth: 0, aliasDuplicateObjects: false });
}

function serviceOf(container: WorkloadContainer): object {
  const { health } = container;
  return {
    image: container.image,
    entrypoint: container.entrypoint,
    command: container.command,
    environment: container.environment,
    ports: container.ports.map(portOf),
    volumes: container.mounts.map(({ volume, path, readOnly }) => ({
      type: "volume",
      source: volume,
      target: path,
      read_only: readOnly,
    })),
    deploy: {
      resources: {
        limits: { cpus: (container.cpuMillicores / 1_000).toFixed(3), memory: `${container.memoryBytes}b` },
      },
    },
    healthcheck:
      health === undefined
        ? undefined
        : {
            test: ["CMD", ...health.command],
            interval: `${health.intervalMs}ms`,
            timeout: `${health.timeoutMs}ms`,
            retries: health.retries,
            start_period: `${health.startPeriodMs}ms`,
          },
    restart: container.restart,
    user: container.user,
    "x-sprf-secrets": Object.fromEntries(container.secrets.map(({ variable, secret }) => [variable, secret])),
  };
}

function portOf({ containerPort, hostPort, protocol, address }: PublishedPort): object {
  const on = address === "node" ? {} : { host_ip: address === "loopback" ? "127.0.0.1" : `public-${address}` };
  return { target: containerPort, published: hostPort, ...on, protocol };
}

/** Sizes have 15 digits at most in a file, so large ones are in larger units where that is exact. */
function sizeOf(bytes: bigint): string {
  const units = ["b", "k", "m", "g", "t"];
  let [amount, unit] = [bytes, 0];
  while (unit < units.length - 1 && amount > 0n && amount % 1_024n === 0n) {
    amount /= 1_024n;
    unit += 1;
  }
  return `${amount}${units[unit] ?? "b"}`;
}

/** Lists and maps that say nothing are left out, as a person would. */
function withoutEmpty(value: object): object {
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, field]: [string, unknown]) => {
      if (field === undefined) return [];
      if (Array.isArray(field)) return field.length === 0 ? [] : [[key, field]];
      if (field === null || typeof field !== "object") return [[key, field]];
      // A service without anything is one all the same.
      return Object.keys(field).length === 0 ? [] : [[key, withoutEmpty(field)]];
    }),
  );
}

/** A dollar sign stands for a variable in such a file, so each is written twice. */
function withDollars(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("$", "$$$$");
  if (Array.isArray(value)) return value.map(withDollars);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, withDollars(field)]));
}
