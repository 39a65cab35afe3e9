import type { PublishedHostPort } from "../domain/grid/host-ports.ts";
import type { WorkloadContainer, WorkloadSpec } from "../ports/workloads.ts";
import type { WorkloadContainer as WireContainer } from "../wire/grid/container.ts";
import type { Workload } from "../wire/grid/workload.ts";
import { toHex } from "../utils/bytes.ts";

/** Docker takes no less. */
const MIN_CPU_MILLIS = 10;

export interface SpecParts {
  readonly contractId: number;
  readonly deploymentHash: Uint8Array;
  readonly ports: readonly PublishedHostPort[];
  /** By name, opened. */
  readonly secrets: ReadonlyMap<string, string>;
}

/** What the container engine is to run for a workload. */
export function workloadSpecOf(workload: Workload, parts: SpecParts): WorkloadSpec {
  return {
    contractId: parts.contractId.toString(),
    deploymentHash: toHex(parts.deploymentHash),
    containers: workload.containers.map((container) => containerOf(container, workload, parts)),
  };
}

function containerOf(
  container: WireContainer,
  { volumes }: Workload,
  { ports, secrets }: SpecParts,
): WorkloadContainer {
  const { name, image, entrypoint, command, environment, cpuMillicores, memoryBytes, mounts, restart, health, user } =
    container;
  return {
    name,
    image,
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(command.length === 0 ? {} : { command }),
    environment: {
      ...environment,
      ...Object.fromEntries(container.secrets.map(({ secret, variable }) => [variable, secrets.get(secret) ?? ""])),
    },
    cpuMillis: Math.max(MIN_CPU_MILLIS, cpuMillicores),
    memoryBytes: Number(memoryBytes),
    volumes: mounts.map(({ volume, path, readOnly }) => ({
      name: volume,
      path,
      readOnly,
      sizeBytes: Number(volumes.find((each) => each.name === volume)?.sizeBytes ?? 0n),
    })),
    ports: ports
      .filter((port) => port.container === name)
      .map(({ containerPort, address, port, protocol }) => ({
        containerPort,
        hostAddress: address,
        hostPort: port,
        protocol,
      })),
    restart,
    ...(health === undefined ? {} : { healthCheck: healthOf(health) }),
    ...(user === undefined ? {} : { user }),
  };
}

/** The engine's checks know no time in which failures do not count, so there may be more of them. */
function healthOf(health: NonNullable<WireContainer["health"]>): NonNullable<WorkloadContainer["healthCheck"]> {
  const { command, intervalMs, timeoutMs, retries, startPeriodMs } = health;
  const more = Math.ceil(startPeriodMs / intervalMs);
  return { command, intervalMs, timeoutMs, retries: Math.min(1_000, retries + more) };
}
