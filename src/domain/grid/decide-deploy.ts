import { equalBytes } from "../../utils/bytes.ts";
import type { ReceivedBody } from "../../wire/grid/deployment-body.ts";
import type { GridRequest } from "../../wire/grid/messages.ts";
import type { GridRefusal } from "../../wire/grid/refusals.ts";
import type { WorkloadLimits } from "../../wire/grid/workload.ts";
import type { ContractFacts } from "./contract-facts.ts";
import { firstConflict, hostPortsOf, type HostPort, type NodeAddresses, type PublishedHostPort } from "./host-ports.ts";

/** What a node has to give. */
export interface NodeFacts {
  readonly nodeId: bigint;
  readonly resources: Pick<WorkloadLimits, "cruCores" | "sruBytes" | "hruBytes" | "mruBytes">;
  readonly addresses: NodeAddresses;
  /** Ports of the node's own services. */
  readonly ownPorts: readonly HostPort[];
}

/** A deployment that the node runs, starts or keeps. */
export interface HeldDeployment {
  readonly contractId: bigint;
  readonly deploymentHash: Uint8Array;
  readonly limits: WorkloadLimits;
  readonly ports: readonly HostPort[];
}

export interface Refusal {
  readonly kind: "refuse";
  readonly code: GridRefusal;
  /** For a person. */
  readonly detail: string;
}

export type DeployDecision =
  | { readonly kind: "deploy" | "update"; readonly ports: readonly PublishedHostPort[] }
  /** It runs: the answer to an earlier request was lost, or the request came again. */
  | { readonly kind: "already" }
  | Refusal;

/**
 * Whether the sender may ask this of the node under the contract, before anything that costs more is looked at; undefined when it
 * may. To ask how it stands, for logs, and to delete are allowed whatever state the contract is in.
 */
export function refuseSender(
  request: Pick<GridRequest, "kind" | "from">,
  contract: ContractFacts | undefined,
  { nodeId }: Pick<NodeFacts, "nodeId">,
): Refusal | undefined {
  if (contract === undefined) return refuse("contract-unknown");
  if (contract.nodeId !== nodeId) return refuse("other-node", `the contract is with node ${contract.nodeId}`);
  if (!equalBytes(request.from, contract.creatorKey)) return refuse("not-the-creator");
  if (request.kind !== "deploy" && request.kind !== "update") return undefined;
  if (contract.state === "deleted") return refuse("contract-over");
  if (contract.state === "grace") return refuse("contract-in-grace");
  return undefined;
}

/**
 * What a node does about a deployment that it was sent: nothing of it happens unless all of it may. `held` is all that the node
 * runs, starts or keeps; `deploy` and `update` mean the same, since the chain alone says what shall run.
 */
export function decideDeploy(
  request: Pick<GridRequest, "kind" | "from">,
  body: ReceivedBody,
  {
    contract,
    node,
    held,
  }: {
    readonly contract: ContractFacts | undefined;
    readonly node: NodeFacts;
    readonly held: readonly HeldDeployment[];
  },
): DeployDecision {
  const refused = refuseSender(request, contract, node);
  if (refused !== undefined || contract === undefined) return refused ?? refuse("contract-unknown");
  if (!equalBytes(body.deploymentHash, contract.deploymentHash)) return refuse("hash-mismatch");
  const own = held.find(({ contractId }) => contractId === contract.contractId);
  if (own !== undefined && equalBytes(own.deploymentHash, contract.deploymentHash)) return { kind: "already" };

  const { workload } = body;
  const differing = LIMITS.find((name) => BigInt(workload.limits[name]) !== BigInt(contract.limits[name]));
  if (differing !== undefined) {
    const detail = `${differing} ${workload.limits[differing]}, in the contract ${contract.limits[differing]}`;
    return refuse("limits-mismatch", detail);
  }
  if (workload.publicIps !== contract.publicIps.length) {
    return refuse("public-ips-mismatch", `${workload.publicIps}, in the contract ${contract.publicIps.length}`);
  }
  if (workload.secretsHash !== undefined && body.sealedSecrets === undefined) {
    return refuse("secrets-invalid", "the workload needs secrets, and none came with it");
  }
  const others = held.filter(({ contractId }) => contractId !== contract.contractId);
  const lacking = lackingResource(workload.limits, others, node);
  if (lacking !== undefined) return lacking;
  const ports = hostPortsOf(workload, node.addresses, contract.publicIps);
  if (ports === undefined) return refuse("address-unavailable");
  const conflict = firstConflict(ports, [...node.ownPorts, ...others.flatMap((other) => other.ports)]);
  if (conflict !== undefined) {
    return refuse("port-taken", `${conflict.address}, port ${conflict.port}/${conflict.protocol}`);
  }
  return { kind: own === undefined ? "deploy" : "update", ports };
}

const LIMITS = ["cruCores", "sruBytes", "hruBytes", "mruBytes", "nruBytesPerHour"] as const;

/** The chain claims limits as well; a node that shrank, or whose view lags behind, refuses what it has not. */
function lackingResource(
  limits: WorkloadLimits,
  others: readonly HeldDeployment[],
  { resources }: NodeFacts,
): Refusal | undefined {
  if (limits.sruBytes > 0n && resources.sruBytes === 0n) return refuse("disk-unavailable", "the node has no SSD");
  if (limits.hruBytes > 0n && resources.hruBytes === 0n) return refuse("disk-unavailable", "the node has no hard disk");
  for (const name of ["cruCores", "sruBytes", "hruBytes", "mruBytes"] as const) {
    const claimed = others.reduce((sum, other) => sum + BigInt(other.limits[name]), 0n);
    const free = BigInt(resources[name]) - claimed;
    if (BigInt(limits[name]) > free) return refuse("not-enough-resources", `${name} ${limits[name]}, free are ${free}`);
  }
  return undefined;
}

function refuse(code: GridRefusal, detail = ""): Refusal {
  return { kind: "refuse", code, detail };
}
