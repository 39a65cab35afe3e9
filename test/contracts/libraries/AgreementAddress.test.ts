import { expect } from "chai";
import { getCreateAddress } from "ethers";
import fc from "fast-check";
import { network } from "hardhat";

import { buy, deployMarket, makeTester, makeTwin, makeWorker } from "../helpers/market.ts";

const { ethers, networkHelpers } = await network.create();

async function fixture() {
  const market = await deployMarket(ethers);
  const [client, operator, ...testers] = await ethers.getSigners();
  if (!client || !operator) throw new Error("the network has too few accounts");
  await makeTwin(market, client);
  await makeWorker(market, operator, { slots: 200n });
  for (const tester of testers.slice(0, 3)) await makeTester(market, tester);
  return { market, client };
}

describe("AgreementAddress", () => {
  it("should be the address of the dispatcher's n-th creation, for every length that a number has in RLP", async () => {
    const { market } = await networkHelpers.loadFixture(fixture);
    const from = await market.dispatcher.getAddress();
    const edges = [1, 2, 0x7e, 0x7f, 0x80, 0x81, 0xff, 0x100, 0xffff, 0x10000, 0xffffff, 0x1000000, 0xffffffff];
    for (const nonce of edges) {
      expect(await market.dispatcher.agreementAt(nonce), `${nonce}`).to.equal(getCreateAddress({ from, nonce }));
    }
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 0xffffffff }), async (nonce) => {
        expect(await market.dispatcher.agreementAt(nonce)).to.equal(getCreateAddress({ from, nonce }));
      }),
      { numRuns: 100 },
    );
    await expect(market.dispatcher.agreementAt(2n ** 32n)).to.be.revertedWithCustomError(
      { interface: new ethers.Interface(["error SafeCastOverflowedUintDowncast(uint8,uint256)"]) },
      "SafeCastOverflowedUintDowncast",
    );
  });

  it("should name the agreements that are made, past the number where RLP changes, and none that is not", async () => {
    const { market, client } = await networkHelpers.loadFixture(fixture);
    const { dispatcher } = market;
    for (let number = 1n; number <= 130n; number++) {
      const expected = await dispatcher.agreementAt(number);
      expect(await dispatcher.isAgreement(expected)).to.equal(false);
      const agreement = await buy(market, client, { redundancy: 1n, length: 12n });
      expect(await agreement.getAddress()).to.equal(expected);
      expect(await agreement.number()).to.equal(number);
      expect(await dispatcher.isAgreement(expected)).to.equal(true);
    }
    // Its testers are drawn, so the registry knows it by its number, too.
    const last = await ethers.getContractAt("WorkAgreement", await dispatcher.agreementAt(130n));
    await networkHelpers.mine(2);
    await last.openEpoch(0n);
    expect((await dispatcher.agreements(127n, 100n)).length).to.equal(4);
    expect((await dispatcher.agreements(1n, 1_000n)).length).to.equal(100);
  });

  it("should say of an account that knows no number that it is none", async () => {
    const { market } = await networkHelpers.loadFixture(fixture);
    const { dispatcher } = market;
    const actor = await ethers.deployContract("Actor");
    for (const account of [actor, market.twins, market.testers, dispatcher]) {
      expect(await dispatcher.isAgreement(account)).to.equal(false);
    }
    // Code that takes every call and returns nothing, as many wallets do: PUSH0 PUSH0 RETURN.
    const silent = "0x00000000000000000000000000000000000051e7";
    await networkHelpers.setCode(silent, "0x5f5ff3");
    expect(await dispatcher.isAgreement(silent)).to.equal(false);
    // Code that says that it is the first agreement: PUSH1 1 PUSH0 MSTORE PUSH1 32 PUSH0 RETURN.
    const liar = "0x0000000000000000000000000000000000001a12";
    await networkHelpers.setCode(liar, "0x60015f5260205ff3");
    expect(await dispatcher.isAgreement(liar)).to.equal(false);
  });
});
