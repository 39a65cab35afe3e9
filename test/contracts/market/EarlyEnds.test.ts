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
  runDrawn as runDrawnIn,
  termsOf,
  worth,
} from "../helpers/epochs.ts";
import {
  agreementIn,
  buy,
  deployMarket,
  makeTester,
  makeTwin,
  makeWorker,
  Outcome,
  SETTINGS,
  Status,
  TERMS,
  Verdict,
} from "../helpers/market.ts";

const chain = await network.create();
const { ethers, networkHelpers } = chain;

const PRICE = TERMS.pricePerBlock;
const FEE = SETTINGS.testerFeePerEpoch;
const BLOCKS = SETTINGS.epochLength;
const LOCK = SETTINGS.minSlotStake;
const { Ok, Unreachable, Wrong } = Verdict;

const mineTo = async (block: bigint) => await mineToIn(chain, block);

async function fixture() {
  const market = await deployMarket(ethers);
  const signers = await ethers.getSigners();
  const [client, stranger] = signers;
  if (!client || !stranger) throw new Error("the network has too few accounts");
  await makeTwin(market, client);
  const operators = signers.slice(2, 4);
  const workerIds: bigint[] = [];
  for (const operator of operators) workerIds.push(await makeWorker(market, operator));
  const testers = signers.slice(5, 8);
  for (const tester of testers) await makeTester(market, tester);
  const [w0, w1] = operators;
  if (!w0 || !w1) throw new Error("too few operators");
  const people = [client, stranger, ...operators, ...testers];
  return { market, client, stranger, operators, w0, w1, workerIds, testers, people };
}

type Scene = Awaited<ReturnType<typeof fixture>>;
type Agreement = Awaited<ReturnType<typeof buyWith>>;

async function close(scene: Scene, agreement: Agreement) {
  const before = await worth(scene.market, [agreement]);
  await expectSolvent(scene.market, [agreement], scene.people);
  await finish(chain, agreement);
  expect(await worth(scene.market, [agreement])).to.equal(before);
  await expectSolvent(scene.market, [agreement], scene.people);
  for (const workerId of scene.workerIds) {
    const worker = await scene.market.dispatcher.worker(workerId);
    expect([worker.slotsUsed, worker.locked]).to.deep.equal([0n, 0n]);
  }
}

const runDrawn = async (agreement: Agreement, epoch: bigint, testers: readonly Signer[], verdicts: readonly bigint[]) =>
  await runDrawnIn(chain, agreement, epoch, testers, () => verdicts);

