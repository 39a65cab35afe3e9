import { expect } from "chai";
import fc from "fast-check";

import { isQuorum, quorumOf } from "../../../../src/domain/channel/quorum.ts";

/** Members that decide, for 1 to 20 that count. */
const TABLE = [1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8, 9, 9, 10, 11, 11, 12, 13, 13, 14];

describe("domain/channel/quorum", () => {
  it("should be strictly more than two thirds, for 1 to 20 members", () => {
    expect(TABLE.map((_, index) => Number(quorumOf(BigInt(index + 1))))).to.deep.equal(TABLE);
  });

  it("should have more than a third of the weight in any two", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 256n }), (counted) => {
        const quorum = quorumOf(counted);
        expect(quorum <= counted).to.equal(true);
        expect(quorum * 3n > counted * 2n && (quorum - 1n) * 3n <= counted * 2n).to.equal(true);
        expect((2n * quorum - counted) * 3n > counted).to.equal(true);
      }),
    );
  });

  it("should never be reached where nobody counts", () => {
    expect([isQuorum(0n, 0n), isQuorum(5n, 0n)]).to.deep.equal([false, false]);
    expect([isQuorum(2n, 3n), isQuorum(3n, 3n)]).to.deep.equal([false, true]);
  });
});
