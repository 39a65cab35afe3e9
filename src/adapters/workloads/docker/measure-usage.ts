import type Docker from "dockerode";
import { lstat } from "node:fs/promises";

import type { ContainerUsage, DiskUsage } from "../../../ports/workloads.ts";
import { statusOf } from "../../engine/docker/docker-errors.ts";
import { read } from "./docker-calls.ts";
import type { ContractContainer } from "./find-containers.ts";
import { type FoundVolume, measureVolumes } from "./volumes.ts";

const MAX_LOOKS = 3;
/** An option that dockerode passes on and its types do not know. */
const WITH_SIZE = { size: true } as Docker.ContainerInspectOptions;

/** What a running container has used since its start; undefined when it does not run. */
export async function measureContainer(
  container: Docker.Container,
  name: string,
  signal?: AbortSignal,
): Promise<ContainerUsage | undefined> {
  const cannot = `the usage of container ${name} cannot be read`;
  try {
    let identity = await identify(container, cannot, signal);
    for (let look = 0; look < MAX_LOOKS && identity !== undefined; look++) {
      // One shot: Docker would wait for the difference to a second sample. It may still answer with that of its next second.
      const stats = await read(container.stats({ stream: false, "one-shot": true }), cannot, signal);
      const after = await identify(container, cannot, signal);
      // Counters of one start under the identity of another would be billed twice.
      if (after === identity) return { name, identity, ...countersOf(stats) };
      identity = after;
    }
    return undefined;
  } catch (error) {
    const status = statusOf((error as Error).cause);
    if (status === 404 || status === 409) return undefined;
    throw error;
  }
}

async function identify(
  container: Docker.Container,
  cannot: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { Id: id, State: state } = await read(container.inspect(), cannot, signal);
  return state.Running ? `${id}@${state.StartedAt}` : undefined;
}

/** What Docker leaves out of the statistics of a container that has just ended is 0. */
interface Stats {
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats?: {
    readonly usage?: number;
    readonly stats?: { readonly inactive_file?: number; readonly total_inactive_file?: number };
  };
  readonly networks?: Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>>;
}

function countersOf(stats: Stats): Omit<ContainerUsage, "name" | "identity"> {
  const memory = stats.memory_stats;
  // As `docker stats` counts: the first is named so by cgroup v1, the second by v2.
  const reclaimable = memory?.stats?.total_inactive_file ?? memory?.stats?.inactive_file ?? 0;
  const networks = Object.values(stats.networks ?? {});
  return {
    cpuNanoseconds: BigInt(stats.cpu_stats?.cpu_usage?.total_usage ?? 0),
    memoryBytes: Math.max(0, (memory?.usage ?? 0) - reclaimable),
    receivedBytes: networks.reduce((sum, each) => sum + BigInt(each.rx_bytes), 0n),
    sentBytes: networks.reduce((sum, each) => sum + BigInt(each.tx_bytes), 0n),
  };
}

/** Disk that containers and volumes of one deployment take. */
export async function measureDisk(
  docker: Docker,
  containers: readonly ContractContainer[],
  volumes: readonly FoundVolume[],
  { writableBytes, signal }: { readonly writableBytes: number; readonly signal?: AbortSignal | undefined },
): Promise<DiskUsage[]> {
  const limits = new Map(containers.flatMap(({ label }) => label.volumes).map((each) => [each.name, each.sizeBytes]));
  const sizes = await measureVolumes(docker, volumes, signal);
  const ofVolumes = volumes.map(({ id, name }): DiskUsage => {
    return { kind: "volume", name, bytes: sizes.get(id) ?? 0, limitBytes: limits.get(name) };
  });
  const ofContainers: DiskUsage[] = [];
  for (const { id, label } of containers) {
    const cannot = `the size of container ${label.name} cannot be read`;
    const asked = docker.getContainer(id).inspect(WITH_SIZE) as Promise<SizedContainer>;
    const sized = await read(asked, cannot, signal);
    const bytes = (sized.SizeRw ?? 0) + (await sizeOfOwnFiles(sized));
    ofContainers.push({ kind: "container", name: label.name, bytes, limitBytes: writableBytes });
  }
  return [...ofVolumes, ...ofContainers];
}

type SizedContainer = Docker.ContainerInspectInfo & { readonly SizeRw?: number };

/** Files that Docker lends to a container from its own folder: root in there may write to them, and Docker does not count it. */
async function sizeOfOwnFiles({ HostsPath, HostnamePath, ResolvConfPath }: SizedContainer): Promise<number> {
  const found = await Promise.all(
    [HostsPath, HostnamePath, ResolvConfPath].map(async (path) => await lstat(path).catch(() => undefined)),
  );
  return found.reduce((sum, stats) => sum + (stats?.size ?? 0), 0);
}
