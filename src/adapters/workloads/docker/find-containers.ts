import type Docker from "dockerode";

import { read } from "./docker-calls.ts";
import { LABEL_CONTAINER, LABEL_HASH, type Naming, parseContainerLabel } from "./labels.ts";
import { networksOf } from "./networks.ts";
import type { FoundContainer } from "./plan-deployment.ts";

/** A container with the contract that it belongs to. */
export type ContractContainer = FoundContainer & { readonly contractId: string };

/** What this node made, of one contract or of all, running or not. */
export async function findContainers(
  docker: Docker,
  naming: Naming,
  { contractId, signal }: { contractId?: string | undefined; signal?: AbortSignal | undefined } = {},
): Promise<ContractContainer[]> {
  const asked = docker.listContainers({ all: true, filters: naming.filters(contractId) });
  const listed = await read(asked, "the containers cannot be listed", signal);
  return listed.flatMap((each): ContractContainer[] => {
    const label = parseContainerLabel(each.Labels[LABEL_CONTAINER]);
    if (label === undefined) return [];
    const contract = naming.contractOf(each.Labels);
    const { inner, edge } = networksOf(naming, contract);
    const networks = each.NetworkSettings.Networks;
    return [
      {
        id: each.Id,
        contractId: contract,
        label,
        deploymentHash: each.Labels[LABEL_HASH] ?? "",
        running: each.State === "running" || each.State === "restarting",
        serving: inner in networks && edge in networks,
      },
    ];
  });
}

/** As they start; those that others need come first. */
export function inOrder(found: readonly ContractContainer[]): ContractContainer[] {
  return found.toSorted((a, b) => a.label.position - b.label.position || a.label.generation - b.label.generation);
}
