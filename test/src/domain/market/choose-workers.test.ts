import { expect } from "chai";
import fc from "fast-check";

import {
  chooseWorkers,
  createSelection,
  type Candidate,
  type WorkerChoice,
} from "../../../../src/domain/market/choose-workers.ts";
import { explainChoice } from "../../../../src/domain/market/explain-choice.ts";
import type { WorkerPolicy } from "../../../../src/domain/market/worker-policy.ts";
import { isSprfError } from "../../../../src/errors.ts";
import { candidatesArbitrary, policyArbitrary, seededRandom } from "../../../helpers/market-candidates.ts";

const GWEI = 10n ** 9n;
const RUNS = { numRuns: 1_000 };

/** Whether a candidate meets a policy, said in another way than the code says it. */
function meets(policy: WorkerPolicy, { offer, standing }: Candidate): boolean {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  return [
    same(offer.applicationType, policy.applicationType ?? `0x${"0".repeat(64)}`),
    offer.listed,
    offer.maxLengthBlocks >= policy.lengthBlocks,
    offer.pricePerBlockWei <= (policy.maxPricePerBlockWei ?? 10n ** 30n),
    offer.stakeWei >= (policy.minStakeWei ?? 0n),
    standing.reputation >= (policy.minReputationBps ?? 0),
    standing.uptime >= (policy.minUptimeBps ?? 0),
    !(policy.excludeWorkers ?? []).includes(offer.workerId),
    !(policy.excludeOperators ?? []).some((operator) => same(operator, offer.operator)),
  ].every(Boolean);
}

/** What the preference makes of a worker, as numbers that are compared one after the other: the lower the better. */
function scoreOf({ prefer = "balanced" }: WorkerPolicy, { offer, standing }: Candidate): readonly number[] {
  const price = Number(offer.pricePerBlockWei);
  if (prefer === "price") return [price];
  if (prefer === "reputation") return [-standing.reputation, price];
  return [standing.reputation === 0 ? Infinity : price / standing.reputation, -standing.reputation, price];
}

function compareScores(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at === -1 ? 0 : Math.sign((a[at] ?? 0) - (b[at] ?? 0));
}

function chosenOf(choice: WorkerChoice): readonly number[] {
  return choice.kind === "chosen" ? choice.workers.map(({ workerId }) => workerId) : [];
}

/** The selection as the client drives it: a few workers at a time, until it asks for no more. */
function selectInBatches(
  policy: WorkerPolicy,
  candidates: readonly Candidate[],
  { seed, batch, maxCompared }: { seed: number; batch: number; maxCompared?: number },
): { choice: WorkerChoice; examined: readonly number[] } {
  const selection = createSelection(policy, seededRandom(seed), maxCompared);
  for (const { offer } of candidates) selection.consider(offer);
  const examined: number[] = [];
  for (;;) {
    const next = selection.next(batch);
    if (next.length === 0) return { choice: selection.choice(), examined };
    for (const offer of next) {
      examined.push(offer.workerId);
      const standing = candidates.find((candidate) => candidate.offer.workerId === offer.workerId)?.standing;
      if (standing !== undefined) selection.examine(offer, standing);
    }
  }
}

const worker = (workerId: number, offer: Partial<Candidate["offer"]> = {}, standing = {}): Candidate => ({
  offer: {
    workerId,
    operator: `0x${workerId.toString(16).padStart(40, "0")}`,
    applicationType: `0x${"00".repeat(32)}`,
    listed: true,
    maxLengthBlocks: 100,
    pricePerBlockWei: 10n * GWEI,
    stakeWei: 10n ** 16n,
    ...offer,
  },
  standing: { reputation: 5_000, uptime: 10_000, ...standing },
});

