import type { WorkerOffer, WorkerStanding } from "./conditions.ts";
import { BASIS_POINTS, type CheckedPolicy, type Preference } from "./worker-policy.ts";

/** A worker that meets every condition of a policy. */
export interface FittingWorker extends WorkerOffer, WorkerStanding {}

/** The same with the lot that decides between equals. */
export interface RankedWorker extends FittingWorker {
  readonly lot: number;
}

const MAX_RATE = BigInt(BASIS_POINTS);

/** Negative when `a` is the better one by the preference; 0 only for the same lot. */
function compareWorkers(prefer: Preference, a: RankedWorker, b: RankedWorker): number {
  return (
    (prefer === "balanced" ? compareBigints(goodBlockPrice(a, b), goodBlockPrice(b, a)) : 0) ||
    (prefer === "price" ? 0 : b.reputation - a.reputation) ||
    compareBigints(a.pricePerBlockWei, b.pricePerBlockWei) ||
    a.lot - b.lot
  );
}

/** Whether no worker that costs `priceWei` or more a block, whatever its past and its lot, is better than `worker`. */
export function isBestFrom(prefer: Preference, worker: RankedWorker, priceWei: bigint): boolean {
  // Equals are taken in the order of their lots where the price alone decides, so they need not be looked at.
  if (prefer === "price") return worker.pricePerBlockWei <= priceWei;
  if (prefer === "reputation") return worker.reputation >= BASIS_POINTS && worker.pricePerBlockWei < priceWei;
  return worker.pricePerBlockWei * MAX_RATE < priceWei * BigInt(worker.reputation);
}

/** The best worker of each operator, kept ones before the rest and each part best first. */
export function rankByOperator(policy: CheckedPolicy, workers: readonly RankedWorker[]): readonly RankedWorker[] {
  const kept = (worker: RankedWorker): number => (policy.keepWorkers.has(worker.workerId) ? 0 : 1);
  const best = new Map<string, RankedWorker>();
  for (const worker of workers.toSorted((a, b) => kept(a) - kept(b) || compareWorkers(policy.prefer, a, b))) {
    const operator = worker.operator.toLowerCase();
    if (!best.has(operator)) best.set(operator, worker);
  }
  return [...best.values()];
}

/** price / reputation on a scale that the two workers share, so that nothing is rounded. */
function goodBlockPrice(worker: RankedWorker, other: RankedWorker): bigint {
  return worker.pricePerBlockWei * BigInt(other.reputation);
}

function compareBigints(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
