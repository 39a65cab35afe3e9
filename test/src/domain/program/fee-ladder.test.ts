import { expect } from "chai";
import fc from "fast-check";

import { FEE_PER_OPERATION_STROOPS, feeLadder } from "../../../../src/domain/program/fee-ladder.ts";

const NETWORK_FEE_STROOPS = 100n;

describe("domain/program/fee-ladder", () => {
  it("should begin low, ask ten times as much each time, and end at the cap", () => {
    expect(feeLadder(2, 30_000n)).to.deep.equal([1_000n, 10_000n]);
    expect(feeLadder(2, 100_000n)).to.deep.equal([1_000n, 10_000n, 33_333n]);
    expect(feeLadder(1, 2_000n)).to.deep.equal([1_000n]);
    expect(feeLadder(2, 300n)).to.deep.equal([100n]);
    expect(feeLadder(2, 299n)).to.deep.equal([]);
  });

  it("should never offer more than the payer allows or less than the network takes, and replace what it offered before", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.bigInt({ min: 0n, max: 10n ** 15n }), (operations, maximum) => {
        const ladder = feeLadder(operations, maximum);
        const bid = (offer: bigint): bigint => offer * BigInt(operations + 1);
        expect(ladder.length === 0).to.equal(maximum < bid(NETWORK_FEE_STROOPS));
        for (const [i, offer] of ladder.entries()) {
          expect(bid(offer) <= maximum).to.equal(true);
          expect(offer >= NETWORK_FEE_STROOPS).to.equal(true);
          const before = ladder[i - 1];
          if (before === undefined) continue;
          // The last one may fall short of it: it is for a queue that dropped the one before.
          expect(i === ladder.length - 1 ? offer > before : offer === before * 10n).to.equal(true);
        }
        if (ladder.length > 1) expect(ladder[0]).to.equal(FEE_PER_OPERATION_STROOPS);
        const last = ladder.at(-1);
        if (last !== undefined) expect(bid(last + 1n) > maximum).to.equal(true);
      }),
    );
  });
});
