import { expect } from "chai";
import fc from "fast-check";

import { formatStroops, parseXlm } from "../../../../src/domain/program/stroops.ts";

describe("stroops", () => {
  it("come back from the number of XLM that they were written as", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (stroops) => {
        expect(parseXlm(formatStroops(stroops))).to.equal(stroops);
      }),
    );
  });

  it("are written with seven decimals", () => {
    expect(formatStroops(1n)).to.equal("0.0000001");
    expect(formatStroops(10_000_000n)).to.equal("1.0000000");
  });

  it("are read from as many decimals as there are", () => {
    expect(parseXlm("3")).to.equal(30_000_000n);
    expect(parseXlm("0.5")).to.equal(5_000_000n);
  });
});
