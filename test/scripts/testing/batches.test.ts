import { expect } from "chai";
import fc from "fast-check";

import { splitIntoBatches } from "../../../scripts/testing/batches.ts";
import { selectFiles } from "../../../scripts/testing/select-files.ts";

describe("scripts/testing/batches", () => {
  it("should put every file into exactly one batch, in batches that differ by one file at most", () => {
    const names = (prefix: string): fc.Arbitrary<string[]> =>
      fc.nat({ max: 40 }).map((count) => Array.from({ length: count }, (_, i) => `${prefix}${i}`));
    fc.assert(
      fc.property(names("mocha"), names("solidity"), fc.integer({ min: 1, max: 4 }), (mocha, solidity, atOnce) => {
        const batches = splitIntoBatches({ mocha, solidity }, atOnce);
        expect(batches.flat()).to.have.members([...mocha, ...solidity]);
        const sizes = batches.slice(solidity.length === 0 ? 0 : 1).map(({ length }) => length);
        if (sizes.length > 0) expect(Math.max(...sizes) - Math.min(...sizes)).to.be.at.most(1);
        expect(sizes.every((size) => size > 0)).to.equal(true);
      }),
    );
  });

  it("should begin with the Solidity tests, which build what the others find built", () => {
    const [first, ...rest] = splitIntoBatches(selectFiles([], "node-only"), 2);
    expect(first!.length).to.be.above(10);
    expect(first!.every((file) => file.endsWith(".t.sol"))).to.equal(true);
    expect(rest.flat().every((file) => file.endsWith(".ts"))).to.equal(true);
  });
});
