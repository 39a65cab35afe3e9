import fc from "fast-check";

import type { Candidate } from "../../src/domain/market/choose-workers.ts";
import type { WorkerPolicy } from "../../src/domain/market/worker-policy.ts";
import type { Random } from "../../src/ports/random.ts";

/** Application types of candidates: the general market, and another. */
const APPLICATIONS = [`0x${"00".repeat(32)}`, `0x${"0A".repeat(32)}`] as const;

/** Small ranges, so that workers are often equal and limits are often met exactly. */
const priceArbitrary = fc.bigInt({ min: 1n, max: 6n });
const rateArbitrary = fc.constantFrom(0, 2_500, 5_000, 7_500, 9_999, 10_000);
/** Low more often than not, so that somebody fits. */
const floorArbitrary = fc.oneof({ weight: 3, arbitrary: fc.constant(2_500) }, rateArbitrary);
const applicationArbitrary = fc.oneof(
  { weight: 4, arbitrary: fc.constant(APPLICATIONS[0]) },
  fc.constant(APPLICATIONS[1]),
);
const operatorArbitrary = fc.integer({ min: 1, max: 8 }).map((n) => `0xAb${n.toString(16).padStart(38, "0")}`);

const candidateArbitrary = fc.record({
  offer: fc.record({
    workerId: fc.constant(0),
    operator: operatorArbitrary,
    applicationType: applicationArbitrary,
    listed: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
    maxLengthBlocks: fc.integer({ min: 1, max: 6 }),
    pricePerBlockWei: priceArbitrary,
    stakeWei: fc.bigInt({ min: 0n, max: 5n }),
  }),
  standing: fc.record({ reputation: rateArbitrary, uptime: rateArbitrary }),
});

/** Workers of a market with ids from 1 on; several may be of one operator. */
export const candidatesArbitrary: fc.Arbitrary<readonly Candidate[]> = fc
  .array(candidateArbitrary, { maxLength: 40, size: "max" })
  .map((all) => all.map(({ offer, standing }, index) => ({ offer: { ...offer, workerId: index + 1 }, standing })));

/** A policy over such workers; every condition may be absent. */
export const policyArbitrary: fc.Arbitrary<WorkerPolicy> = fc.record(
  {
    redundancy: fc.integer({ min: 1, max: 4 }),
    lengthBlocks: fc.integer({ min: 1, max: 4 }),
    applicationType: applicationArbitrary,
    maxPricePerBlockWei: fc.bigInt({ min: 2n, max: 6n }),
    minReputationBps: floorArbitrary,
    minUptimeBps: floorArbitrary,
    minStakeWei: fc.bigInt({ min: 0n, max: 4n }),
    excludeWorkers: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }),
    excludeOperators: fc.array(
      operatorArbitrary.map((operator) => operator.toUpperCase().replace("0X", "0x")),
      { maxLength: 2 },
    ),
    keepWorkers: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 6, size: "max" }),
    prefer: fc.constantFrom("price", "reputation", "balanced"),
  },
  { requiredKeys: ["redundancy", "lengthBlocks"] },
);

/** Random bytes that follow from a seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    bytes: (length) =>
      Uint8Array.from({ length }, () => {
        // A linear congruential generator: good enough to draw lots in tests.
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return state >>> 24;
      }),
  };
}
