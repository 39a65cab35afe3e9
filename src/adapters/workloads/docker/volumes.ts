import type Docker from "dockerode";
import { lstat, readdir } from "node:fs/promises";

import { throwIfAborted } from "../../../utils/abort.ts";
import { change, read } from "./docker-calls.ts";
import { LABEL_VOLUME, type Naming } from "./labels.ts";

const SLASH = Buffer.from("/");
const BLOCK_BYTES = 512;

export interface FoundVolume {
  /** In the workload. */
  readonly name: string;
  /** On the engine. */
  readonly id: string;
  readonly contractId: string;
  readonly mountpoint: string;
}

/** Makes what is missing; @returns what was made now */
export async function ensureVolumes(
  docker: Docker,
  { naming, contractId, names }: { naming: Naming; contractId: string; names: readonly string[] },
): Promise<string[]> {
  const there = new Set((await findVolumes(docker, naming, { contractId })).map(({ name }) => name));
  const made: string[] = [];
  for (const name of names) {
    if (there.has(name)) continue;
    const labels = { ...naming.labels(contractId), [LABEL_VOLUME]: name };
    await change(docker.createVolume({ Name: volumeId(naming, contractId, name), Labels: labels }), "no volume");
    made.push(name);
  }
  return made;
}

export function volumeId(naming: Naming, contractId: string, name: string): string {
  return naming.of(contractId, `volume-${name}`);
}

export async function findVolumes(
  docker: Docker,
  naming: Naming,
  { contractId, signal }: { contractId?: string | undefined; signal?: AbortSignal | undefined } = {},
): Promise<FoundVolume[]> {
  const asked = docker.listVolumes({ filters: naming.filters(contractId) });
  const { Volumes: volumes } = await read(asked, "the volumes cannot be listed", signal);
  // Docker says null when there are none.
  return ((volumes as typeof volumes | null) ?? []).map(({ Name: id, Labels: labels, Mountpoint: mountpoint }) => ({
    id,
    mountpoint,
    name: labels[LABEL_VOLUME] ?? id,
    contractId: naming.contractOf(labels),
  }));
}

export async function removeVolumes(
  docker: Docker,
  { naming, contractId, names }: { naming: Naming; contractId: string; names?: readonly string[] },
): Promise<void> {
  for (const { id, name } of await findVolumes(docker, naming, { contractId })) {
    if (names !== undefined && !names.includes(name)) continue;
    await change(docker.getVolume(id).remove(), "a volume cannot be removed", { fine: [404] });
  }
}

/**
 * Bytes that each volume takes on disk, by its id on the engine. Docker itself can only be asked for all volumes, images and
 * containers of the machine at once, so it is asked only when this process may not look for itself.
 */
export async function measureVolumes(
  docker: Docker,
  volumes: readonly FoundVolume[],
  signal?: AbortSignal,
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  try {
    for (const { id, mountpoint } of volumes) {
      await readdir(mountpoint);
      sizes.set(id, await measureTree(mountpoint, signal));
    }
    return sizes;
  } catch {
    throwIfAborted(signal);
    const asked = docker.df() as Promise<{ Volumes?: Docker.VolumeInspectInfo[] | null }>;
    const { Volumes: known } = await read(asked, "the disk's usage cannot be read", signal);
    return new Map((known ?? []).map(({ Name: id, UsageData: data }) => [id, Math.max(0, data?.Size ?? 0)]));
  }
}

/** Fails only when aborted: the workload changes the tree meanwhile. Names are bytes, since a workload may choose any. */
async function measureTree(root: string, signal: AbortSignal | undefined): Promise<number> {
  const linked = new Set<string>();
  const waiting: Buffer[] = [Buffer.from(root)];
  let bytes = 0;
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    throwIfAborted(signal);
    for (const name of await readdir(path, { encoding: "buffer" }).catch(() => [])) {
      const child = Buffer.concat([path, SLASH, name]);
      const stats = await lstat(child).catch(() => undefined);
      if (stats === undefined) continue;
      if (stats.isDirectory()) waiting.push(child);
      else if (stats.nlink > 1) {
        const inode = `${stats.dev}:${stats.ino}`;
        if (linked.has(inode)) continue;
        linked.add(inode);
      }
      // What is allocated, not what is claimed: a sparse file takes no disk.
      bytes += stats.blocks * BLOCK_BYTES;
    }
  }
  return bytes;
}
