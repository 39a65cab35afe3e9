import { expect } from "chai";
import type { JsonRpcProvider } from "ethers";
import fc from "fast-check";

import { firstBlockOf } from "../../../../src/adapters/chain/block-of-time.ts";

describe("adapters/chain/block-of-time", () => {
  it("finds the first block that is not older, with few looks, also where old blocks are gone", async () => {
    const chains = fc.record({
      pauses: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 300 }),
      at: fc.nat(10_000),
      gone: fc.nat(300),
    });
    await fc.assert(
      fc.asyncProperty(chains, async ({ pauses, at, gone }) => {
        let seconds = 0;
        const times = pauses.map((pause) => (seconds += pause));
        let looks = 0;
        const provider = {
          getBlockNumber: async () => await Promise.resolve(times.length - 1),
          async getBlock(block: number) {
            looks += 1;
            // What its node does not keep any more is older than what is looked for.
            const isGone = block < gone && (times[block] ?? 0) < at;
            return await Promise.resolve(isGone ? null : { timestamp: times[block] });
          },
        } as unknown as JsonRpcProvider;
        const found = await firstBlockOf({ provider, read: async (what) => await what() }, at);
        const expected = times.findIndex((time) => time >= at);
        expect(found).to.equal(expected === -1 ? times.length : expected);
        expect(looks).to.be.at.most(Math.ceil(Math.log2(times.length + 1)) + 1);
      }),
    );
  });
});
