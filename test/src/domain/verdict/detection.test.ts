import { readFile } from "node:fs/promises";

import { expect } from "chai";
import fc from "fast-check";

import {
  detectionMarkdown,
  detectionTable,
  seenByAnyTester,
  seenByMajority,
  seenByOneTester,
  type Liar,
  type Watch,
} from "../../../../src/domain/verdict/detection.ts";

const ROUNDS = 20_000;

/** Plays it: every tester of every epoch meets one answer and one transition, honest or not as it comes. */
function play(liar: Liar, watch: Watch, random: () => number): { any: number; majority: number } {
  const { honestShare = 1, probeCoverage = 1, landedCoverage = 1 } = watch;
  const landedShare = liar.landed === undefined ? 0 : liar.landed.lies / liar.landed.of;
  let [any, majority] = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    let [seen, outvoted] = [false, false];
    for (let epoch = 0; epoch < watch.epochs; epoch++) {
      let hits = 0;
      for (let tester = 0; tester < watch.testers; tester++) {
        const honest = random() < honestShare;
        const probe = random() < probeCoverage && random() < liar.lieShare;
        const landed = random() < landedCoverage && random() < landedShare;
        if (honest && (probe || landed)) hits++;
      }
      if (hits > 0) seen = true;
      if (hits > watch.testers / 2) outvoted = true;
    }
    if (seen) any++;
    if (outvoted) majority++;
  }
  return { any: any / ROUNDS, majority: majority / ROUNDS };
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Chai's own closeTo is replaced by one for bigints as soon as a test uses the chain. */
function expectNear(actual: number, expected: number, margin: number): void {
  expect(Math.abs(actual - expected) <= margin, `${actual} is not within ${margin} of ${expected}`).to.equal(true);
}

describe("domain/verdict/detection", () => {
  it("should give what the sources of the formula publish", () => {
    // FilOzone/pdp: 5 challenges a day find 1 % loss with 77.9 % and 5 % loss with 99.95 % in 30 days.
    const month = { testers: 5, epochs: 30 };
    expectNear(seenByAnyTester({ lieShare: 0.01 }, month), 0.779, 0.001);
    expectNear(seenByAnyTester({ lieShare: 0.05 }, month), 0.9995, 0.0001);
  });

  const games: ReadonlyArray<readonly [string, Liar, Watch]> = [
    ["a worker that lies rarely", { lieShare: 0.05 }, { testers: 3, epochs: 5 }],
    ["one that lies often", { lieShare: 0.6 }, { testers: 5, epochs: 2 }],
    ["a lie that landed", { lieShare: 0, landed: { lies: 1, of: 32 } }, { testers: 3, epochs: 8 }],
    [
      "testers of whom a third are dishonest and who do not always come through",
      { lieShare: 0.3, landed: { lies: 2, of: 10 } },
      { testers: 3, epochs: 2, honestShare: 2 / 3, probeCoverage: 0.8, landedCoverage: 0.5 },
    ],
  ];
  for (const [name, liar, watch] of games) {
    it(`should come to what playing it comes to: ${name}`, () => {
      const played = play(liar, watch, seeded(7));
      // Four standard deviations of the mean of so many rounds, at the most uncertain chance.
      const margin = 4 * Math.sqrt(0.25 / ROUNDS);
      expectNear(seenByAnyTester(liar, watch), played.any, margin);
      expectNear(seenByMajority(liar, watch), played.majority, margin);
    });
  }

  it("should stay a chance, and grow with lies, testers and epochs", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const count = fc.integer({ min: 1, max: 50 });
    fc.assert(
      fc.property(share, share, fc.constantFrom(1, 3, 5, 7), count, count, (a, b, testers, epochs, more) => {
        const [less, most] = [Math.min(a, b), Math.max(a, b)];
        const watch = { testers, epochs };
        for (const seen of [seenByAnyTester, seenByMajority]) {
          const chance = seen({ lieShare: less }, watch);
          expect(chance >= 0 && chance <= 1 + 1e-12).to.equal(true);
          expect(seen({ lieShare: most }, watch) >= chance - 1e-12).to.equal(true);
          expect(seen({ lieShare: less }, { testers, epochs: epochs + more }) >= chance - 1e-12).to.equal(true);
        }
        expect(
          seenByAnyTester({ lieShare: less }, { testers: testers + 2, epochs }) >=
            seenByAnyTester({ lieShare: less }, watch) - 1e-12,
        ).to.equal(true);
        expect(
          seenByMajority({ lieShare: less }, watch) <= seenByAnyTester({ lieShare: less }, watch) + 1e-12,
        ).to.equal(true);
      }),
    );
  });

  it("should take nonsense for no chance at all", () => {
    expect(seenByOneTester({ lieShare: Number.NaN })).to.equal(0);
    expect(seenByOneTester({ lieShare: 0, landed: { lies: 1, of: 0 } })).to.equal(0);
    expect(seenByAnyTester({ lieShare: 2 }, { testers: -1, epochs: 3 })).to.equal(0);
  });

  it("should be what docs/security.md prints", async () => {
    const security = await readFile(new URL("../../../../docs/security.md", import.meta.url), "utf8");
    // The formatter pads the cells.
    const printed = security.split("\n").map((line) => line.replaceAll(/\s*\|\s*/g, " | ").trim());
    for (const row of detectionMarkdown(3)) expect(printed).to.include(row.trim());
    expect(detectionTable(3)).to.have.length(20);
  });
});
