import { expect } from "chai";
import fc from "fast-check";

import { chooseLanded } from "../../../../src/domain/verdict/choose-landed.ts";

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** Chai's own closeTo is replaced by one for bigints as soon as a test uses the chain. */
function expectNear(actual: number, expected: number, margin: number): void {
  expect(Math.abs(actual - expected) <= margin, `${actual} is not within ${margin} of ${expected}`).to.equal(true);
}

describe("domain/verdict/choose-landed", () => {
  it("should be a place among those there are, the same whenever it is asked", () => {
    fc.assert(
      fc.property(bytes, bytes, fc.integer({ min: 1, max: 64 }), (seed, salt, count) => {
        const place = chooseLanded({ seed, salt }, count);
        expect(place >= 0 && place < count && Number.isInteger(place)).to.equal(true);
        expect(chooseLanded({ seed: seed.slice(), salt: salt.slice() }, count)).to.equal(place);
      }),
    );
  });

  it("should depend on the seed and on the salt", () => {
    const fixed = new Uint8Array(32);
    const places = (of: "seed" | "salt"): Set<number> =>
      new Set(
        Array.from({ length: 64 }, (_, n) => {
          const varied = new Uint8Array(32).fill(n);
          return chooseLanded(of === "seed" ? { seed: varied, salt: fixed } : { seed: fixed, salt: varied }, 1_000);
        }),
      );
    expect(places("seed").size > 50).to.equal(true);
    expect(places("salt").size > 50).to.equal(true);
  });

  it("should come to every place about as often", () => {
    const counts = Array.from({ length: 8 }, () => 0);
    const draws = 8_000;
    for (let n = 0; n < draws; n++) {
      const salt = new Uint8Array(32);
      new DataView(salt.buffer).setUint32(0, n);
      const place = chooseLanded({ seed: new Uint8Array(32), salt }, counts.length);
      counts[place] = (counts[place] ?? 0) + 1;
    }
    // Five standard deviations.
    for (const count of counts) expectNear(count, draws / 8, 5 * Math.sqrt((draws / 8) * (7 / 8)));
  });

  it("should have no choice of nothing", () => {
    expect(chooseLanded({ seed: new Uint8Array(32), salt: new Uint8Array(32) }, 0)).to.equal(0);
  });
});
