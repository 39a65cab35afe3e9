import type { HeldDeployment } from "../domain/grid/decide-deploy.ts";
import { hostPortsOf, type NodeAddresses } from "../domain/grid/host-ports.ts";
import { SprfError } from "../errors.ts";
import type { DeployProgress } from "../ports/workloads.ts";
import { openSecrets } from "../wire/grid/secrets.ts";
import { decodeWorkload, type Workload } from "../wire/grid/workload.ts";
import type { DeploymentRecord, DeploymentVersion } from "./deployment-store.ts";
import type { NodeParts } from "./node-parts.ts";
import { workloadSpecOf } from "./workload-spec.ts";

/**
 * Makes what runs be as `version` says and waits until it is ready; what ran before stays until then, and runs on when it fails.
 *
 * @throws SprfError those of the port `workloads`, `SECRETS_INVALID`, `DEPLOYMENT_INVALID`
 */
export async function makeDeployment(
  { node, workloads, cipher }: Pick<NodeParts, "node" | "workloads" | "cipher">,
  contractId: number,
  version: DeploymentVersion,
  options: { readonly signal: AbortSignal; readonly onProgress?: (progress: DeployProgress) => void },
): Promise<void> {
  const workload = decodeWorkload(version.workload);
  const ports = hostPortsOf(workload, node.addresses, version.publicIps);
  if (ports === undefined) throw new SprfError("DEPLOYMENT_INVALID", "it names a public IP that is not reserved");
  const secrets = await secretsOf(version, workload, { cipher });
  // A deployment may be public IPs alone, also after an update.
  if (workload.containers.length === 0) return await workloads.remove(contractId.toString(), options);
  const spec = workloadSpecOf(workload, { contractId, deploymentHash: version.deploymentHash, ports, secrets });
  await workloads.deploy(spec, options);
}

/** @throws SprfError `SECRETS_INVALID` */
export async function secretsOf(
  { sealedSecrets, creator }: Pick<DeploymentVersion, "sealedSecrets" | "creator">,
  workload: Workload,
  { cipher }: Pick<NodeParts, "cipher">,
): Promise<ReadonlyMap<string, string>> {
  if (sealedSecrets === undefined) return new Map();
  return await openSecrets(sealedSecrets, { cipher, creator, workload });
}

/** What a record takes of the node: of two versions, the one to come, since what it frees is free only when it is there. */
export function heldOf(record: DeploymentRecord, addresses: NodeAddresses): HeldDeployment[] {
  const version = record.next ?? record.current;
  if (version === undefined) return [];
  const portsOf = ({ workload, publicIps }: DeploymentVersion) =>
    hostPortsOf(decodeWorkload(workload), addresses, publicIps) ?? [];
  const earlier = record.next === undefined || record.current === undefined ? [] : portsOf(record.current);
  return [
    {
      contractId: BigInt(record.contractId),
      deploymentHash: version.deploymentHash,
      limits: decodeWorkload(version.workload).limits,
      ports: [...portsOf(version), ...earlier],
    },
  ];
}
