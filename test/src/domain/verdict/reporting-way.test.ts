import { readFile } from "node:fs/promises";

import { expect } from "chai";
import fc from "fast-check";

import { gatheringOf, isCarried, leaderOf, planReporting } from "../../../../src/domain/verdict/reporting-way.ts";

const GWEI = 10n ** 9n;

/** Chai's own closeTo is replaced by one for bigints as soon as a test uses the chain. */
function expectNear(actual: number, expected: number, margin: number): void {
  expect(Math.abs(actual - expected) <= margin, `${actual} is not within ${margin} of ${expected}`).to.equal(true);
}

describe("domain/verdict/reporting-way", () => {
  it("should never call a dearer way the cheaper one", () => {
    const wei = fc.bigInt({ min: 0n, max: 10n ** 15n });
    fc.assert(
      fc.property(fc.constantFrom(1, 3, 5, 7), wei, wei, (seats, gasPriceWei, feeWei) => {
        const plan = planReporting({ seats, gasPriceWei, feeWei });
        expect(plan.savedWei >= 0n).to.equal(true);
        expect(plan.pays).to.equal(feeWei >= plan.costWei);
        if (plan.way === "together") {
          const alone = planReporting({ seats: 1, gasPriceWei, feeWei });
          expect(plan.costWei + plan.savedWei).to.equal(alone.costWei);
        }
      }),
    );
  });

  it("should go alone with one seat, and when the saving is nothing to the fee", () => {
    expect(planReporting({ seats: 1, gasPriceWei: GWEI, feeWei: 1n }).way).to.equal("alone");
    expect(planReporting({ seats: 3, gasPriceWei: 1n, feeWei: 10n ** 14n }).way).to.equal("alone");
    expect(planReporting({ seats: 3, gasPriceWei: GWEI, feeWei: 10n ** 14n }).way).to.equal("together");
  });

  it("should say when the fee does not cover the gas", () => {
    expect(planReporting({ seats: 3, gasPriceWei: 100n * GWEI, feeWei: 10n ** 14n }).pays).to.equal(false);
    expect(planReporting({ seats: 3, gasPriceWei: GWEI / 10n, feeWei: 10n ** 14n }).pays).to.equal(true);
  });

  it("should count with the gas that was measured", async () => {
    const file = await readFile(new URL("../../../../bench/results/gas.json", import.meta.url), "utf8");
    const rows = JSON.parse(file) as ReadonlyArray<{ name: string; value: number }>;
    const gas = (name: string): number => rows.find((row) => row.name === name)!.value;
    const measured = {
      alone: gas("WorkAgreement.commit (mean)") + gas("WorkAgreement.reveal (mean)"),
      together: (gas("WorkAgreement.commitMany, 3 seats (mean)") + gas("WorkAgreement.revealMany, 3 seats (mean)")) / 3,
    };
    const counted = {
      alone: Number(planReporting({ seats: 1, gasPriceWei: 1n, feeWei: 0n }).costWei),
      together: Number(planReporting({ seats: 3, gasPriceWei: 1n, feeWei: 0n }).costWei),
    };
    expectNear(counted.alone / measured.alone, 1, 0.1);
    expectNear(counted.together / measured.together, 1, 0.1);
  });

  it("should leave everybody time to go alone, whatever the window", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 9 }), fc.integer({ min: 1, max: 10_000 }), (from, length) => {
        const to = from + length - 1;
        const { leadFrom, aloneFrom } = gatheringOf({ from, to });
        expect(leadFrom < aloneFrom).to.equal(true);
        // What is sent at the latest block `aloneFrom` lands in the next one, with two more tries to spare.
        expect(aloneFrom + 3 <= to).to.equal(true);
      }),
    );
  });

  it("should take turns", () => {
    for (const seats of [3, 5, 7]) {
      for (const what of ["commit", "reveal"] as const) {
        const leaders = Array.from({ length: seats }, (_, epoch) => leaderOf(epoch, seats, what));
        expect(new Set(leaders).size).to.equal(seats);
      }
      expect(leaderOf(1, seats, "commit")).not.to.equal(leaderOf(1, seats, "reveal"));
    }
  });

  it("should stop carrying who never carries", () => {
    let [carried, times] = [0, 0];
    while (isCarried({ carried, carriedUs: 0 })) {
      carried++;
      times++;
    }
    expect(times).to.equal(4);
    expect(isCarried({ carried, carriedUs: 1 })).to.equal(true);
  });
});