describe("WorkAgreement: early ends and extensions", () => {
  describe("terminate", () => {
    it("should end with the epoch after the running one, and refund the rest at once", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { client, w0, w1, workerIds, people, market } = scene;
      const agreement = await buyWith(market, client, workerIds, 5n * BLOCKS + 7n);
      const start = await agreement.start();
      await mineTo(start + BLOCKS + 3n);
      const refund = 2n * PRICE * (2n * BLOCKS + 7n) + 9n * FEE;
      await expect(agreement.connect(client).terminate())
        .to.emit(agreement, "Terminated")
        .withArgs(start + 3n * BLOCKS, refund);
      expect(await agreement.end()).to.equal(start + 3n * BLOCKS);
      expect(await agreement.epochCount()).to.equal(3n);
      expect(await agreement.creditOf(client)).to.equal(refund);
      await expect(agreement.connect(client).withdraw()).to.changeEtherBalances(
        ethers,
        [client, agreement],
        [refund, -refund],
      );
      await close(scene, agreement);
      for (const worker of [w0, w1]) expect(await agreement.creditOf(worker)).to.equal(3n * BLOCKS * PRICE);
      expect(await agreement.creditOf(client)).to.equal(9n * FEE);
      await drain(chain, market, agreement, people);
    });

    it("should leave one epoch of an agreement that has not begun", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { client, market, people, w0 } = scene;
      const agreement = await buy(market, client, { redundancy: 2n, length: 4n * BLOCKS, startAfter: 50n });
      await agreement.connect(client).terminate();
      expect(await agreement.epochCount()).to.equal(1n);
      expect(await agreement.creditOf(client)).to.equal(2n * PRICE * 3n * BLOCKS + 9n * FEE);
      expect(await agreement.status()).to.equal(Status.Scheduled);
      await close(scene, agreement);
      expect(await agreement.creditOf(w0)).to.equal(BLOCKS * PRICE);
      await drain(chain, market, agreement, people);
    });

    it("should be the client's alone, once, and not when the notice ends later than the agreement", async () => {
      const { client, stranger, w0, workerIds, market } = await networkHelpers.loadFixture(fixture);
      const agreement = await buyWith(market, client, workerIds, 3n * BLOCKS);
      for (const caller of [stranger, w0]) {
        await expect(agreement.connect(caller).terminate())
          .to.be.revertedWithCustomError(agreement, "WorkAgreement_NotClient")
          .withArgs(client.address, caller.address);
      }
      const start = await agreement.start();
      await mineTo(start + BLOCKS - 1n);
      await expect(agreement.connect(client).terminate())
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_TooLateToTerminate")
        .withArgs(3n);
      await mineTo(start + 3n * BLOCKS);
      await expect(agreement.connect(client).terminate())
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_Ended")
        .withArgs(start + 3n * BLOCKS);

      const next = await buyWith(market, client, workerIds, 4n * BLOCKS);
      await mineTo((await next.start()) + BLOCKS - 2n);
      await next.connect(client).terminate();
      await expect(next.connect(client).terminate())
        .to.be.revertedWithCustomError(next, "WorkAgreement_TooLateToTerminate")
        .withArgs(2n);
      await expect(next.connect(client).extend(1n, { value: 10n ** 18n })).to.be.revertedWithCustomError(
        next,
        "WorkAgreement_CannotExtend",
      );
    });

    it("should change no window of an epoch that it leaves, and its verdicts still count", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { client, workerIds, market, testers, w1 } = scene;
      const agreement = await buyWith(market, client, workerIds, 4n * BLOCKS);
      const before = [await agreement.windowsOf(0n), await agreement.windowsOf(1n)];
      await mineTo((await agreement.start()) + 3n);
      await agreement.connect(client).terminate();
      expect([await agreement.windowsOf(0n), await agreement.windowsOf(1n)]).to.deep.equal(before);
      await expect(agreement.windowsOf(2n))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_UnknownEpoch")
        .withArgs(2n, 2n);
      await runDrawn(agreement, 1n, testers, [Ok, Wrong]);
      await close(scene, agreement);
      expect([...(await agreement.outcomesOf(1n))]).to.deep.equal([Outcome.Ok, Outcome.Wrong]);
      expect(await agreement.creditOf(w1)).to.equal(BLOCKS * PRICE);
      // The lock was made for all that was bought, and is slashed as such.
      expect((await market.dispatcher.worker(workerIds[1] ?? 0n)).stake).to.equal(4n * LOCK - LOCK / 2n);
    });
  });

  describe("resign", () => {
    it("should forfeit the running epoch and those after it, and nothing before", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { client, w0, w1, workerIds, market, testers, people } = scene;
      const agreement = await buyWith(market, client, workerIds, 4n * BLOCKS);
      await runDrawn(agreement, 0n, testers, [Ok, Ok]);
      await mineTo((await agreement.windowsOf(1n)).from);
      await expect(agreement.connect(w0).resign(0n)).to.emit(agreement, "WorkerResigned").withArgs(0n, 2n);
      expect(await agreement.resignedFrom(0n)).to.equal(2n);
      expect(await agreement.resignedFrom(1n)).to.equal(2n ** 256n - 1n);
      await runDrawn(agreement, 2n, testers, [Ok, Ok]);
      await close(scene, agreement);
      expect([...(await agreement.outcomesOf(0n))]).to.deep.equal([Outcome.Ok, Outcome.Ok]);
      expect([...(await agreement.outcomesOf(1n))]).to.deep.equal([Outcome.Resigned, Outcome.NoQuorum]);
      expect([...(await agreement.outcomesOf(2n))]).to.deep.equal([Outcome.Resigned, Outcome.Ok]);
      expect(await agreement.creditOf(w0)).to.equal(BLOCKS * PRICE);
      expect(await agreement.creditOf(w1)).to.equal(4n * BLOCKS * PRICE);
      expect(await agreement.creditOf(client)).to.equal(3n * BLOCKS * PRICE + 6n * FEE);
      const [gone, stayed] = await Promise.all(workerIds.map(async (one) => await market.records.recordOf(one)));
      expect([gone?.epochsOk, gone?.agreementsCompleted, gone?.weightOk, gone?.weightTotal]).to.deep.equal([
        1n,
        0n,
        3n * FEE,
        3n * FEE,
      ]);
      expect([stayed?.epochsOk, stayed?.agreementsCompleted, stayed?.weightTotal]).to.deep.equal([2n, 1n, 6n * FEE]);
      await drain(chain, market, agreement, people);
    });

    it("should leave earlier epochs open to verdicts and slashes, and the lock closed until the end", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { client, w0, workerIds, market, testers, people } = scene;
      const agreement = await buyWith(market, client, workerIds, 3n * BLOCKS);
      const [workerId] = workerIds;
      if (workerId === undefined) throw new Error("no worker");
      const drawn = await runDrawnIn(chain, agreement, 0n, testers, () => [Wrong, Ok]);
      expect(drawn.length).to.equal(3);
      await agreement.connect(w0).resign(0n);
      const own = market.dispatcher.connect(w0);
      expect((await market.dispatcher.worker(workerId)).locked).to.equal(LOCK);
      await own.unregisterWorker(workerId);
      await expect(own.unbondStake(workerId, 1n))
        .to.be.revertedWithCustomError(market.dispatcher, "WorkerDispatcher_StakeNotFree")
        .withArgs(0n, 1n);
      const burnt = await ethers.provider.getBalance(BURN_ADDRESS);
      await close(scene, agreement);
      // Its price came back, so of the slash the client has its half of three fees.
      const compensation = (3n * FEE) / 2n;
      expect((await ethers.provider.getBalance(BURN_ADDRESS)) - burnt).to.equal(LOCK / 2n - compensation);
      expect((await market.records.recordOf(workerId)).slashed).to.equal(LOCK / 2n);
      await own.unbondStake(workerId, LOCK / 2n);
      await drain(chain, market, agreement, people);
    });

    it("should be no way out of a slash for the epoch in which it is done", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { client, w0, workerIds, market, testers, people } = scene;
      const agreement = await buyWith(market, client, workerIds, 3n * BLOCKS);
      const [workerId] = workerIds;
      if (workerId === undefined) throw new Error("no worker");
      const { commitFrom, to, revealFrom } = await agreement.windowsOf(0n);
      await mineTo(commitFrom - 1n);
      await agreement.openEpoch(0n);
      for (const tester of testers) await commitAs(agreement, 0n, tester, [Wrong, Ok]);
      // It sees the commitments, and leaves in the epoch's last block.
      await mineTo(to - 1n);
      await agreement.connect(w0).resign(0n);
      await mineTo(revealFrom - 1n);
      for (const tester of testers) await revealAs(agreement, 0n, tester, [Wrong, Ok]);
      await runDrawn(agreement, 1n, testers, [Wrong, Ok]);
      await close(scene, agreement);
      expect([...(await agreement.outcomesOf(0n))]).to.deep.equal([Outcome.Wrong, Outcome.Ok]);
      // After it has gone nothing is said of it.
      expect([...(await agreement.outcomesOf(1n))]).to.deep.equal([Outcome.Resigned, Outcome.Ok]);
      const record = await market.records.recordOf(workerId);
      expect([record.epochsWrong, record.slashed]).to.deep.equal([1n, LOCK / 2n]);
      expect(await agreement.creditOf(w0)).to.equal(0n);
      await drain(chain, market, agreement, people);
    });

    it("should leave the epoch in which it is done unpaid, whatever else is said of it, and open to appeals", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { client, w0, workerIds, market, testers, people } = scene;
      for (const [verdict, wrongs] of [
        [Ok, 0n],
        [Unreachable, 0n],
      ] as const) {
        const agreement = await buyWith(market, client, workerIds, 2n * BLOCKS);
        await agreement.connect(w0).resign(0n);
        await runDrawn(agreement, 0n, testers, [verdict, Ok]);
        await mineTo((await agreement.windowsOf(0n)).appealFrom - 1n);
        const bond = await market.disputes.bondOf(agreement);
        const snapshot = await networkHelpers.takeSnapshot();
        await market.disputes.connect(client).appeal(agreement, 0n, 0n, { value: bond });
        await snapshot.restore();
        await close(scene, agreement);
        expect([...(await agreement.outcomesOf(0n))]).to.deep.equal([Outcome.Resigned, Outcome.Ok]);
        expect(await agreement.creditOf(w0)).to.equal(0n);
        expect((await market.records.recordOf(workerIds[0] ?? 0n)).epochsWrong).to.equal(wrongs);
        await drain(chain, market, agreement, people);
      }
    });

    it("should slash nobody that resigned before the start", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { client, market, testers, people } = scene;
      const agreement = await buy(market, client, { redundancy: 2n, length: BLOCKS, startAfter: 5n });
      const { workers } = await termsOf(agreement);
      const [seat] = workers;
      const operator = scene.operators.find((one) => one.address === seat?.operator);
      if (!seat || !operator) throw new Error("no worker");
      await agreement.connect(operator).resign(0n);
      expect(await agreement.resignedFrom(0n)).to.equal(0n);
      await runDrawn(agreement, 0n, testers, [Wrong, Ok]);
      await close(scene, agreement);
      expect([...(await agreement.outcomesOf(0n))]).to.deep.equal([Outcome.Resigned, Outcome.Ok]);
      const record = await market.records.recordOf(seat.workerId);
      expect([record.epochsWrong, record.slashed, record.weightTotal]).to.deep.equal([0n, 0n, 0n]);
      await drain(chain, market, agreement, people);
    });

    it("should be the operator's alone, once, before the end", async () => {
      const { client, stranger, w0, w1, workerIds, market } = await networkHelpers.loadFixture(fixture);
      const agreement = await buyWith(market, client, workerIds, 2n * BLOCKS);
      for (const caller of [stranger, w1, client]) {
        await expect(agreement.connect(caller).resign(0n))
          .to.be.revertedWithCustomError(agreement, "WorkAgreement_NotOperator")
          .withArgs(w0.address, caller.address);
      }
      await expect(agreement.connect(w0).resign(2n))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_UnknownWorker")
        .withArgs(2n, 2n);
      await agreement.connect(w0).resign(0n);
      await expect(agreement.connect(w0).resign(0n))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_AlreadyResigned")
        .withArgs(0n);
      await expect(agreement.connect(client).extend(BLOCKS, { value: 10n ** 18n }))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_AlreadyResigned")
        .withArgs(0n);
      await mineTo(await agreement.end());
      await expect(agreement.connect(w1).resign(1n)).to.be.revertedWithCustomError(agreement, "WorkAgreement_Ended");
    });

    it("should give all back when all resign before it begins", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { client, operators, market, people } = scene;
      const agreement = await buy(market, client, { redundancy: 2n, length: 2n * BLOCKS, startAfter: 5n });
      const seats = [...(await agreement.workers())];
      for (const operator of operators) {
        const workerId = await market.dispatcher.workerOf(operator, TERMS.applicationType);
        await agreement.connect(operator).resign(seats.indexOf(workerId));
      }
      const paid = await agreement.unsettled();
      await close(scene, agreement);
      expect(await agreement.creditOf(client)).to.equal(paid);
      await drain(chain, market, agreement, people);
    });
  });

  describe("extend", () => {
    it("should add blocks and epochs at the agreed price, lock more stake, and give back what is too much", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { client, w0, w1, market, people, operators } = scene;
      // A price at which the lock grows with the length.
      const applicationType = id("dear");
      const price = 10n ** 14n;
      const terms = { applicationType, pricePerBlock: price, slots: 1n };
      const ids: bigint[] = [];
      for (const operator of operators) ids.push(await makeWorker(market, operator, terms));
      const agreement = await buyWith(market, client, ids, 100n);
      const lock = 2n * price * 100n;
      for (const one of ids) expect((await market.dispatcher.worker(one)).locked).to.equal(lock);
      const required = 2n * price * 50n + 3n * FEE * 4n;
      expect(await agreement.epochCount()).to.equal(9n);
      await expect(agreement.connect(client).extend(50n, { value: required - 1n }))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_ValueTooLow")
        .withArgs(required, required - 1n);
      const sent = agreement.connect(client).extend(50n, { value: required + 5n });
      await expect(sent).to.emit(agreement, "Extended").withArgs(150n, required, 5n);
      for (const one of ids) {
        await expect(sent)
          .to.emit(market.dispatcher, "LockExtended")
          .withArgs(one, await agreement.getAddress(), 2n * price * 150n);
        expect((await market.dispatcher.worker(one)).locked).to.equal(2n * price * 150n);
      }
      expect(await agreement.creditOf(client)).to.equal(5n);
      expect(await agreement.epochCount()).to.equal(13n);
      expect(await agreement.end()).to.equal((await agreement.start()) + 150n);
      await expectSolvent(market, [agreement], people);
      await finish(chain, agreement);
      for (const worker of [w0, w1]) expect(await agreement.creditOf(worker)).to.equal(150n * price);
      expect(await agreement.creditOf(client)).to.equal(5n + 39n * FEE);
      for (const one of ids) expect((await market.dispatcher.worker(one)).locked).to.equal(0n);
      await drain(chain, market, agreement, people);
    });

    it("should not be done by others, for nothing, or after the end", async () => {
      const { client, stranger, workerIds, market } = await networkHelpers.loadFixture(fixture);
      const agreement = await buyWith(market, client, workerIds, BLOCKS);
      const value = 10n ** 18n;
      await expect(agreement.connect(stranger).extend(1n, { value })).to.be.revertedWithCustomError(
        agreement,
        "WorkAgreement_NotClient",
      );
      await expect(agreement.connect(client).extend(0n, { value })).to.be.revertedWithCustomError(
        agreement,
        "WorkAgreement_CannotExtend",
      );
      await mineTo(await agreement.end());
      await expect(agreement.connect(client).extend(1n, { value })).to.be.revertedWithCustomError(
        agreement,
        "WorkAgreement_Ended",
      );
    });

    it("should not lengthen a short last epoch that runs, but one that is still to come", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { client, workerIds, market, people } = scene;
      const agreement = await buyWith(market, client, workerIds, BLOCKS + 5n);
      const start = await agreement.start();
      const own = agreement.connect(client);
      const value = 10n ** 18n;
      await mineTo(start + BLOCKS - 2n);
      await own.extend(1n, { value: 2n * PRICE });
      expect((await agreement.windowsOf(1n)).to).to.equal(start + BLOCKS + 5n);
      await expect(own.extend(1n, { value }))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_LastEpochRuns")
        .withArgs(1n);
      await close(scene, agreement);
      await drain(chain, market, agreement, people);

      // A last epoch of full length has its phases whatever comes after it.
      const full = await buyWith(market, client, workerIds, BLOCKS);
      const before = await full.windowsOf(0n);
      await mineTo((await full.end()) - 2n);
      await full.connect(client).extend(1n, { value: 2n * PRICE + 3n * FEE });
      expect(await full.windowsOf(0n)).to.deep.equal(before);
      expect(await full.epochCount()).to.equal(2n);
    });

    it("should need every worker still willing: active, not dearer, long enough, with the stake, within the limit", async () => {
      const { client, w0, workerIds, market } = await networkHelpers.loadFixture(fixture);
      const { dispatcher } = market;
      const [workerId] = workerIds;
      if (workerId === undefined) throw new Error("no worker");
      const agreement = await buyWith(market, client, workerIds, 2n * BLOCKS);
      const own = dispatcher.connect(w0);
      const value = 10n ** 18n;
      const extend = async (blocks = 1n) => await agreement.connect(client).extend(blocks, { value });
      const unwilling = async () => {
        await expect(extend())
          .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_WorkerNotWilling")
          .withArgs(workerId);
      };
      await own.pauseWorker(workerId);
      await unwilling();
      await own.unpauseWorker(workerId);
      await own.updateWorker(workerId, { ...TERMS, pricePerBlock: PRICE + 1n });
      await unwilling();
      await own.updateWorker(workerId, { ...TERMS, maxLength: 24n });
      await unwilling();
      await own.updateWorker(workerId, { ...TERMS, pricePerBlock: PRICE - 1n });
      // A cheaper price of today changes nothing: the agreement keeps its own.
      await extend();
      expect((await agreement.prices())[0]).to.equal(PRICE);
      await expect(extend(SETTINGS.maxLength))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_BadLength")
        .withArgs(SETTINGS.maxLength, SETTINGS.maxLength + 2n * BLOCKS + 1n);
      await own.unregisterWorker(workerId);
      await unwilling();
    });

    it("should take no stake that another agreement or the book needs more than there is", async () => {
      const { client, w0, market } = await networkHelpers.loadFixture(fixture);
      const { dispatcher } = market;
      const price = 10n ** 14n;
      const terms = { applicationType: id("dear"), pricePerBlock: price, slots: 1n, maxLength: 64n };
      const workerId = await makeWorker(market, w0, terms);
      const agreement = await buyWith(market, client, [workerId], 60n);
      const own = dispatcher.connect(w0);
      // 4 blocks' worth of stake is free; it leaves.
      await own.unbondStake(workerId, 2n * price * 4n);
      await expect(agreement.connect(client).extend(4n, { value: 10n ** 18n }))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_StakeNotFree")
        .withArgs(0n, 2n * price * 4n);
      await own.addStake(workerId, { value: 2n * price * 4n });
      await agreement.connect(client).extend(4n, { value: 10n ** 18n });
      const worker = await dispatcher.worker(workerId);
      expect(worker.locked).to.equal(worker.stake);
    });

    it("should find no way past the limit on epochs, whatever is extended how often", async () => {
      const { client, w0, market } = await networkHelpers.loadFixture(fixture);
      const terms = { applicationType: id("long"), maxLength: SETTINGS.maxLength, slots: 1n };
      const workerId = await makeWorker(market, w0, terms);
      const request = { applicationType: id("long"), redundancy: 1n, length: SETTINGS.maxLength - 12n };
      const agreement = await buy(market, client, request);
      const own = agreement.connect(client);
      await own.extend(12n, { value: 10n ** 17n });
      expect(await agreement.epochCount()).to.equal(512n);
      await expect(own.extend(1n, { value: 10n ** 17n })).to.be.revertedWithCustomError(
        market.dispatcher,
        "WorkerDispatcher_BadLength",
      );
      expect((await market.dispatcher.worker(workerId)).listed).to.equal(false);
      expect(await agreementIn(market, market.dispatcher.connect(client).buyContract(1n, BLOCKS))).to.equal(undefined);
    });
  });
});
