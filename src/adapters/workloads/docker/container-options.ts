import type Docker from "dockerode";

import type { WorkloadContainer } from "../../../ports/workloads.ts";

/**
 * What servers that start as root and go on as somebody else need, such as databases and nginx. Nothing that reaches out of a
 * container: no raw packets, no devices, no mounts, no other's memory.
 */
const CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"];
const PROCESSES = 1024;
const LOG_FILE_SIZE = "10m";
const LOG_FILES = "2";
const NANOSECONDS = 1_000_000;

/** How long a container may take to end by itself. */
export const STOP_SECONDS = 10;

export interface ContainerInit {
  readonly labels: Readonly<Record<string, string>>;
  /** Where it finds the others. */
  readonly network: string;
  /** The volume on the engine, by name in the workload. */
  readonly volumeNames: ReadonlyMap<string, string>;
  /** A runtime other than the engine's own, such as `runsc`. */
  readonly runtime: string | undefined;
}

/** A container with limits on memory (without swap), CPU, processes and its log, and few privileges. */
export function containerOptions(container: WorkloadContainer, init: ContainerInit): Docker.ContainerCreateOptions {
  const { healthCheck: check, memoryBytes } = container;
  return {
    Image: container.image,
    Labels: { ...init.labels },
    Hostname: container.name,
    Env: Object.entries(container.environment).map(([name, value]) => `${name}=${value}`),
    ...(container.entrypoint === undefined ? {} : { Entrypoint: [...container.entrypoint] }),
    ...(container.command === undefined ? {} : { Cmd: [...container.command] }),
    ...(container.user === undefined ? {} : { User: container.user }),
    ExposedPorts: Object.fromEntries(container.ports.map((port) => [`${port.containerPort}/${port.protocol}`, {}])),
    StopTimeout: STOP_SECONDS,
    // The image's own check is not what the user asked for.
    Healthcheck:
      check === undefined
        ? { Test: ["NONE"] }
        : {
            Test: ["CMD", ...check.command],
            Interval: check.intervalMs * NANOSECONDS,
            Timeout: check.timeoutMs * NANOSECONDS,
            Retries: check.retries,
          },
    NetworkingConfig: { EndpointsConfig: { [init.network]: { Aliases: [container.name] } } },
    HostConfig: {
      NetworkMode: init.network,
      PortBindings: portBindings(container),
      Mounts: container.volumes.map((volume) => ({
        Type: "volume",
        Source: init.volumeNames.get(volume.name) ?? volume.name,
        Target: volume.path,
        ReadOnly: volume.readOnly ?? false,
      })),
      CapDrop: ["ALL"],
      CapAdd: CAPABILITIES,
      SecurityOpt: ["no-new-privileges"],
      Privileged: false,
      Memory: memoryBytes,
      MemorySwap: memoryBytes,
      // Counted as the container's memory; databases want more than Docker's 64 MiB.
      ShmSize: Math.floor(memoryBytes / 2),
      NanoCpus: container.cpuMillis * NANOSECONDS,
      PidsLimit: PROCESSES,
      // Open files stay at the engine's limit: one above it would keep containers from starting.
      Ulimits: [{ Name: "core", Soft: 0, Hard: 0 }],
      LogConfig: { Type: "local", Config: { "max-size": LOG_FILE_SIZE, "max-file": LOG_FILES } },
      RestartPolicy: restartPolicy(container.restart),
      ...(init.runtime === undefined ? {} : { Runtime: init.runtime }),
    },
  };
}

/** Docker's `always` would start a paused container when the engine restarts. */
export function restartPolicy(restart: WorkloadContainer["restart"]): Docker.HostRestartPolicy {
  return { Name: restart === "always" ? "unless-stopped" : restart, MaximumRetryCount: 0 };
}

function portBindings(container: WorkloadContainer): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { containerPort, protocol, hostAddress, hostPort } of container.ports) {
    (bindings[`${containerPort}/${protocol}`] ??= []).push({ HostIp: hostAddress, HostPort: String(hostPort) });
  }
  return bindings;
}
