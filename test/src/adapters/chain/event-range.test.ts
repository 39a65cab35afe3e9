import { expect } from "chai";
import fc from "fast-check";

import { createEventRange } from "../../../../src/adapters/chain/event-range.ts";

describe("adapters/chain/event-range", () => {
  it("should get through a chain whatever length a node refuses, with few refusals", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 20_000 }), (limit, blocks) => {
        const range = createEventRange({ maxBlocks: 4_096 });
        let refusals = 0;
        let requests = 0;
        for (let from = 0; from < blocks;) {
          const asked = Math.min(range.next(), blocks - from);
          expect(asked).to.be.greaterThan(0);
          requests++;
          if (asked > limit) {
            expect(range.refused(asked)).to.equal(true);
            refusals++;
          } else {
            range.succeeded(asked, 0);
            from += asked;
          }
        }
        // Halving from 4,096 down, then one trial after each 32 that went well.
        expect(refusals).to.be.at.most(12 + requests / 16);
      }),
    );
  });

  it("should ask for fewer blocks where there are many events, and for more where there are none", () => {
    const range = createEventRange({ maxBlocks: 1_000 });
    range.succeeded(1_000, 40_000);
    expect(range.next()).to.equal(100);
    range.succeeded(100, 0);
    expect(range.next()).to.equal(200);
  });

  it("should give up on a single block that is refused", () => {
    expect(createEventRange().refused(1)).to.equal(false);
  });
});
