import { CONDITIONS, type Condition, type WorkerOffer, type WorkerStanding } from "./conditions.ts";
import type { CheckedPolicy } from "./worker-policy.ts";

/** How many workers failed one condition. */
export interface ConditionCount {
  readonly condition: Condition;
  /** Workers that failed this condition and none before it: over all conditions, each worker counts once. */
  readonly first: number;
  /** Workers that failed it, whatever else they failed. Of `reputation` and `uptime`: among those whose entry met the rest. */
  readonly all: number;
  /** Workers that failed nothing else, as far as they were looked at: they would fit if this condition were loosened. */
  readonly alone: number;
  /** Among these, the value that is nearest to what was asked for, and that. Absent for conditions without numbers. */
  readonly nearest?: { readonly offered: bigint; readonly asked: bigint };
}

/**
 * Why a choice came out as it did. `considered` = the sum of `first` over `failed` + `sameOperator` + `fitting` + `notExamined`.
 */
export interface ChoiceTally {
  readonly wanted: number;
  /** Workers of the market that were looked at. */
  readonly considered: number;
  /** In the order in which conditions are looked at; those that nobody failed are left out. */
  readonly failed: readonly ConditionCount[];
  /** Workers that met every condition, but a better one of their operator did, too. */
  readonly sameOperator: number;
  /** Operators with a worker that met every condition. */
  readonly fitting: number;
  /** Workers whose entry met the conditions and whose past was not looked at, because enough better ones were found. */
  readonly notExamined: number;
}

interface Count {
  first: number;
  all: number;
  alone: number;
  nearest: bigint | undefined;
}

/** Counts who failed what. */
export interface FailureCounter {
  /** @param failed not empty, in the order of the conditions */
  add(failed: readonly Condition[], offer: WorkerOffer, standing?: WorkerStanding): void;
  counts(): readonly ConditionCount[];
}

export function createFailureCounter(policy: CheckedPolicy): FailureCounter {
  const counts = new Map<Condition, Count>();
  const countOf = (condition: Condition): Count => {
    const known = counts.get(condition) ?? { first: 0, all: 0, alone: 0, nearest: undefined };
    counts.set(condition, known);
    return known;
  };
  return {
    add(failed, offer, standing) {
      const [first] = failed;
      if (first === undefined) return;
      countOf(first).first++;
      for (const condition of failed) countOf(condition).all++;
      if (failed.length > 1) return;
      const count = countOf(first);
      count.alone++;
      const offered = valueOf(first, offer, standing);
      if (offered === undefined) return;
      // A price fails by being too high, everything else by being too low.
      const nearer = first === "price" ? (a: bigint, b: bigint) => a < b : (a: bigint, b: bigint) => a > b;
      if (count.nearest === undefined || nearer(offered, count.nearest)) count.nearest = offered;
    },
    counts: () =>
      CONDITIONS.flatMap((condition) => {
        const count = counts.get(condition);
        if (count === undefined) return [];
        const { nearest, ...numbers } = count;
        const asked = askedBy(policy, condition);
        return [
          {
            condition,
            ...numbers,
            ...(nearest === undefined || asked === undefined ? {} : { nearest: { offered: nearest, asked } }),
          },
        ];
      }),
  };
}

function valueOf(condition: Condition, offer: WorkerOffer, standing: WorkerStanding | undefined): bigint | undefined {
  switch (condition) {
    case "length":
      return BigInt(offer.maxLengthBlocks);
    case "price":
      return offer.pricePerBlockWei;
    case "stake":
      return offer.stakeWei;
    case "reputation":
      return standing === undefined ? undefined : BigInt(standing.reputation);
    case "uptime":
      return standing === undefined ? undefined : BigInt(standing.uptime);
    case "application":
    case "excluded":
    case "listed":
      return undefined;
  }
}

function askedBy(policy: CheckedPolicy, condition: Condition): bigint | undefined {
  switch (condition) {
    case "length":
      return BigInt(policy.lengthBlocks);
    case "price":
      return policy.maxPricePerBlockWei;
    case "stake":
      return policy.minStakeWei;
    case "reputation":
      return BigInt(policy.minReputationBps);
    case "uptime":
      return BigInt(policy.minUptimeBps);
    case "application":
    case "excluded":
    case "listed":
      return undefined;
  }
}
