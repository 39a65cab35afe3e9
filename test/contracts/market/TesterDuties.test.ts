import { expect } from "chai";
import { id, type Signer } from "ethers";
import { network } from "hardhat";

import {
  BURN_ADDRESS,
  buyWith,
  commitAs,
  drain,
  expectSolvent,
  finish,
  mineTo as mineToIn,
  revealAs,
  runDrawn,
  runPanel,
  signersOf,
  worth,
} from "../helpers/epochs.ts";
import {
  buy,
  deployMarket,
  ETHER,
  makeTester,
  makeTwin,
  makeWorker,
  type Market,
  Outcome,
  SETTINGS,
  TERMS,
  TESTER_SETTINGS,
  Verdict,
} from "../helpers/market.ts";

const chain = await network.create();
const { ethers, networkHelpers } = chain;

const FEE = SETTINGS.testerFeePerEpoch;
const DUTY = TESTER_SETTINGS.dutyStake;
const MISS = DUTY / 8n;
const { Ok, Unreachable, Wrong } = Verdict;
/** EIP-7825: no transaction may use more. */
const GAS_OF_A_TRANSACTION = 2n ** 24n;

const mineTo = async (block: bigint) => await mineToIn(chain, block);
const burnt = async () => await ethers.provider.getBalance(BURN_ADDRESS);
const viewOf = async (market: Market, tester: Signer) =>
  await market.testers.tester(await market.testers.testerOf(tester));

async function fixture() {
  const market = await deployMarket(ethers);
  const signers = await ethers.getSigners();
  const [client, operator] = signers;
  if (!client || !operator) throw new Error("the network has too few accounts");
  await makeTwin(market, client);
  const workerId = await makeWorker(market, operator, { slots: 8n });
  const testers = signers.slice(2, 5);
  // Stake for just as many duties as they take.
  for (const tester of testers) await makeTester(market, tester, { capacity: 2n, stake: 2n * DUTY });
  return { market, client, operator, workerId, testers, all: [client, operator, ...testers] };
}

/** Accounts that nobody else has, with ether. */
async function freshAccounts(name: string, count: number): Promise<Signer[]> {
  const accounts: Signer[] = [];
  for (let i = 0; i < count; i++) {
    const wallet = new ethers.Wallet(id(`${name} ${i}`), ethers.provider);
    await networkHelpers.setBalance(wallet.address, 10n * ETHER);
    accounts.push(wallet);
  }
  return accounts;
}

