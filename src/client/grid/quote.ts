import { chooseNode, whyNot, type NodeOffer } from "../../domain/grid/choose-node.ts";
import { weiPerHourOfCost } from "../../domain/grid/money.ts";
import { SprfError } from "../../errors.ts";
import type { WorkloadDraft } from "../../wire/grid/file/convert.ts";
import type { GridCallOptions, GridOnChain } from "./grid-user.ts";
import { findNode, listNodes } from "./nodes.ts";

const HOUR_SECONDS = 3_600;

/** What a deployment costs an hour on a node, before any discount. Costs are in 1e-7 USD. */
export interface DeploymentQuote {
  readonly nodeId: number;
  readonly farmId: number;
  /** When it uses all that it may; it never costs more. */
  readonly costPerHour: bigint;
  /** Of it, for its public IPs, which cost whatever it uses. */
  readonly publicIpsPerHour: bigint;
  /** On top, when it has all the traffic that it may have. */
  readonly trafficPerHour: bigint;
  /** The first two at today's price of ether. */
  readonly weiPerHour: bigint;
  readonly trafficWeiPerHour: bigint;
  /** Whether anything can be bought now: the price of ether has to be fresh. */
  readonly isPriceFresh: boolean;
}

/**
 * Which node would run it, and what it costs there.
 *
 * @throws SprfError `NO_NODE` when no node, or not the given one, can take it
 */
export async function quoteDeployment(
  user: Pick<GridOnChain, "chain" | "registry" | "contracts" | "quotes">,
  draft: WorkloadDraft,
  { nodeId, ...options }: GridCallOptions & { readonly nodeId?: number | undefined } = {},
): Promise<DeploymentQuote> {
  const offer = nodeId === undefined ? await cheapest(user, draft, options) : await given(user, draft, nodeId, options);
  const { limits, publicIps } = draft;
  const policy = offer.pricingPolicyId;
  const onRentedNode = offer.isRentedByUs;
  const nothing = { cruCores: 0, sruBytes: 0n, hruBytes: 0n, mruBytes: 0n };
  const [costPerHour, publicIpsPerHour, trafficPerHour, price] = await Promise.all([
    user.quotes.nodeCost(policy, { ...resourcesOf(draft), publicIps, onRentedNode }, HOUR_SECONDS, options),
    user.quotes.nodeCost(policy, { ...nothing, publicIps, onRentedNode }, HOUR_SECONDS, options),
    user.quotes.trafficCost(policy, limits.nruBytesPerHour, HOUR_SECONDS, options),
    user.quotes.etherPrice(options),
  ]);
  return {
    nodeId: offer.node.nodeId,
    farmId: offer.node.farmId,
    costPerHour,
    publicIpsPerHour,
    trafficPerHour,
    weiPerHour: weiPerHourOfCost(costPerHour, 0, price),
    trafficWeiPerHour: weiPerHourOfCost(trafficPerHour, 0, price),
    isPriceFresh: price.isFresh,
  };
}

async function given(
  user: Pick<GridOnChain, "chain" | "registry" | "contracts">,
  draft: WorkloadDraft,
  nodeId: number,
  options: GridCallOptions,
): Promise<NodeOffer> {
  const offer = await findNode(user, nodeId, options);
  if (offer === undefined) throw new SprfError("NO_NODE", `there is no node ${nodeId}`);
  const why = whyNot(offer, needsOf(draft));
  if (why !== undefined) throw new SprfError("NO_NODE", `node ${nodeId} cannot take it: ${why}`);
  return offer;
}

async function cheapest(
  user: Pick<GridOnChain, "chain" | "registry" | "contracts" | "quotes">,
  draft: WorkloadDraft,
  options: GridCallOptions,
): Promise<NodeOffer> {
  const offers = await listNodes(user, options);
  const needs = needsOf(draft);
  const fitting = offers.filter((offer) => whyNot(offer, needs) === undefined);
  const costs = new Map<string, bigint>();
  const keyOf = ({ pricingPolicyId, isRentedByUs }: NodeOffer): string => `${pricingPolicyId} ${isRentedByUs}`;
  for (const offer of fitting) {
    if (costs.has(keyOf(offer))) continue;
    const used = { ...resourcesOf(draft), publicIps: draft.publicIps, onRentedNode: offer.isRentedByUs };
    costs.set(keyOf(offer), await user.quotes.nodeCost(offer.pricingPolicyId, used, HOUR_SECONDS, options));
  }
  const chosen = chooseNode(fitting, needs, (offer) => costs.get(keyOf(offer)) ?? 0n);
  if (chosen !== undefined) return chosen;
  const reasons = offers.slice(0, 3).map((offer) => `node ${offer.node.nodeId}: ${whyNot(offer, needs) ?? ""}`);
  throw new SprfError(
    "NO_NODE",
    offers.length === 0
      ? "there are no nodes yet"
      : `none of ${offers.length} nodes can take it (${reasons.join("; ")})`,
  );
}

function needsOf(draft: WorkloadDraft): ReturnType<typeof resourcesOf> & { readonly publicIps: number } {
  return { ...resourcesOf(draft), publicIps: draft.publicIps };
}

function resourcesOf({ limits }: WorkloadDraft) {
  const { cruCores, sruBytes, hruBytes, mruBytes } = limits;
  return { cruCores, sruBytes, hruBytes, mruBytes };
}
