import type Docker from "dockerode";

import type { FoundDeployment } from "../../../ports/workloads.ts";
import { read } from "./docker-calls.ts";
import { findContainers, inOrder } from "./find-containers.ts";
import type { Naming } from "./labels.ts";
import { findVolumes } from "./volumes.ts";

/** All that a node has on the engine, by contract; a crash may have left any part without the others. */
export async function listDeployments(
  docker: Docker,
  naming: Naming,
  signal?: AbortSignal,
): Promise<FoundDeployment[]> {
  const containers = Map.groupBy(await findContainers(docker, naming, { signal }), (each) => each.contractId);
  const asked = docker.listNetworks({ filters: naming.filters() });
  const listed = await read(asked, "the networks cannot be listed", signal);
  const networks = Map.groupBy(listed, ({ Labels: labels }) => naming.contractOf(labels ?? {}));
  const volumes = Map.groupBy(await findVolumes(docker, naming, { signal }), (each) => each.contractId);
  const contractIds = new Set([...containers.keys(), ...networks.keys(), ...volumes.keys()]);
  return [...contractIds].toSorted().map((contractId) => ({
    contractId,
    containers: inOrder(containers.get(contractId) ?? []).map(({ label, running, deploymentHash }) => ({
      name: label.name,
      running,
      deploymentHash,
    })),
    networks: networks.get(contractId)?.length ?? 0,
    volumes: (volumes.get(contractId) ?? []).map(({ name }) => name),
  }));
}
