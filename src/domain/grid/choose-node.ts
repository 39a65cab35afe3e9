import type { GridNode, GridResources } from "../../ports/grid-registry.ts";

/** A node with what is free on it and what decides whether it takes a deployment. */
export interface NodeOffer {
  readonly node: GridNode;
  readonly farmName: string;
  readonly free: GridResources;
  readonly freePublicIps: number;
  /** 0: the farm sells nothing. */
  readonly pricingPolicyId: number;
  /** The contract of who rents it whole; absent when nobody does. */
  readonly rentContractId?: number;
  /** Whether it is rented by who asks. */
  readonly isRentedByUs: boolean;
}

/** What a deployment asks of a node. */
export interface NodeNeeds extends GridResources {
  readonly publicIps: number;
}

/** Why a node cannot take it; undefined when it can. */
export function whyNot(offer: NodeOffer, needs: NodeNeeds): string | undefined {
  const { node, free } = offer;
  if (node.retiresAtSeconds !== undefined) return "the node was deleted";
  if (node.status !== "up") return "the node is on standby";
  if (offer.pricingPolicyId === 0) return "its farm sells nothing";
  if (offer.rentContractId !== undefined && !offer.isRentedByUs) return "another user rents the node";
  for (const name of ["cruCores", "sruBytes", "hruBytes", "mruBytes"] as const) {
    if (BigInt(needs[name]) > BigInt(free[name])) return `${name}: ${needs[name]} asked, ${free[name]} free`;
  }
  if (needs.publicIps > offer.freePublicIps) {
    return `public IPs: ${needs.publicIps} asked, ${offer.freePublicIps} free in farm ${offer.farmName}`;
  }
  return undefined;
}

/** The cheapest of those that can take it; of equals the one with the lowest id. */
export function chooseNode(
  offers: readonly NodeOffer[],
  needs: NodeNeeds,
  costOf: (offer: NodeOffer) => bigint,
): NodeOffer | undefined {
  let best: { readonly offer: NodeOffer; readonly cost: bigint } | undefined;
  for (const offer of offers) {
    if (whyNot(offer, needs) !== undefined) continue;
    const cost = costOf(offer);
    if (best === undefined || cost < best.cost || (cost === best.cost && offer.node.nodeId < best.offer.node.nodeId)) {
      best = { offer, cost };
    }
  }
  return best?.offer;
}

/** What is left of a node. */
export function freeOf({ resources, claimed }: GridNode): GridResources {
  const left = (has: bigint, taken: bigint): bigint => (has > taken ? has - taken : 0n);
  return {
    cruCores: Math.max(0, resources.cruCores - claimed.cruCores),
    sruBytes: left(resources.sruBytes, claimed.sruBytes),
    hruBytes: left(resources.hruBytes, claimed.hruBytes),
    mruBytes: left(resources.mruBytes, claimed.mruBytes),
  };
}
