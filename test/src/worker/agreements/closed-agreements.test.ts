import { expect } from "chai";

import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { openClosedAgreements } from "../../../../src/worker/agreements/closed-agreements.ts";

describe("worker/agreements/closed-agreements", () => {
  it("should keep what was closed out of turn, and a number for all the others", async () => {
    const store = createMemoryStore();
    const closed = openClosedAgreements(store);
    expect(await closed.upTo()).to.equal(0);
    await closed.add({ address: "0xb", number: 7 }, 2);
    await closed.add({ address: "0xc", number: 9 }, 2);
    expect([await closed.has("0xb"), await closed.has("0xc"), await closed.has("0xa")]).to.deep.equal([
      true,
      true,
      false,
    ]);

    // Number 5, on which the others waited.
    await closed.add({ address: "0xa", number: 5 }, 8);
    const again = openClosedAgreements(store);
    expect(await again.upTo()).to.equal(8);
    expect((await store.list("closed-agreements")).map(({ key }) => key)).to.deep.equal(["0xc"]);
    await again.clear();
    expect(await again.upTo()).to.equal(0);
    expect(await store.list("closed-agreements")).to.deep.equal([]);
  });
});
