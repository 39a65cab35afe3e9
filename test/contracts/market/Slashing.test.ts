import { expect } from "chai";
import { network } from "hardhat";

import { BURN_ADDRESS, buyWith, drain, expectSolvent, finish, runDrawn, worth } from "../helpers/epochs.ts";
import {
  deployMarket,
  makeTester,
  makeTwin,
  makeWorker,
  type Market,
  SETTINGS,
  TERMS,
  TESTER_SETTINGS,
  type Terms,
  Verdict,
} from "../helpers/market.ts";

const chain = await network.create();
const { ethers } = chain;

const PRICE = TERMS.pricePerBlock;
const FEE = SETTINGS.testerFeePerEpoch;
const BLOCKS = SETTINGS.epochLength;
const LOCK = SETTINGS.minSlotStake;
const { Ok, Wrong } = Verdict;

async function people() {
  const signers = await ethers.getSigners();
  const [client, operator] = signers;
  if (!client || !operator) throw new Error("the network has too few accounts");
  return { client, operator, testers: signers.slice(2, 5) };
}

/** A market with one worker and three testers. */
async function scene(settings: Partial<typeof SETTINGS> = {}, terms: Partial<Terms> = {}, stake?: bigint) {
  const market = await deployMarket(ethers, settings);
  const { client, operator, testers } = await people();
  await makeTwin(market, client);
  const workerId = await makeWorker(market, operator, terms, stake);
  for (const tester of testers) await makeTester(market, tester);
  return { market, client, operator, testers, workerId, all: [client, operator, ...testers] };
}

const burnt = async () => await ethers.provider.getBalance(BURN_ADDRESS);
const stakeOf = async (market: Market, workerId: bigint) => {
  const { stake, locked, listed } = await market.dispatcher.worker(workerId);
  return { stake, locked, listed };
};

