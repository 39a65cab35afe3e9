import type Docker from "dockerode";

import { SprfError } from "../../../errors.ts";
import { statusOf } from "../../engine/docker/docker-errors.ts";
import { change, read } from "./docker-calls.ts";
import type { Naming } from "./labels.ts";

/** Where the containers of a deployment find each other. */
const INNER = "inner";
/** Where they reach the world and the world their published ports. */
const EDGE = "edge";
const SUBNET_BITS = 26;
const MAX_TRIES = 16;

/** Docker's own pools hold some thirty networks; a node runs more deployments than that. */
export interface SubnetPool {
  /** First address, such as `10.213.0.0`. */
  readonly base: string;
  /** Length of its prefix. */
  readonly bits: number;
}

/** The two networks of a deployment, by name: ports can be taken from one container and given to another at the edge. */
export interface DeploymentNetworks {
  readonly inner: string;
  readonly edge: string;
}

export function networksOf(naming: Naming, contractId: string): DeploymentNetworks {
  return { inner: naming.of(contractId, INNER), edge: naming.of(contractId, EDGE) };
}

/** Makes what is missing of the deployment's networks. */
export async function ensureNetworks(
  docker: Docker,
  { naming, contractId, pool }: { naming: Naming; contractId: string; pool: SubnetPool },
): Promise<DeploymentNetworks> {
  const names = networksOf(naming, contractId);
  const listed = await read(docker.listNetworks(), "the networks cannot be listed");
  for (const kind of [INNER, EDGE] as const) {
    if (listed.some(({ Name: name }) => name === names[kind])) continue;
    const taken = listed.flatMap(({ IPAM: ipam }) => ipam?.Config ?? []).map(({ Subnet: subnet }) => subnet);
    const subnet = await createNetwork(docker, { name: names[kind], kind, naming, contractId, pool, taken });
    listed.push({ Name: names[kind], IPAM: { Config: [{ Subnet: subnet }] } } as Docker.NetworkInspectInfo);
  }
  return names;
}

async function createNetwork(
  docker: Docker,
  init: {
    name: string;
    kind: typeof INNER | typeof EDGE;
    naming: Naming;
    contractId: string;
    pool: SubnetPool;
    taken: readonly (string | undefined)[];
  },
): Promise<string> {
  let tries = 0;
  for (const subnet of subnetsOf(init.pool)) {
    if (init.taken.includes(subnet)) continue;
    if (++tries > MAX_TRIES) break;
    const created = docker.createNetwork({
      Name: init.name,
      CheckDuplicate: true,
      Driver: "bridge",
      Internal: init.kind === INNER,
      EnableIPv6: false,
      IPAM: { Driver: "default", Config: [{ Subnet: subnet }] },
      Labels: init.naming.labels(init.contractId),
      Options: { "com.docker.network.bridge.name": init.naming.bridge(init.contractId, init.kind) },
    });
    try {
      await change(created, "the network cannot be made");
      return subnet;
    } catch (error) {
      // Another network, of a deployment made meanwhile or of somebody else, overlaps with it.
      const { cause } = error as Error;
      if (statusOf(cause) !== 403 || !/overlaps/.test(String(cause))) throw error;
    }
  }
  throw new SprfError("ENGINE_FAILED", `no subnet of ${init.pool.base}/${init.pool.bits} is free for a deployment`);
}

function* subnetsOf({ base, bits }: SubnetPool): Generator<string> {
  const first = base.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - SUBNET_BITS);
  for (let at = first; at < first + 2 ** (32 - bits); at += size) {
    yield `${[24, 16, 8, 0].map((shift) => Math.floor(at / 2 ** shift) % 256).join(".")}/${SUBNET_BITS}`;
  }
}

/** Removes all networks of a contract, whatever is still connected to them. */
export async function removeNetworks(docker: Docker, naming: Naming, contractId: string): Promise<void> {
  const listed = await read(
    docker.listNetworks({ filters: naming.filters(contractId) }),
    "the networks cannot be listed",
  );
  for (const { Id: id } of listed) {
    const network = docker.getNetwork(id);
    const cannot = "a network cannot be removed";
    try {
      await change(network.remove(), cannot, { fine: [404] });
    } catch (error) {
      if (statusOf((error as Error).cause) !== 403) throw error;
      // Docker may keep an end of a container that is gone, or of one that it failed to connect.
      const { Containers: ends } = (await read(network.inspect(), cannot)) as { Containers?: Record<string, unknown> };
      for (const end of Object.keys(ends ?? {})) {
        const container = end.replace(/^ep-/, "");
        await change(network.disconnect({ Container: container, Force: true }), cannot, { fine: [404] });
      }
      await change(network.remove(), cannot, { fine: [404] });
    }
  }
}
