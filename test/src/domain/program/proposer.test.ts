import { expect } from "chai";
import fc from "fast-check";

import { mayPropose, proposerAt, roundAt, turnMs } from "../../../../src/domain/program/proposer.ts";

describe("domain/program/proposer", () => {
  const workers = fc.integer({ min: 1, max: 20 });
  const sequence = fc.bigInt({ min: 0n, max: 2n ** 63n });

  it("should give each worker its turn once in a rotation", () => {
    fc.assert(
      fc.property(sequence, workers, fc.integer({ min: 0, max: 50 }), (at, count, first) => {
        const rotation = Array.from({ length: count }, (_, n) => proposerAt(at, first + n, count));
        expect(new Set(rotation).size).to.equal(count);
      }),
    );
  });

  it("should count rounds that last longer with each rotation, without a gap", () => {
    expect([0, 999, 1_000, 2_999, 3_000, 4_999, 5_000].map((ms) => roundAt(ms, 1_000, 3))).to.deep.equal([
      0, 0, 1, 2, 3, 3, 4,
    ]);
    fc.assert(
      fc.property(workers, fc.integer({ min: 0, max: 300 }), (count, last) => {
        let elapsedMs = 0;
        for (let round = 0; round < last; round += 1) {
          expect(roundAt(elapsedMs, 100, count)).to.equal(round);
          elapsedMs += turnMs(round, 100, count);
          expect(roundAt(elapsedMs - 1, 100, count)).to.equal(round);
        }
      }),
      { numRuns: 20 },
    );
    expect(turnMs(1_000, 100, 3)).to.equal(1_600);
  });

  it("should bear clocks that are a round apart, and no more", () => {
    const at = { sequence: 7n, round: 5, workers: 9 };
    const allowed = Array.from({ length: 9 }, (_, index) => index).filter((index) => mayPropose(index, at));
    expect(allowed).to.have.members([4, 5, 6].map((round) => proposerAt(7n, round, 9)));
    expect(mayPropose(proposerAt(7n, 8, 9), { ...at, round: 0 })).to.equal(false);
  });
});
