import { createHash } from "node:crypto";
import { z } from "zod";

import type { WorkloadContainer } from "../../../ports/workloads.ts";

/** Whose it is, so that two nodes may share a Docker Engine. */
const LABEL_OWNER = "sprf.grid.owner";
const LABEL_CONTRACT = "sprf.grid.contract";
export const LABEL_HASH = "sprf.grid.hash";
export const LABEL_CONTAINER = "sprf.grid.container";
export const LABEL_VOLUME = "sprf.grid.volume";

const FINGERPRINT_IN_NAME = 12;

/** What later calls need to know of a container, kept with it: a node may forget everything and begin anew from Docker. */
const containerLabelSchema = z.object({
  name: z.string(),
  /** Of all that was asked of it. */
  fingerprint: z.string(),
  /** Later ones of a deployment have higher numbers. */
  generation: z.int(),
  /** In the list of containers, which is the order in which they start. */
  position: z.int(),
  restart: z.enum(["always", "on-failure", "no"]),
  /** `address:port/protocol` on the node. */
  ports: z.array(z.string()),
  volumes: z.array(z.object({ name: z.string(), sizeBytes: z.number() })),
});

export type ContainerLabel = z.infer<typeof containerLabelSchema>;

/** @returns undefined when somebody else wrote it */
export function parseContainerLabel(text: string | undefined): ContainerLabel | undefined {
  try {
    return containerLabelSchema.parse(JSON.parse(text ?? ""));
  } catch {
    return undefined;
  }
}

export function containerLabelOf(
  container: WorkloadContainer,
  { generation, position }: Pick<ContainerLabel, "generation" | "position">,
): ContainerLabel {
  return {
    name: container.name,
    fingerprint: fingerprintOf(container),
    generation,
    position,
    restart: container.restart,
    ports: container.ports.map((port) => `${port.hostAddress}:${port.hostPort}/${port.protocol}`),
    volumes: container.volumes.map(({ name, sizeBytes }) => ({ name, sizeBytes })),
  };
}

/** Equal for two containers exactly when they were asked for alike. 64 hex digits. */
export function fingerprintOf(container: WorkloadContainer): string {
  const { name, image, entrypoint, command, cpuMillis, memoryBytes, restart, healthCheck: check, user } = container;
  const content = [
    [name, image, entrypoint ?? null, command ?? null, cpuMillis, memoryBytes, restart, user ?? null],
    Object.entries(container.environment).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    // What may be written has nothing more, so that a container from before there were others is not made anew.
    container.volumes.map((volume) =>
      [volume.name, volume.path, volume.sizeBytes].concat(volume.readOnly === true ? "ro" : []),
    ),
    container.ports.map((port) => [port.containerPort, port.hostAddress, port.hostPort, port.protocol]),
    check === undefined ? null : [check.command, check.intervalMs, check.timeoutMs, check.retries],
  ];
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

/** Names and labels of all that one node makes on a Docker Engine. Names are fixed, so that nothing is made twice. */
export class Naming {
  readonly owner: string;

  constructor(owner: string) {
    this.owner = owner;
  }

  /** Selects what this node made, of one contract or of all. */
  filters(contractId?: string): { label: string[] } {
    const ofContract = contractId === undefined ? [] : [`${LABEL_CONTRACT}=${contractId}`];
    return { label: [`${LABEL_OWNER}=${this.owner}`, ...ofContract] };
  }

  labels(contractId: string): Record<string, string> {
    return { [LABEL_OWNER]: this.owner, [LABEL_CONTRACT]: contractId };
  }

  contractOf(labels: Readonly<Record<string, string>>): string {
    return labels[LABEL_CONTRACT] ?? "";
  }

  /** Of a network, a volume, or the start of a container's name. */
  of(contractId: string, name: string): string {
    return `sprf-${this.owner}-${contractId}-${name}`;
  }

  container(contractId: string, { name, fingerprint }: ContainerLabel): string {
    return `${this.of(contractId, name)}-${fingerprint.slice(0, FINGERPRINT_IN_NAME)}`;
  }

  /** The kernel takes 15 bytes at most; all begin with `sprf`, so that one firewall rule covers them. */
  bridge(contractId: string, network: string): string {
    const digest = createHash("sha256").update(this.of(contractId, network)).digest("hex");
    return `${BRIDGE_PREFIX}${digest.slice(0, 11)}`;
  }
}

/** What the interfaces of all deployments' networks on the node begin with. */
export const BRIDGE_PREFIX = "sprf";
