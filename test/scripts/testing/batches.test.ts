import { readFileSync } from "node:fs";

import { expect } from "chai";
import fc from "fast-check";

import { splitByDocker, splitIntoBatches } from "../../../scripts/testing/batches.ts";
import { selectFiles } from "../../../scripts/testing/select-files.ts";

const names = (prefix: string): fc.Arbitrary<string[]> =>
  fc.nat({ max: 40 }).map((count) => Array.from({ length: count }, (_, i) => `${prefix}${i}`));

describe("scripts/testing/batches", () => {
  it("should put every file into exactly one batch, in batches that differ by their longest file at most", () => {
    // Often all nought: nobody knows how long a new file takes.
    const seconds = fc.array(fc.oneof(fc.constant(0), fc.nat({ max: 100 })), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(names("m"), names("s"), fc.integer({ min: 1, max: 4 }), seconds, (mocha, solidity, atOnce, taken) => {
        const secondsOf = (file: string): number => taken[Number(file.slice(1)) % taken.length] ?? 0;
        const batches = splitIntoBatches({ mocha, solidity }, atOnce, secondsOf);
        expect(batches.flat()).to.have.members([...mocha, ...solidity]);
        expect(batches.every((batch) => batch.length > 0 || mocha.length === 0)).to.equal(true);
        const totals = batches
          .filter(([file]) => file?.startsWith("m"))
          .map((batch) => batch.map(secondsOf).reduce((total, each) => total + each, 0));
        const longest = Math.max(0, ...mocha.map(secondsOf));
        if (totals.length > 0) expect(Math.max(...totals) - Math.min(...totals)).to.be.at.most(longest);
      }),
    );
  });

  it("should end with the Solidity tests, which use every processor", () => {
    const batches = splitIntoBatches(selectFiles([], "node-only"), 2, () => 1);
    const solidity = batches.at(-1) ?? [];
    expect(solidity).to.have.length.above(10);
    expect(solidity.every((file) => file.endsWith(".t.sol"))).to.equal(true);
    expect(batches.slice(0, -1).flat()).to.satisfy((files: string[]) => files.every((file) => file.endsWith(".ts")));
  });

  it("should run all that need real parts, and keep those together that use the Docker Engine", () => {
    const { mocha } = selectFiles([], "real-parts");
    const { docker, free } = splitByDocker(mocha);
    expect([...docker, ...free].flat()).to.have.members(mocha);
    expect(free.flat()).to.include("test/e2e/channel-whole.test.ts").and.include("test/e2e/dashboard.test.ts");
    // Who asks for the part says so.
    for (const file of free.flat()) {
      expect(readFileSync(file, "utf8"), file).not.to.match(/describeWithPart\(\s*"(?:docker|compose|grid|registry)/);
    }
  });
});
