import { expect } from "chai";
import { id, ZeroAddress } from "ethers";
import { network } from "hardhat";

import type { WorkAgreement } from "../../../typechain-types/index.ts";
import { termsOf } from "../helpers/epochs.ts";
import {
  buy,
  deployMarket,
  ETHER,
  makeTester,
  makeTwin,
  makeWorker,
  messageKeyOf,
  messageWallet,
  proveKey,
  REQUEST,
  SETTINGS,
  TERMS,
} from "../helpers/market.ts";

const { ethers, networkHelpers } = await network.create();

const PRICE = TERMS.pricePerBlock;
const FEE = SETTINGS.testerFeePerEpoch;
const Mood = { Accept: 0n, Refuse: 1n, Reenter: 2n } as const;

async function fixture() {
  const market = await deployMarket(ethers);
  const signers = await ethers.getSigners();
  const [client, attacker] = signers;
  if (!client || !attacker) throw new Error("the network has too few accounts");
  await makeTwin(market, client);
  await makeTwin(market, attacker);
  const operators = signers.slice(2, 5);
  for (const operator of operators) await makeWorker(market, operator);
  const testers = signers.slice(5, 8);
  for (const tester of testers) await makeTester(market, tester);
  const actor = await ethers.deployContract("Actor");
  await client.sendTransaction({ to: await actor.getAddress(), value: 10n * ETHER });
  const account = await actor.getAddress();
  const key = messageWallet("the actor");
  const ledgerKey = id("the actor's ledger key");
  const proof = await proveKey(market.twins, key, { account, ledgerKey, nonce: 0n });
  const { twins } = market;
  await actor.act(twins, 0n, twins.interface.encodeFunctionData("register", [messageKeyOf(key), ledgerKey, proof]));
  return { market, dispatcher: market.dispatcher, client, attacker, operators, testers, actor };
}

async function lastAgreement(market: Awaited<ReturnType<typeof deployMarket>>): Promise<WorkAgreement> {
  const count = await market.dispatcher.agreementCount();
  return await ethers.getContractAt("WorkAgreement", await market.dispatcher.agreementAt(count));
}