describe("slashing", () => {
  it("should give the client first what it paid for the worker and for finding it, and burn the rest", async () => {
    const { market, client, operator, testers, workerId, all } = await scene();
    const agreement = await buyWith(market, client, [workerId], 3n * BLOCKS);
    await runDrawn(chain, agreement, 1n, testers, (seat) => (seat === 2 ? undefined : [Wrong]));
    const before = { burnt: await burnt(), worth: await worth(market, [agreement]) };
    await finish(chain, agreement);
    const slashed = (LOCK * SETTINGS.slashShare) / 10_000n;
    // Two epochs were paid, and two reports found it wrong.
    const compensation = 2n * BLOCKS * PRICE + 2n * FEE;
    expect(await agreement.creditOf(client)).to.equal(BLOCKS * PRICE + 7n * FEE + compensation);
    expect(await agreement.creditOf(operator)).to.equal(2n * BLOCKS * PRICE);
    expect((await burnt()) - before.burnt).to.equal(slashed - compensation + TESTER_SETTINGS.dutyStake / 8n);
    expect(await worth(market, [agreement])).to.equal(before.worth);
    expect((await market.records.recordOf(workerId)).slashed).to.equal(slashed);
    await expectSolvent(market, [agreement], all);
    await drain(chain, market, agreement, all);
  });

  it("should give all to a client that lost more than the slash, and burn nothing", async () => {
    const { market, client, testers, workerId, all } = await scene({ slashShare: 1_000n, minSlotStake: 1n });
    const agreement = await buyWith(market, client, [workerId], 2n * BLOCKS);
    await runDrawn(chain, agreement, 0n, testers, () => [Wrong]);
    const before = await burnt();
    await finish(chain, agreement);
    const lock = SETTINGS.stakeFactor * PRICE * 2n * BLOCKS;
    // A tenth of the lock is less than the price of the good epoch.
    expect(lock / 10n < BLOCKS * PRICE).to.equal(true);
    expect(await agreement.creditOf(client)).to.equal(BLOCKS * PRICE + 3n * FEE + lock / 10n);
    expect(await burnt()).to.equal(before);
    await drain(chain, market, agreement, all);
  });

  it("should take a share for each wrong epoch, and never more than the lock", async () => {
    for (const [wrongEpochs, share] of [
      [1, 4_000n],
      [2, 8_000n],
      [3, 10_000n],
      [4, 10_000n],
    ] as const) {
      const { market, client, testers, workerId, operator } = await scene({ slashShare: 4_000n });
      const agreement = await buyWith(market, client, [workerId], 4n * BLOCKS);
      for (let epoch = 0n; epoch < 4n; epoch++) {
        await runDrawn(chain, agreement, epoch, testers, () => [epoch < BigInt(wrongEpochs) ? Wrong : Ok]);
      }
      const before = await stakeOf(market, workerId);
      await finish(chain, agreement);
      const after = await stakeOf(market, workerId);
      expect(before.stake - after.stake).to.equal((LOCK * share) / 10_000n);
      expect(after.locked).to.equal(0n);
      expect(await agreement.creditOf(operator)).to.equal(BigInt(4 - wrongEpochs) * BLOCKS * PRICE);
    }
  });

  it("should leave the lock of another agreement of the worker alone, and what leaves the market", async () => {
    const { market, client, operator, testers, workerId, all } = await scene({ slashShare: 10_000n }, { slots: 2n });
    const own = market.dispatcher.connect(operator);
    await own.addStake(workerId, { value: LOCK });
    const wrong = await buyWith(market, client, [workerId], BLOCKS);
    const good = await buyWith(market, client, [workerId], 4n * BLOCKS);
    await own.unbondStake(workerId, LOCK);
    await runDrawn(chain, wrong, 0n, testers, () => [Wrong]);
    await finish(chain, wrong);
    const worker = await market.dispatcher.worker(workerId);
    expect([worker.stake, worker.locked, worker.slotsUsed, worker.unbonding]).to.deep.equal([LOCK, LOCK, 1n, LOCK]);
    await expect(own.withdrawStake(workerId)).to.changeEtherBalances(ethers, [operator], [LOCK]);
    await finish(chain, good);
    const after = await market.dispatcher.worker(workerId);
    expect([after.stake, after.locked, after.slotsUsed]).to.deep.equal([LOCK, 0n, 0n]);
    await drain(chain, market, good, all);
    await drain(chain, market, wrong, all);
  });

  it("should take a worker out of the book that no longer backs a slot, until it adds stake", async () => {
    const { market, client, operator, testers, workerId } = await scene({}, { slots: 1n });
    const agreement = await buyWith(market, client, [workerId], BLOCKS);
    await runDrawn(chain, agreement, 0n, testers, () => [Wrong]);
    await finish(chain, agreement);
    expect(await stakeOf(market, workerId)).to.deep.equal({ stake: LOCK / 2n, locked: 0n, listed: false });
    await expect(market.dispatcher.connect(client).buyContractWith([workerId], BLOCKS, { value: 10n ** 18n }))
      .to.be.revertedWithCustomError(market.dispatcher, "WorkerDispatcher_WorkerNotAvailable")
      .withArgs(workerId);
    const own = market.dispatcher.connect(operator);
    await own.addStake(workerId, { value: LOCK / 2n - 1n });
    expect((await stakeOf(market, workerId)).listed).to.equal(false);
    await own.addStake(workerId, { value: 1n });
    expect((await stakeOf(market, workerId)).listed).to.equal(true);
    await buyWith(market, client, [workerId], BLOCKS);
  });

  it("should never profit who slashes itself: client, worker and testers in one hand", async () => {
    // From locks far above what was paid to locks below it.
    for (const settings of [
      {},
      { slashShare: 10_000n },
      { slashShare: 500n, minSlotStake: 1n },
      { minSlotStake: 1n },
    ]) {
      for (const wrongEpochs of [1, 2, 3]) {
        const { market, operator, testers, workerId } = await scene(settings);
        const hand = [operator, ...testers];
        const wealth = async () => {
          const { stake } = await market.dispatcher.worker(workerId);
          let total = stake;
          for (const tester of testers) {
            const view = await market.testers.tester(await market.testers.testerOf(tester));
            total += view.stake + view.credit;
          }
          return total;
        };
        const before = await wealth();
        const agreement = await buyWith(market, operator, [workerId], 3n * BLOCKS);
        const paid = await agreement.unsettled();
        for (let epoch = 0n; epoch < 3n; epoch++) {
          await runDrawn(chain, agreement, epoch, testers, () => [epoch < BigInt(wrongEpochs) ? Wrong : Ok]);
        }
        const burntBefore = await burnt();
        await finish(chain, agreement);
        const gained = (await wealth()) + (await agreement.creditOf(operator)) - before - paid;
        // What the hand lost is what was burnt, to the wei: nothing comes from nowhere.
        expect(gained).to.equal(burntBefore - (await burnt()));
        expect(gained <= 0n).to.equal(true);
        await drain(chain, market, agreement, hand);
      }
    }
  });

  it("should give a client that has bought all testers against an honest worker back what it paid, and no more", async () => {
    for (const settings of [{}, { slashShare: 10_000n }, { slashShare: 500n, minSlotStake: 1n }]) {
      for (const wrongEpochs of [1, 3]) {
        const { market, client, testers, workerId } = await scene(settings);
        const agreement = await buyWith(market, client, [workerId], 3n * BLOCKS);
        const paid = await agreement.unsettled();
        for (let epoch = 0n; epoch < 3n; epoch++) {
          await runDrawn(chain, agreement, epoch, testers, () => [epoch < BigInt(wrongEpochs) ? Wrong : Ok]);
        }
        await finish(chain, agreement);
        let got = await agreement.creditOf(client);
        for (const tester of testers) {
          got += (await market.testers.tester(await market.testers.testerOf(tester))).credit;
        }
        // The fees come back twice: to its testers, and as what it cost to find the worker wrong.
        expect(got <= paid + BigInt(wrongEpochs) * 3n * FEE).to.equal(true);
      }
    }
  });
});
