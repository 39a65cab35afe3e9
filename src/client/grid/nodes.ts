import { freeOf, type NodeOffer } from "../../domain/grid/choose-node.ts";
import type { Farm, GridNode } from "../../ports/grid-registry.ts";
import { ownContract } from "./own-contracts.ts";
import type { GridCallOptions, GridOnChain } from "./grid-user.ts";

/** The registry's MAX_PAGE. */
const PAGE = 100;

/** All nodes of the grid that were not deleted, with what is free on them. */
export async function listNodes(
  user: Pick<GridOnChain, "chain" | "registry" | "contracts">,
  options?: GridCallOptions,
): Promise<readonly NodeOffer[]> {
  const nodes: GridNode[] = [];
  for (let from = 1; ; from += PAGE) {
    const page = await user.registry.nodes(from, PAGE, options);
    nodes.push(...page.filter(({ retiresAtSeconds }) => retiresAtSeconds === undefined));
    if (page.length < PAGE) break;
  }
  const farms = new Map((await listFarms(user, options)).map((farm) => [farm.farmId, farm]));
  return await Promise.all(nodes.map(async (node) => await offerOf(user, node, farms.get(node.farmId), options)));
}

/** A node with what is free on it; undefined when there is none. */
export async function findNode(
  user: Pick<GridOnChain, "chain" | "registry" | "contracts">,
  nodeId: number,
  options?: GridCallOptions,
): Promise<NodeOffer | undefined> {
  const node = await user.registry.node(nodeId, options);
  if (node === undefined) return undefined;
  return await offerOf(user, node, await user.registry.farm(node.farmId, options), options);
}

export async function listFarms(
  { registry }: Pick<GridOnChain, "registry">,
  options?: GridCallOptions,
): Promise<readonly Farm[]> {
  const farms: Farm[] = [];
  for (let from = 1; ; from += PAGE) {
    const page = await registry.farms(from, PAGE, options);
    farms.push(...page);
    if (page.length < PAGE) return farms;
  }
}

async function offerOf(
  user: Pick<GridOnChain, "chain" | "registry" | "contracts">,
  node: GridNode,
  farm: Farm | undefined,
  options?: GridCallOptions,
): Promise<NodeOffer> {
  const rentContractId = await user.contracts.rentContractOf(node.nodeId, options);
  return {
    node,
    farmName: farm?.name ?? "",
    free: freeOf(node),
    freePublicIps: farm?.freePublicIps ?? 0,
    pricingPolicyId: farm?.pricingPolicyId ?? 0,
    ...(rentContractId === undefined ? {} : { rentContractId }),
    isRentedByUs: rentContractId !== undefined && (await isOurs(user, rentContractId, options)),
  };
}

async function isOurs(
  user: Pick<GridOnChain, "chain" | "contracts">,
  contractId: number,
  options?: GridCallOptions,
): Promise<boolean> {
  return await ownContract(user, contractId, options).then(
    () => true,
    () => false,
  );
}