describe("TesterRegistry: duties", () => {
  describe("misses", () => {
    it("should cost an eighth of a duty's stake, burnt, and the fee, which goes back to the client", async () => {
      const { market, client, operator, workerId, testers, all } = await networkHelpers.loadFixture(fixture);
      const agreement = await buyWith(market, client, [workerId], 12n);
      // One reveals, one commits only, one does nothing.
      const windows = await agreement.windowsOf(0n);
      await mineTo(windows.commitFrom - 1n);
      await agreement.openEpoch(0n);
      const [good, forgetful, idle] = testers;
      if (!good || !forgetful || !idle) throw new Error("too few");
      await commitAs(agreement, 0n, good, [Ok]);
      await commitAs(agreement, 0n, forgetful, [Ok]);
      await mineTo(windows.revealFrom - 1n);
      await revealAs(agreement, 0n, good, [Ok]);
      await mineTo(windows.finalFrom - 1n);
      const before = { burnt: await burnt(), worth: await worth(market, [agreement]) };
      const sent = agreement.settle(1n);
      for (const tester of [forgetful, idle]) {
        await expect(sent)
          .to.emit(market.testers, "DutyMissed")
          .withArgs(await market.testers.testerOf(tester), await agreement.getAddress(), MISS);
      }
      expect((await burnt()) - before.burnt).to.equal(2n * MISS);
      expect(await worth(market, [agreement])).to.equal(before.worth);
      expect(await agreement.creditOf(client)).to.equal(2n * FEE);
      // NoQuorum: the worker is paid.
      expect(await agreement.creditOf(operator)).to.equal(12n * TERMS.pricePerBlock);
      for (const [tester, expected] of [
        [good, [2n * DUTY, 2n, FEE, 1n, 0n]],
        [forgetful, [2n * DUTY - MISS, 1n, 0n, 0n, 1n]],
        [idle, [2n * DUTY - MISS, 1n, 0n, 0n, 1n]],
      ] as const) {
        const view = await viewOf(market, tester);
        // Capacity follows stake.
        expect([view.stake, view.capacity, view.credit, view.revealed, view.missed]).to.deep.equal(expected);
      }
      await agreement.finalize();
      await drain(chain, market, agreement, all);
    });

    it("should take who cannot back a duty any more out of the draw, until it adds stake", async () => {
      const { market, client, workerId, testers, all } = await networkHelpers.loadFixture(fixture);
      const [idle] = testers;
      if (!idle) throw new Error("no tester");
      const agreement = await buyWith(market, client, [workerId], 24n);
      expect(await market.testers.activeCount()).to.equal(3n);
      for (let epoch = 0n; epoch < 2n; epoch++) {
        await runDrawn(chain, agreement, epoch, testers, (_seat, tester) => (tester === idle ? undefined : [Ok]));
      }
      await finish(chain, agreement);
      let view = await viewOf(market, idle);
      expect([view.stake, view.capacity, view.missed]).to.deep.equal([2n * DUTY - 2n * MISS, 1n, 2n]);
      const own = market.testers.connect(idle);
      // Below a duty's stake it is listed no more, but still registered.
      await own.unbondStake(view.stake - DUTY);
      const second = await buyWith(market, client, [workerId], 12n);
      await runDrawn(chain, second, 0n, testers, (_seat, tester) => (tester === idle ? undefined : [Ok]));
      await finish(chain, second);
      view = await viewOf(market, idle);
      expect([view.capacity, view.active]).to.deep.equal([0n, true]);
      expect(await market.testers.activeCount()).to.equal(2n);
      await expect(
        market.dispatcher.connect(client).buyContractWith([workerId], 12n, { value: ETHER }),
      ).to.be.revertedWithCustomError(market.dispatcher, "WorkerDispatcher_NotEnoughTesters");
      await own.updateTester(1n, 1n, { value: DUTY });
      expect(await market.testers.activeCount()).to.equal(3n);
      await expectSolvent(market, [agreement, second], all);
    });

    it("should still be paid by who leaves while its duties are open, and only what backs them stays", async () => {
      const { market, client, workerId, testers } = await networkHelpers.loadFixture(fixture);
      const [leaver] = testers;
      if (!leaver) throw new Error("no tester");
      const first = await buyWith(market, client, [workerId], 12n);
      const second = await buyWith(market, client, [workerId], 12n);
      await mineTo((await second.windowsOf(0n)).commitFrom - 1n);
      await first.openEpoch(0n);
      await second.openEpoch(0n);
      const own = market.testers.connect(leaver);
      await own.unregisterTester();
      await networkHelpers.mine(8);
      // Both duties hold all that it has.
      await expect(own.withdrawStake()).to.be.revertedWithCustomError(
        market.testers,
        "TesterRegistry_NothingToWithdraw",
      );
      await finish(chain, first);
      await expect(own.withdrawStake()).to.changeEtherBalances(ethers, [leaver], [DUTY - MISS]);
      await finish(chain, second);
      await expect(own.withdrawStake()).to.changeEtherBalances(ethers, [leaver], [DUTY - MISS]);
      const view = await viewOf(market, leaver);
      expect([view.stake, view.unbonding, view.duties, view.missed]).to.deep.equal([0n, 0n, 0n, 2n]);
    });

    it("should not be dodged by lowering the capacity once the draw is known", async () => {
      const { market, client, workerId, testers } = await networkHelpers.loadFixture(fixture);
      const agreement = await buyWith(market, client, [workerId], 12n);
      await networkHelpers.mine(1);
      for (const tester of testers) await market.testers.connect(tester).updateTester(1n, 0n);
      await agreement.openEpoch(0n);
      expect((await agreement.seatsOf(0n)).map((seat) => seat.excused)).to.deep.equal([false, false, false]);
      await finish(chain, agreement);
      for (const tester of testers) expect((await viewOf(market, tester)).missed).to.equal(1n);
    });
  });

  describe("fees", () => {
    it("should be withdrawn for all agreements at once, once, and be kept for who refuses them", async () => {
      const { market, client, workerId, testers } = await networkHelpers.loadFixture(fixture);
      const [first] = testers;
      if (!first) throw new Error("no tester");
      for (let i = 0; i < 2; i++) {
        const agreement = await buyWith(market, client, [workerId], 12n);
        await runDrawn(chain, agreement, 0n, testers, () => [Ok]);
        await finish(chain, agreement);
      }
      const own = market.testers.connect(first);
      const testerId = await market.testers.testerOf(first);
      await expect(own.withdrawFees())
        .to.emit(market.testers, "FeesWithdrawn")
        .withArgs(testerId, await first.getAddress(), 2n * FEE);
      for (const account of [first, client]) {
        await expect(market.testers.connect(account).withdrawFees())
          .to.be.revertedWithCustomError(market.testers, "TesterRegistry_NoFees")
          .withArgs(await account.getAddress());
      }
    });

    it("should be counted for who asks for at most so much, in classes of powers of two", async () => {
      const { market, client, testers } = await networkHelpers.loadFixture(fixture);
      const { testers: registry, dispatcher } = market;
      const max = await registry.maxFeePerEpoch();
      expect(max).to.equal(DUTY / 400n);
      const [a, b, c] = testers;
      if (!a || !b || !c) throw new Error("too few");
      await registry.connect(a).updateTester(max, 2n);
      await registry.connect(b).updateTester(max / 2n, 2n);
      await registry.connect(c).updateTester(max / 2n + 1n, 2n);
      const available = async (fee: bigint) => await registry.availableFor(fee, []);
      expect(await available(max)).to.equal(3n);
      // Half counts its own class; what lies between half and all counts none of the dearer class.
      expect(await available(max - 1n)).to.equal(1n);
      expect(await available(max / 2n)).to.equal(1n);
      expect(await available(max / 2n - 1n)).to.equal(0n);
      expect(await registry.availableFor(max, [await a.getAddress(), client.address])).to.equal(2n);
      await expect(registry.connect(a).updateTester(max + 1n, 2n))
        .to.be.revertedWithCustomError(registry, "TesterRegistry_BadFee")
        .withArgs(max, max + 1n);
      await registry.connect(a).updateTester(0n, 2n);
      expect(await available(1n)).to.equal(0n);
      expect(await available(max >> 15n)).to.equal(1n);
      expect(await dispatcher.agreementCount()).to.equal(0n);
    });
  });

  describe("draws that nobody makes in time", () => {
    async function longEpochs() {
      const market = await deployMarket(ethers, { epochLength: 6_000n, maxLength: 12_000n });
      const signers = await ethers.getSigners();
      const [client, operator] = signers;
      if (!client || !operator) throw new Error("the network has too few accounts");
      await makeTwin(market, client);
      const workerId = await makeWorker(market, operator, { maxLength: 12_000n });
      const testers = signers.slice(2, 14);
      for (const tester of testers) await makeTester(market, tester);
      const agreement = await buyWith(market, client, [workerId], 6_000n);
      return { market, client, operator, workerId, testers, agreement, all: [client, operator, ...testers] };
    }

    it("should be made after 5,000 blocks from a seed that is still known, and serve as any other", async () => {
      const { market, operator, testers, agreement, all } = await networkHelpers.loadFixture(longEpochs);
      const start = await agreement.start();
      const first = start + 1n;
      const opened = start + 5_000n;
      await mineTo(opened - 1n);
      const seed = first + ((opened - 1n - first) / 256n) * 256n;
      const preview = [...(await agreement.previewTesters(0n, { blockTag: "pending" }))];
      await expect(agreement.openEpoch(0n)).to.emit(agreement, "EpochOpened").withArgs(0n, seed, preview, 0n);
      expect(opened - seed <= 256n).to.equal(true);
      expect(preview.length).to.equal(3);
      await runDrawn(chain, agreement, 0n, testers, () => [Unreachable]);
      await finish(chain, agreement);
      expect([...(await agreement.outcomesOf(0n))]).to.deep.equal([Outcome.Unreachable]);
      expect(await agreement.creditOf(operator)).to.equal(0n);
      await drain(chain, market, agreement, all);
    });

    it("should count stakes as of the block before the seed that is used", async () => {
      const { market, testers, agreement } = await networkHelpers.loadFixture(longEpochs);
      // Nine leave before the second seed, and are not in its draw; the three left are.
      for (const tester of testers.slice(3)) await market.testers.connect(tester).unregisterTester();
      await mineTo((await agreement.start()) + 300n);
      await agreement.openEpoch(0n);
      expect([...(await agreement.testersOf(0n))].sort()).to.deep.equal(
        testers
          .slice(0, 3)
          .map((tester) => tester.address)
          .sort(),
      );
    });

    it("should move on for panels, too", async () => {
      const { market, operator, testers, agreement, all } = await networkHelpers.loadFixture(longEpochs);
      await runDrawn(chain, agreement, 0n, testers, () => [Wrong]);
      await mineTo((await agreement.windowsOf(0n)).appealFrom - 1n);
      const bond = await market.disputes.bondOf(agreement);
      await market.disputes.connect(operator).appeal(agreement, 0n, 0n, { value: bond });
      const { seedBlock } = await market.disputes.panelWindowsOf(agreement, 0n);
      await mineTo(seedBlock + 5_000n);
      const preview = [...(await market.disputes.previewPanel(agreement, 0n, { blockTag: "pending" }))];
      const seed = seedBlock + 256n * (5_000n / 256n);
      const snapshot = await networkHelpers.takeSnapshot();
      await expect(market.disputes.openPanel(agreement, 0n))
        .to.emit(market.disputes, "PanelOpened")
        .withArgs(await agreement.getAddress(), 0n, seed, preview, 0n);
      await snapshot.restore();
      await runPanel(chain, market, agreement, 0n, testers, () => [Ok]);
      await finish(chain, agreement);
      expect([...(await agreement.outcomesOf(0n))]).to.deep.equal([Outcome.Ok]);
      await drain(chain, market, agreement, all);
    });

    it("should pay the worker and give the fees back when none is ever made", async () => {
      const { market, client, operator, agreement, all } = await networkHelpers.loadFixture(longEpochs);
      await mineTo((await agreement.windowsOf(0n)).finalFrom);
      await finish(chain, agreement);
      expect([...(await agreement.outcomesOf(0n))]).to.deep.equal([Outcome.NoQuorum]);
      expect(await agreement.creditOf(operator)).to.equal(6_000n * TERMS.pricePerBlock);
      expect(await agreement.creditOf(client)).to.equal(3n * FEE);
      await drain(chain, market, agreement, all);
    });
  });

  /** What each sends is mined together. */
  async function inOneBlock(send: (signer: Signer, index: number) => Promise<void>, signers: readonly Signer[]) {
    await ethers.provider.send("evm_setAutomine", [false]);
    await Promise.all(signers.map(send));
    await networkHelpers.mine();
    await ethers.provider.send("evm_setAutomine", [true]);
  }

  async function dearestEpoch(voters: number) {
    // With time for 20 appeals, one a block.
    const market = await deployMarket(ethers, { epochLength: 40n, revealLength: 40n, appealLength: 40n });
    const { dispatcher, disputes } = market;
    const [client] = await ethers.getSigners();
    if (!client) throw new Error("the network has too few accounts");
    await makeTwin(market, client);
    const operators = await freshAccounts("operator", 20);
    for (const operator of operators) await makeWorker(market, operator, { slots: 1n });
    const testers = await freshAccounts("tester", 22);
    for (const tester of testers) await makeTester(market, tester, { capacity: 1n, stake: DUTY });
    const fee = await market.testers.maxFeePerEpoch();
    const request = { redundancy: 20n, length: 80n, testerCount: 7n, testerFeePerEpoch: fee };
    const agreement = await buy(market, client, request);
    await agreement.connect(client).bindProgram(id("a smart account"));
    // Everybody who challenges has never had a credit before, which costs most.
    const challengers = await freshAccounts("challenger", 20 * voters);
    const all = [client, ...operators, ...testers, ...challengers];

    // The first epoch passes untested, so that all testers have room.
    const votes = (seat: number) => Array<bigint>(20).fill(seat < voters ? Ok : Wrong);
    const drawn = await runDrawn(chain, agreement, 1n, testers, (seat) =>
      seat < Math.max(voters, 4) ? votes(seat) : undefined,
    );
    expect([...(await agreement.tallyOf(1n)).outcomes]).to.deep.equal(Array(20).fill(Outcome.Ok));
    const windows = await agreement.windowsOf(1n);
    await mineTo(windows.appealFrom - 1n);
    const bond = await disputes.bondOf(agreement);
    expect(bond).to.equal(15n * fee);
    for (let worker = 0; worker < 20; worker++) {
      await disputes.connect(client).appeal(agreement, 1n, worker, { value: bond });
    }
    for (let seat = 0; seat < voters; seat++) {
      const own = challengers.slice(20 * seat, 20 * seat + 20);
      await inOneBlock(async (challenger, worker) => {
        await disputes.connect(challenger).challenge(agreement, 1n, seat, worker, { value: MISS });
      }, own);
      expect(await disputes.openChallenges(agreement, 1n, seat)).to.equal(2n ** 20n - 1n);
    }
    expect(await disputes.appealedWorkers(agreement, 1n)).to.equal(2n ** 20n - 1n);
    const panel = await runPanel(chain, market, agreement, 1n, testers, () => Array<bigint>(20).fill(Wrong));
    expect(panel.length).to.equal(15);

    const { finalFrom } = await agreement.windowsOf(1n);
    await mineTo(finalFrom - 1n);
    const before = await worth(market, [agreement]);
    await expectSolvent(market, [agreement], all, 20n * (bond + BigInt(voters) * MISS));
    await agreement.settle(1n);
    const receipt = await (await agreement.settle(1n)).wait();
    const last = await (await agreement.finalize()).wait();
    expect(await worth(market, [agreement])).to.equal(before);
    await expectSolvent(market, [agreement], all);
    expect((receipt?.gasUsed ?? 0n) < GAS_OF_A_TRANSACTION, `settle: ${receipt?.gasUsed} gas`).to.equal(true);
    expect((last?.gasUsed ?? 0n) < GAS_OF_A_TRANSACTION, `finalize: ${last?.gasUsed} gas`).to.equal(true);

    // The voters' duties cover twenty panels and the strikes, and something of them is left.
    let left = 0n;
    for (const tester of await signersOf(
      await Promise.all(drawn.map(async (one) => await one.getAddress())),
      testers,
    )) {
      const view = await viewOf(market, tester);
      if (view.overturned === 0n) continue;
      expect(view.overturned).to.equal(20n);
      left += view.stake;
    }
    expect(left).to.equal(BigInt(voters) * (DUTY - MISS) - 300n * fee);
    expect(await disputes.creditOf(client)).to.equal(20n * bond);
    for (const challenger of challengers) {
      expect(await disputes.creditOf(challenger)).to.equal(MISS + MISS / 2n / 20n);
    }
    for (const tester of panel) expect((await viewOf(market, tester)).credit).to.equal(20n * fee);
    expect((await dispatcher.worker(1n)).stake).to.equal(SETTINGS.minSlotStake / 2n);
    await drain(chain, market, agreement, all);
  }

  describe("the dearest epoch", () => {
    for (const voters of [1, 7]) {
      const whose = voters === 1 ? "one tester pays it all" : `${voters} testers pay it`;
      it(`should settle in one transaction: 20 workers, all appealed, overturned, challenged and struck, and ${whose}`, async () => {
        await dearestEpoch(voters);
      });
    }
  });
});
