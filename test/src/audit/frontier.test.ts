import { expect } from "chai";
import fc from "fast-check";

import { createFrontier } from "../../../src/audit/frontier.ts";

describe("audit/frontier", () => {
  it("should be where everything up to there is done, in whatever order", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 1 }), (order) => {
        let reached = -1;
        const frontier = createFrontier<number>((value) => (reached = value));
        const done = Array.from({ length: 8 }, (_, value) => frontier.begin(value));
        const finished = new Set<number>();
        for (const value of order) {
          done[value]?.();
          finished.add(value);
          let expected = -1;
          while (finished.has(expected + 1)) expected += 1;
          expect(reached).to.equal(expected);
          expect(frontier.length).to.equal(8 - expected - 1);
        }
      }),
    );
  });

  it("should not go past where it was stopped", () => {
    const reached: string[] = [];
    const frontier = createFrontier<string>((value) => reached.push(value));
    const first = frontier.begin("first");
    frontier.stop();
    frontier.begin("second")();
    first();
    expect(reached).to.deep.equal(["first"]);
  });
});