describe("hostile accounts", () => {
  describe("reentrancy", () => {
    it("should not let a client buy again out of its refund", async () => {
      const { market, dispatcher, actor } = await networkHelpers.loadFixture(fixture);
      const required = await dispatcher.quote(3n, 24n);
      for (const name of ["buyContract", "buyContractFor", "buyContractWith"] as const) {
        const again =
          name === "buyContract"
            ? dispatcher.interface.encodeFunctionData(name, [1n, 24n])
            : name === "buyContractWith"
              ? dispatcher.interface.encodeFunctionData(name, [[1n], 24n])
              : dispatcher.interface.encodeFunctionData(name, [{ ...REQUEST, redundancy: 1n }]);
        await actor.setMood(Mood.Reenter, dispatcher, again);
        const before = await dispatcher.agreementCount();
        const attempts = await actor.attempts();
        const first = dispatcher.interface.encodeFunctionData("buyContract", [3n, 24n]);
        await expect(actor.act(dispatcher, required + 1n, first)).to.changeEtherBalances(
          ethers,
          [actor, dispatcher],
          [-required, 0n],
        );
        expect(await actor.attempts()).to.equal(attempts + 1n);
        expect(await actor.reentered()).to.equal(false);
        expect(await dispatcher.agreementCount()).to.equal(before + 1n);
      }
      expect(await (await lastAgreement(market)).unsettled()).to.equal(required);
    });

    it("should pay a withdrawal once", async () => {
      const { market, dispatcher, actor } = await networkHelpers.loadFixture(fixture);
      await actor.act(
        dispatcher,
        await dispatcher.quote(3n, 24n),
        dispatcher.interface.encodeFunctionData("buyContract", [3n, 24n]),
      );
      const agreement = await lastAgreement(market);
      await networkHelpers.mine(60);
      await agreement.settle(2n);
      const withdraw = agreement.interface.encodeFunctionData("withdraw");
      await actor.setMood(Mood.Reenter, agreement, withdraw);
      await expect(actor.act(agreement, 0n, withdraw)).to.changeEtherBalances(
        ethers,
        [actor, agreement],
        [6n * FEE, -6n * FEE],
      );
      expect(await actor.reentered()).to.equal(false);
    });

    it("should pay unbonded stake once", async () => {
      const { market, dispatcher, actor } = await networkHelpers.loadFixture(fixture);
      const { testers } = market;
      const worker = dispatcher.interface;
      await actor.act(dispatcher, ETHER, worker.encodeFunctionData("registerWorker", [{ ...TERMS, slots: 1n }]));
      const workerId = await dispatcher.workerOf(actor, TERMS.applicationType);
      await actor.act(dispatcher, 0n, worker.encodeFunctionData("unregisterWorker", [workerId]));
      await actor.act(testers, ETHER, testers.interface.encodeFunctionData("registerTester", [1n, 1n]));
      await actor.act(testers, 0n, testers.interface.encodeFunctionData("unregisterTester"));
      await networkHelpers.mine(8);
      const fromMarket = worker.encodeFunctionData("withdrawStake", [workerId]);
      await actor.setMood(Mood.Reenter, dispatcher, fromMarket);
      await expect(actor.act(dispatcher, 0n, fromMarket)).to.changeEtherBalances(
        ethers,
        [actor, dispatcher],
        [ETHER, -ETHER],
      );
      expect(await actor.reentered()).to.equal(false);
      const fromTesters = testers.interface.encodeFunctionData("withdrawStake");
      await actor.setMood(Mood.Reenter, testers, fromTesters);
      await expect(actor.act(testers, 0n, fromTesters)).to.changeEtherBalances(
        ethers,
        [actor, testers],
        [ETHER, -ETHER],
      );
      expect(await actor.reentered()).to.equal(false);
    });
  });

  describe("accounts that refuse ether", () => {
    it("should fail alone, with what it was owed still there", async () => {
      const { market, dispatcher, actor, operators } = await networkHelpers.loadFixture(fixture);
      const required = await dispatcher.quote(3n, 24n);
      await actor.setMood(Mood.Refuse, ZeroAddress, "0x");
      const buyIt = dispatcher.interface.encodeFunctionData("buyContract", [3n, 24n]);
      for (const value of [required + 1n, required - 1n]) {
        await expect(actor.act(dispatcher, value, buyIt)).to.be.revertedWithCustomError(
          dispatcher,
          "Ether_TransferFailed",
        );
      }
      await actor.act(dispatcher, required, buyIt);

      const agreement = await lastAgreement(market);
      await networkHelpers.mine(60);
      await agreement.settle(2n);
      await agreement.finalize();
      const withdraw = agreement.interface.encodeFunctionData("withdraw");
      await expect(actor.act(agreement, 0n, withdraw))
        .to.be.revertedWithCustomError(agreement, "Ether_TransferFailed")
        .withArgs(await actor.getAddress(), 6n * FEE);
      for (const operator of operators) {
        await expect(agreement.connect(operator).withdraw()).to.changeEtherBalances(ethers, [operator], [24n * PRICE]);
      }
      await actor.setMood(Mood.Accept, ZeroAddress, "0x");
      await expect(actor.act(agreement, 0n, withdraw)).to.changeEtherBalances(ethers, [actor], [6n * FEE]);
      expect(await ethers.provider.getBalance(agreement)).to.equal(0n);
    });

    it("should not lose stake by refusing it", async () => {
      const { market, dispatcher, actor } = await networkHelpers.loadFixture(fixture);
      const { testers } = market;
      const worker = dispatcher.interface;
      await actor.act(dispatcher, ETHER, worker.encodeFunctionData("registerWorker", [{ ...TERMS, slots: 1n }]));
      const workerId = await dispatcher.workerOf(actor, TERMS.applicationType);
      await actor.act(dispatcher, 0n, worker.encodeFunctionData("unregisterWorker", [workerId]));
      await actor.act(testers, ETHER, testers.interface.encodeFunctionData("registerTester", [1n, 1n]));
      await actor.act(testers, 0n, testers.interface.encodeFunctionData("unregisterTester"));
      await networkHelpers.mine(8);
      await actor.setMood(Mood.Refuse, ZeroAddress, "0x");
      await expect(
        actor.act(dispatcher, 0n, worker.encodeFunctionData("withdrawStake", [workerId])),
      ).to.be.revertedWithCustomError(dispatcher, "Ether_TransferFailed");
      await expect(
        actor.act(testers, 0n, testers.interface.encodeFunctionData("withdrawStake")),
      ).to.be.revertedWithCustomError(testers, "Ether_TransferFailed");
      expect((await dispatcher.worker(workerId)).unbonding).to.equal(ETHER);
      expect((await testers.tester(await testers.testerOf(actor))).unbonding).to.equal(ETHER);
    });
  });

  describe("Sybils and jamming", () => {
    it("should give a Sybil no second seat for an operator", async () => {
      const { market, dispatcher, client, operators } = await networkHelpers.loadFixture(fixture);
      const [operator] = operators;
      if (!operator) throw new Error("no operator");
      await expect(dispatcher.connect(operator).registerWorker(TERMS, { value: ETHER })).to.be.revertedWithCustomError(
        dispatcher,
        "WorkerDispatcher_AlreadyRegistered",
      );
      const agreement = await buy(market, client);
      const accounts = (await termsOf(agreement)).workers.map((seat) => seat.operator);
      expect(new Set(accounts).size).to.equal(3);
    });

    it("should not let cheap short workers stand before the longer ones", async () => {
      const { market, dispatcher } = await networkHelpers.loadFixture(fixture);
      const applicationType = id("jammed");
      // These serve 17 blocks and stand in the class of a purchase over 24 blocks.
      for (let i = 0; i < 40; i++) {
        const wallet = new ethers.Wallet(id(`jammer ${i}`), ethers.provider);
        await networkHelpers.setBalance(wallet.address, ETHER);
        await makeWorker(market, wallet, { applicationType, pricePerBlock: 1n, maxLength: 17n, slots: 1n });
      }
      const [sameClass, wallet] = ["same class", "long"].map((name) => new ethers.Wallet(id(name), ethers.provider));
      for (const each of [sameClass!, wallet!]) await networkHelpers.setBalance(each.address, ETHER);
      // The price of the bound: who stands behind them in their class is passed over, too.
      await makeWorker(market, sameClass!, { applicationType, maxLength: 31n, slots: 1n });
      const honest = await makeWorker(market, wallet!, { applicationType, maxLength: 64n, slots: 1n });
      const request = { ...REQUEST, applicationType, redundancy: 1n };
      expect([...(await dispatcher.candidates({ ...request, length: 24n }))]).to.deep.equal([honest]);
      expect([...(await dispatcher.candidates({ ...request, length: 32n }))]).to.deep.equal([honest]);
      expect((await dispatcher.candidates({ ...request, length: 17n })).length).to.equal(3);
    });

    it("should not let a draw be repeated by opening again", async () => {
      const { market, client, attacker } = await networkHelpers.loadFixture(fixture);
      const agreement = await buy(market, client, { length: 12n });
      await networkHelpers.mine(2);
      const preview = [...(await agreement.previewTesters(0n))];
      await agreement.connect(attacker).openEpoch(0n);
      await expect(agreement.connect(attacker).openEpoch(0n)).to.be.revertedWithCustomError(
        agreement,
        "WorkAgreement_AlreadyOpen",
      );
      expect([...(await agreement.testersOf(0n))]).to.deep.equal(preview);
    });
  });

  it("should not let a stranger's calls lower what anybody has coming", async () => {
    const { market, client, attacker, operators } = await networkHelpers.loadFixture(fixture);
    const agreement = await buy(market, client, { length: 24n });
    await networkHelpers.mine(60);
    await agreement.connect(attacker).settle(1n);
    const before = await Promise.all(
      [client, ...operators].map(async (account) => await agreement.creditOf(account.address)),
    );
    await agreement.connect(attacker).settle(1n);
    await agreement.connect(attacker).finalize();
    await expect(agreement.connect(attacker).withdraw()).to.be.revertedWithCustomError(
      agreement,
      "WorkAgreement_NothingToWithdraw",
    );
    const after = await Promise.all(
      [client, ...operators].map(async (account) => await agreement.creditOf(account.address)),
    );
    for (const [i, credit] of after.entries()) expect(credit >= (before[i] ?? 0n)).to.equal(true);
  });

  it("should pay a client that is its own worker out of its own pocket only", async () => {
    const { market, dispatcher, operators } = await networkHelpers.loadFixture(fixture);
    const [operator] = operators;
    if (!operator) throw new Error("no operator");
    const workerId = await dispatcher.workerOf(operator.address, TERMS.applicationType);
    const value = await dispatcher.quoteWith([workerId], 12n);
    await dispatcher.connect(operator).buyContractWith([workerId], 12n, { value });
    const agreement = await lastAgreement(market);
    await networkHelpers.mine(60);
    await agreement.settle(1n);
    await agreement.finalize();
    expect(await agreement.creditOf(operator.address)).to.equal(value);
    await expect(agreement.connect(operator).withdraw()).to.changeEtherBalances(
      ethers,
      [operator, agreement],
      [value, -value],
    );
    expect(await dispatcher.reputationOf(workerId)).to.equal(5_000n);
  });
});