describe("domain/market/choose-workers", () => {
  it("should give nobody a seat who fails a condition, and no operator two", () => {
    fc.assert(
      fc.property(policyArbitrary, candidatesArbitrary, fc.nat(), (policy, candidates, seed) => {
        const choice = chooseWorkers(policy, candidates, seededRandom(seed));
        if (choice.kind === "none") return;
        const seats = chosenOf(choice).map((id) => candidates[id - 1]);
        expect(seats).to.have.length(policy.redundancy);
        for (const seat of seats) expect(seat !== undefined && meets(policy, seat)).to.equal(true);
        const operators = seats.map((seat) => seat?.offer.operator.toLowerCase());
        expect(new Set(operators).size).to.equal(policy.redundancy);
      }),
      RUNS,
    );
  });

  it("should leave a seat empty only when too few operators fit", () => {
    fc.assert(
      fc.property(policyArbitrary, candidatesArbitrary, fc.nat(), (policy, candidates, seed) => {
        const fit = candidates.filter((candidate) => meets(policy, candidate));
        const operators = new Set(fit.map(({ offer }) => offer.operator.toLowerCase())).size;
        const choice = chooseWorkers(policy, candidates, seededRandom(seed));
        expect(choice.kind).to.equal(operators >= policy.redundancy ? "chosen" : "none");
        expect(choice.tally.fitting).to.equal(operators);
      }),
      RUNS,
    );
  });

  it("should keep whom it was told to keep, and choose the best of the rest by its preference", () => {
    fc.assert(
      fc.property(policyArbitrary, candidatesArbitrary, fc.nat(), (policy, candidates, seed) => {
        const chosen = chosenOf(chooseWorkers(policy, candidates, seededRandom(seed)));
        if (chosen.length === 0) return;
        const kept = (id: number): boolean => (policy.keepWorkers ?? []).includes(id);
        const fit = candidates.filter((candidate) => meets(policy, candidate));
        const seatOf = ({ offer }: Candidate): number | undefined =>
          chosen.find((id) => candidates[id - 1]?.offer.operator === offer.operator);
        for (const other of fit) {
          const { workerId } = other.offer;
          if (chosen.includes(workerId)) continue;
          // Whoever has no seat must not be better than who has its operator's seat; than anybody's, when its operator has none.
          const own = seatOf(other);
          for (const rival of own === undefined ? chosen : [own]) {
            const seat = candidates[rival - 1];
            if (seat === undefined || kept(rival)) continue;
            expect(kept(workerId), `${workerId} was to be kept rather than ${rival}`).to.equal(false);
            const order = compareScores(scoreOf(policy, seat), scoreOf(policy, other));
            expect(order, `${rival} against ${workerId}`).to.be.at.most(0);
          }
        }
      }),
      RUNS,
    );
  });

  it("should count each worker once", () => {
    fc.assert(
      fc.property(policyArbitrary, candidatesArbitrary, fc.nat(), (policy, candidates, seed) => {
        const { tally } = selectInBatches(policy, candidates, { seed, batch: 3 }).choice;
        const firsts = tally.failed.reduce((sum, { first }) => sum + first, 0);
        expect(tally.considered).to.equal(candidates.length);
        expect(firsts + tally.sameOperator + tally.fitting + tally.notExamined).to.equal(candidates.length);
        for (const { first, all, alone } of tally.failed) {
          expect(all).to.be.at.least(first);
          expect(first).to.be.at.least(alone);
        }
      }),
      RUNS,
    );
  });

  it("should count a condition on its own whatever else a worker failed", () => {
    fc.assert(
      fc.property(policyArbitrary, candidatesArbitrary, (policy, candidates) => {
        const { failed } = chooseWorkers(policy, candidates, seededRandom(1)).tally;
        const tooDear = candidates.filter(
          ({ offer }) =>
            policy.maxPricePerBlockWei !== undefined && offer.pricePerBlockWei > policy.maxPricePerBlockWei,
        );
        expect(failed.find(({ condition }) => condition === "price")?.all ?? 0).to.equal(tooDear.length);
        const unlisted = candidates.filter(({ offer }) => !offer.listed);
        expect(failed.find(({ condition }) => condition === "listed")?.all ?? 0).to.equal(unlisted.length);
      }),
      RUNS,
    );
  });

  it("should choose the same when it looks at a few pasts at a time and stops early", () => {
    fc.assert(
      fc.property(
        policyArbitrary,
        candidatesArbitrary,
        fc.nat(),
        fc.integer({ min: 1, max: 5 }),
        (policy, candidates, seed, batch) => {
          const whole = chooseWorkers(policy, candidates, seededRandom(seed));
          const { choice, examined } = selectInBatches(policy, candidates, { seed, batch });
          expect(chosenOf(choice)).to.deep.equal(chosenOf(whole));
          expect(new Set(examined).size, "nobody is examined twice").to.equal(examined.length);
        },
      ),
      RUNS,
    );
  });

  it("should end after enough comparisons once the seats are filled, and not before", () => {
    const same = Array.from({ length: 50 }, (_, index) => worker(index + 1));
    const policy = { redundancy: 3, lengthBlocks: 10 };
    const ended = selectInBatches(policy, same, { seed: 1, batch: 4, maxCompared: 8 });
    expect(ended.examined).to.have.length(8);
    expect(ended.choice.tally.notExamined).to.equal(42);
    const wanting = selectInBatches({ ...policy, minReputationBps: 6_000 }, same, {
      seed: 1,
      batch: 4,
      maxCompared: 8,
    });
    expect(wanting.choice.kind).to.equal("none");
    expect(wanting.examined).to.have.length(50);
  });

  it("should look at no more pasts than the seats need when the price alone decides", () => {
    const same = Array.from({ length: 50 }, (_, index) => worker(index + 1));
    const { examined } = selectInBatches({ redundancy: 3, lengthBlocks: 10, prefer: "price" }, same, {
      seed: 1,
      batch: 1,
    });
    expect(examined).to.have.length(3);
  });

  it("should draw equals by lot: the same with the same randomness, each as often as the others", () => {
    const same = Array.from({ length: 4 }, (_, index) => worker(index + 1));
    const counts = new Map<number, number>();
    for (let seed = 0; seed < 2_000; seed++) {
      const draw = (): readonly number[] =>
        chosenOf(chooseWorkers({ redundancy: 1, lengthBlocks: 10 }, same, seededRandom(seed * 7_919)));
      const [first = 0] = draw();
      expect(draw()).to.deep.equal([first]);
      counts.set(first, (counts.get(first) ?? 0) + 1);
    }
    // 500 each with a standard deviation of 19.
    for (const { offer } of same) expect(counts.get(offer.workerId)).to.be.within(400, 600);
  });

  it("should weigh price against reputation as it says", () => {
    const cheap = worker(1, { pricePerBlockWei: 10n * GWEI }, { reputation: 4_000 });
    const good = worker(2, { pricePerBlockWei: 20n * GWEI }, { reputation: 9_000 });
    const best = worker(3, { pricePerBlockWei: 30n * GWEI }, { reputation: 9_500 });
    const prefer = (preference?: WorkerPolicy["prefer"]): readonly number[] =>
      chosenOf(
        chooseWorkers({ redundancy: 1, lengthBlocks: 10, prefer: preference }, [best, good, cheap], seededRandom(1)),
      );
    expect(prefer("price")).to.deep.equal([1]);
    expect(prefer("reputation")).to.deep.equal([3]);
    // 25, 22.2 and 31.6 gwei a good block.
    expect(prefer("balanced")).to.deep.equal([2]);
    expect(prefer()).to.deep.equal([2]);
  });

  it("should explain in one line why too few fit", () => {
    const workers = [
      worker(1, { listed: false }),
      worker(2, { listed: false, pricePerBlockWei: 9n * GWEI }),
      worker(3, { pricePerBlockWei: 12n * GWEI }),
      worker(4, { pricePerBlockWei: 25n * GWEI }),
      worker(5, { maxLengthBlocks: 10 }),
      worker(6, {}, { reputation: 4_210 }),
      worker(7),
      worker(8, { applicationType: `0x${"11".repeat(32)}` }),
    ];
    const policy = { redundancy: 2, lengthBlocks: 60, maxPricePerBlockWei: 10n * GWEI, minReputationBps: 4_500 };
    const choice = chooseWorkers(policy, workers, seededRandom(1));
    expect(choice.kind).to.equal("none");
    expect(explainChoice(choice.tally)).to.equal(
      "2 workers wanted, 1 of 8 fits: 1 of another application type, 2 without a free slot, 1 for shorter agreements only, " +
        "2 too dear, 1 of too low a reputation; the longest takes 10 blocks, you want 60, " +
        "the cheapest of the too dear asks 12 gwei a block, you offer 10 gwei, the next has a reputation of 42.1 %, you want 45 %",
    );
    const nobody = chooseWorkers(policy, [], seededRandom(1));
    expect(explainChoice(nobody.tally)).to.equal("2 workers wanted, 0 of 0 fit");
  });

  it("should refuse a policy that is none", () => {
    const wrong: readonly Partial<Record<keyof WorkerPolicy, unknown>>[] = [
      { redundancy: 0 },
      { redundancy: 21 },
      { lengthBlocks: 1.5 },
      { applicationType: "books" },
      { maxPricePerBlockWei: -1n },
      { minReputationBps: 10_001 },
      { excludeWorkers: [0] },
      { prefer: "cheap" },
      { redudancy: 3 } as object,
    ];
    for (const part of wrong) {
      const policy = { redundancy: 1, lengthBlocks: 1, ...part } as WorkerPolicy;
      expect(() => chooseWorkers(policy, [], seededRandom(1)))
        .to.throw()
        .that.satisfies((error: unknown) => isSprfError(error, "INVALID_INPUT"));
    }
  });
});
