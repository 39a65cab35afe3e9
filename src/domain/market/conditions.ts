import type { Reputation, WorkerEntry } from "../../ports/chain.ts";
import type { CheckedPolicy } from "./worker-policy.ts";

/** What of a worker's entry decides whether it is chosen. */
export type WorkerOffer = Pick<
  WorkerEntry,
  "workerId" | "operator" | "applicationType" | "listed" | "maxLengthBlocks" | "pricePerBlockWei" | "stakeWei"
>;

/** What of a worker's past decides whether it is chosen; both in basis points. */
export type WorkerStanding = Pick<Reputation, "reputation" | "uptime">;

/**
 * The conditions of a policy in the order in which they are looked at: first those that the worker's entry tells, and last those
 * that need its past, which costs further reads.
 */
export const CONDITIONS = [
  "application",
  "excluded",
  "listed",
  "length",
  "price",
  "stake",
  "reputation",
  "uptime",
] as const;

/** A condition of a policy, named for what it looks at. `listed`: active, a free slot, and free stake for it. */
export type Condition = (typeof CONDITIONS)[number];

/** The conditions that a worker's entry fails, in their order. */
export function failedByOffer(policy: CheckedPolicy, offer: WorkerOffer): readonly Condition[] {
  const failed: Condition[] = [];
  if (offer.applicationType.toLowerCase() !== policy.applicationType) failed.push("application");
  if (policy.excludeWorkers.has(offer.workerId) || policy.excludeOperators.has(offer.operator.toLowerCase())) {
    failed.push("excluded");
  }
  if (!offer.listed) failed.push("listed");
  if (offer.maxLengthBlocks < policy.lengthBlocks) failed.push("length");
  if (policy.maxPricePerBlockWei !== undefined && offer.pricePerBlockWei > policy.maxPricePerBlockWei) {
    failed.push("price");
  }
  if (offer.stakeWei < policy.minStakeWei) failed.push("stake");
  return failed;
}

/** The conditions that a worker's past fails, in their order. */
export function failedByStanding(policy: CheckedPolicy, standing: WorkerStanding): readonly Condition[] {
  const failed: Condition[] = [];
  if (standing.reputation < policy.minReputationBps) failed.push("reputation");
  if (standing.uptime < policy.minUptimeBps) failed.push("uptime");
  return failed;
}
