import type { Workload } from "../../wire/grid/workload.ts";

/** A port of the node on which a container is reached. */
export interface HostPort {
  /** IPv4 or IPv6 of the node. */
  readonly address: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
}

/** A container's port and the node's. */
export interface PublishedHostPort extends HostPort {
  readonly container: string;
  readonly containerPort: number;
}

/** Addresses of a node on which deployments publish. */
export interface NodeAddresses {
  readonly loopback: string;
  readonly node: string;
}

/**
 * Where the ports of a workload are published, given the contract's reserved IPs in their order; undefined when it names one that
 * the contract has not.
 */
export function hostPortsOf(
  { containers }: Pick<Workload, "containers">,
  addresses: NodeAddresses,
  publicIps: readonly string[],
): readonly PublishedHostPort[] | undefined {
  const ports: PublishedHostPort[] = [];
  for (const container of containers) {
    for (const { containerPort, hostPort, protocol, address } of container.ports) {
      const resolved = typeof address === "number" ? publicIps[address] : addresses[address];
      if (resolved === undefined) return undefined;
      ports.push({ address: resolved, port: hostPort, protocol, container: container.name, containerPort });
    }
  }
  return ports;
}

/** A port that both want; undefined when there is none. On one node `loopback` and `node` may be the same address. */
export function firstConflict(wanted: readonly HostPort[], taken: readonly HostPort[]): HostPort | undefined {
  const names = new Set(taken.map(nameOf));
  for (const port of wanted) {
    if (names.has(nameOf(port))) return port;
    names.add(nameOf(port));
  }
  return undefined;
}

function nameOf({ address, port, protocol }: HostPort): string {
  return `${address} ${port}/${protocol}`;
}
