import { expect } from "chai";

import { createConnectionShares } from "../../../../src/adapters/channel-api/connection-shares.ts";

describe("adapters/channel-api: shares of connections", () => {
  it("leave room for others however many one address has, and give back what is closed", () => {
    const shares = createConnectionShares(9);
    const fill = (address: string): (() => void)[] => {
      const leaves: (() => void)[] = [];
      while (shares.hasRoom(address)) leaves.push(shares.enter(address));
      return leaves;
    };
    const [first] = fill("one");
    expect(["two", "three"].map((address) => fill(address).length)).to.deep.equal([2, 1]);
    expect(shares.hasRoom("four")).to.equal(true);
    // Closed twice, counted once; and what is free is for who has least.
    first!();
    first!();
    expect(["one", "two", "three"].map((address) => shares.hasRoom(address))).to.deep.equal([false, false, true]);
    expect(fill("four").length).to.equal(1);
  });
});
