import { expect } from "chai";
import { id, ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";

import {
  buy,
  deployMarket,
  ETHER,
  GWEI,
  makeTester,
  makeTwin,
  makeWorker,
  SETTINGS,
  TERMS,
  plain,
} from "../helpers/market.ts";

const { ethers, networkHelpers } = await network.create();

const SLOT_STAKE = SETTINGS.minSlotStake;

async function fixture() {
  const market = await deployMarket(ethers);
  const [operator, client, stranger, t1, t2, t3, ...rest] = await ethers.getSigners();
  if (!operator || !client || !stranger || !t1 || !t2 || !t3) throw new Error("the network has too few accounts");
  await makeTwin(market, operator);
  await makeTwin(market, client);
  for (const tester of [t1, t2, t3]) await makeTester(market, tester);
  return { market, dispatcher: market.dispatcher, operator, client, stranger, rest };
}

describe("WorkerDispatcher: workers", () => {
  it("should register a worker with all that it offers", async () => {
    const { market, dispatcher, operator } = await networkHelpers.loadFixture(fixture);
    const terms = { ...TERMS, vettedDigests: [id("image a"), id("image b")] };
    await expect(dispatcher.connect(operator).registerWorker(terms, { value: 4n * SLOT_STAKE })).to.emit(
      dispatcher,
      "WorkerRegistered",
    );
    const worker = await dispatcher.worker(1n);
    expect(worker.operator).to.equal(operator.address);
    expect(worker.twinId).to.equal(1n);
    expect(worker.pricePerBlock).to.equal(terms.pricePerBlock);
    expect(worker.maxLength).to.equal(terms.maxLength);
    expect(worker.slots).to.equal(4n);
    expect(worker.listed).to.equal(true);
    expect([...worker.vettedDigests]).to.deep.equal(terms.vettedDigests);
    expect(worker.stake).to.equal(4n * SLOT_STAKE);
    expect(await dispatcher.workerCount()).to.equal(1n);
    expect(await dispatcher.workerOf(operator.address, ZeroHash)).to.equal(1n);
    expect(await dispatcher.reputationOf(1n)).to.equal(5_000n);
    expect(await market.records.uptimeOf(1n)).to.equal(10_000n);
  });

  it("should let an operator have one entry for each application type", async () => {
    const { market, dispatcher, operator } = await networkHelpers.loadFixture(fixture);
    await makeWorker(market, operator);
    await expect(dispatcher.connect(operator).registerWorker(TERMS, { value: ETHER }))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_AlreadyRegistered")
      .withArgs(operator.address, ZeroHash, 1n);
    expect(await makeWorker(market, operator, { applicationType: id("render") })).to.equal(2n);
    expect((await dispatcher.workers(1n, 10n)).map((worker) => worker.workerId)).to.deep.equal([1n, 2n]);
    expect((await dispatcher.workers(2n, 1n)).map((worker) => worker.workerId)).to.deep.equal([2n]);
    expect(await dispatcher.workers(0n, 1n)).to.deep.equal([]);
    expect(await dispatcher.workers(3n, 1n)).to.deep.equal([]);
  });

  it("should refuse terms that are out of bounds", async () => {
    const { dispatcher, operator, stranger } = await networkHelpers.loadFixture(fixture);
    const register = async (terms: Partial<typeof TERMS>) =>
      await dispatcher.connect(operator).registerWorker({ ...TERMS, ...terms }, { value: ETHER });
    await expect(dispatcher.connect(stranger).registerWorker(TERMS, { value: ETHER }))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_NotATwin")
      .withArgs(stranger.address);
    await expect(register({ pricePerBlock: 0n })).to.be.revertedWithCustomError(
      dispatcher,
      "WorkerDispatcher_ZeroPrice",
    );
    for (const maxLength of [0n, SETTINGS.maxLength + 1n]) {
      await expect(register({ maxLength }))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_BadLength")
        .withArgs(SETTINGS.maxLength, maxLength);
    }
    for (const slots of [0n, 1_025n]) {
      await expect(register({ slots }))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_BadSlots")
        .withArgs(1n, 1_024n, slots);
    }
    await expect(register({ vettedDigests: Array.from({ length: 17 }, (_, i) => id(`${i}`)) }))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_TooManyDigests")
      .withArgs(16n, 17n);
    await expect(dispatcher.connect(operator).registerWorker(TERMS, { value: 4n * SLOT_STAKE - 1n }))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_StakeTooLow")
      .withArgs(4n * SLOT_STAKE, 4n * SLOT_STAKE - 1n);
  });

  it("should ask a dear and long worker for more stake", async () => {
    const { dispatcher, operator } = await networkHelpers.loadFixture(fixture);
    const pricePerBlock = 100_000n * GWEI;
    const lock = 2n * pricePerBlock * 1_024n;
    expect(await dispatcher.lockFor(pricePerBlock, 1_024n)).to.equal(lock);
    const terms = { ...TERMS, pricePerBlock, slots: 1n };
    await expect(dispatcher.connect(operator).registerWorker(terms, { value: lock - 1n }))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_StakeTooLow")
      .withArgs(lock, lock - 1n);
    await dispatcher.connect(operator).registerWorker(terms, { value: lock });
  });

  it("should let only the operator touch an entry", async () => {
    const { market, dispatcher, operator, stranger } = await networkHelpers.loadFixture(fixture);
    await makeWorker(market, operator);
    const asStranger = dispatcher.connect(stranger);
    const calls = [
      async () => await asStranger.updateWorker(1n, TERMS),
      async () => await asStranger.pauseWorker(1n),
      async () => await asStranger.unpauseWorker(1n),
      async () => await asStranger.unregisterWorker(1n),
      async () => await asStranger.addStake(1n, { value: 1n }),
      async () => await asStranger.unbondStake(1n, 1n),
      async () => await asStranger.withdrawStake(1n),
    ];
    for (const call of calls) {
      await expect(call())
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_NotOperator")
        .withArgs(operator.address, stranger.address);
    }
    for (const workerId of [0n, 2n]) {
      await expect(dispatcher.pauseWorker(workerId))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_UnknownWorker")
        .withArgs(workerId);
      await expect(dispatcher.worker(workerId)).to.be.revertedWithCustomError(
        dispatcher,
        "WorkerDispatcher_UnknownWorker",
      );
      expect(await dispatcher.reputationOf(workerId)).to.equal(0n);
    }
  });

  it("should change terms but never the application type", async () => {
    const { market, dispatcher, operator } = await networkHelpers.loadFixture(fixture);
    await makeWorker(market, operator);
    const terms = { ...TERMS, pricePerBlock: 7n, maxLength: 100n, slots: 5n, vettedDigests: [id("x")] };
    await expect(dispatcher.connect(operator).updateWorker(1n, terms))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_StakeTooLow")
      .withArgs(5n * SLOT_STAKE, 4n * SLOT_STAKE);
    await expect(dispatcher.connect(operator).updateWorker(1n, terms, { value: SLOT_STAKE })).to.emit(
      dispatcher,
      "WorkerUpdated",
    );
    const worker = await dispatcher.worker(1n);
    expect([worker.pricePerBlock, worker.maxLength, worker.slots]).to.deep.equal([7n, 100n, 5n]);
    expect(worker.listed).to.equal(true);
    await expect(dispatcher.connect(operator).updateWorker(1n, { ...terms, applicationType: id("other") }))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_ApplicationFixed")
      .withArgs(ZeroHash, id("other"));
  });

  it("should not let slots fall below those in use", async () => {
    const { market, dispatcher, operator, client } = await networkHelpers.loadFixture(fixture);
    await makeWorker(market, operator);
    await buy(market, client, { redundancy: 1n });
    await buy(market, client, { redundancy: 1n });
    await expect(dispatcher.connect(operator).updateWorker(1n, { ...TERMS, slots: 1n }))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_BadSlots")
      .withArgs(2n, 1_024n, 1n);
    await dispatcher.connect(operator).updateWorker(1n, { ...TERMS, slots: 2n });
    expect((await dispatcher.worker(1n)).listed).to.equal(false);
  });

  it("should pause, unpause and unregister", async () => {
    const { market, dispatcher, operator } = await networkHelpers.loadFixture(fixture);
    await makeWorker(market, operator);
    const own = dispatcher.connect(operator);
    await expect(own.unpauseWorker(1n)).to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_WrongStatus");
    await expect(own.pauseWorker(1n)).to.emit(dispatcher, "WorkerPaused").withArgs(1n);
    expect((await dispatcher.worker(1n)).listed).to.equal(false);
    await expect(own.pauseWorker(1n)).to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_WrongStatus");
    await expect(own.unpauseWorker(1n)).to.emit(dispatcher, "WorkerUnpaused").withArgs(1n);
    expect((await dispatcher.worker(1n)).listed).to.equal(true);

    await expect(own.unregisterWorker(1n)).to.emit(dispatcher, "WorkerUnregistered").withArgs(1n);
    expect(await dispatcher.workerOf(operator.address, ZeroHash)).to.equal(0n);
    for (const call of [
      async () => await own.unregisterWorker(1n),
      async () => await own.pauseWorker(1n),
      async () => await own.unpauseWorker(1n),
      async () => await own.updateWorker(1n, TERMS),
      async () => await own.addStake(1n, { value: 1n }),
    ]) {
      await expect(call()).to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_WrongStatus").withArgs(1n);
    }
    expect(await makeWorker(market, operator)).to.equal(2n);
  });

  describe("stake", () => {
    it("should leave after the unbonding time, and not before", async () => {
      const { market, dispatcher, operator } = await networkHelpers.loadFixture(fixture);
      await makeWorker(market, operator);
      const own = dispatcher.connect(operator);
      await expect(own.withdrawStake(1n)).to.be.revertedWithCustomError(
        dispatcher,
        "WorkerDispatcher_NothingToWithdraw",
      );
      await own.addStake(1n, { value: ETHER });
      const block = BigInt(await ethers.provider.getBlockNumber()) + 1n;
      await expect(own.unbondStake(1n, ETHER))
        .to.emit(dispatcher, "StakeUnbonding")
        .withArgs(1n, ETHER, block + SETTINGS.unbondingLength);
      await networkHelpers.mineUpTo(block + SETTINGS.unbondingLength - 2n);
      await expect(own.withdrawStake(1n))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_NothingToWithdraw")
        .withArgs(block + SETTINGS.unbondingLength, ETHER);
      await networkHelpers.mineUpTo(block + SETTINGS.unbondingLength - 1n);
      await expect(own.withdrawStake(1n)).to.changeEtherBalances(ethers, [operator, dispatcher], [ETHER, -ETHER]);
    });

    it("should take a worker out of the book when it no longer backs a slot, and back in", async () => {
      const { market, dispatcher, operator } = await networkHelpers.loadFixture(fixture);
      await makeWorker(market, operator);
      const own = dispatcher.connect(operator);
      await own.unbondStake(1n, 3n * SLOT_STAKE);
      expect((await dispatcher.worker(1n)).listed).to.equal(true);
      await own.unbondStake(1n, 1n);
      expect((await dispatcher.worker(1n)).listed).to.equal(false);
      await own.addStake(1n, { value: 1n });
      expect((await dispatcher.worker(1n)).listed).to.equal(true);
    });

    it("should keep what agreements hold locked", async () => {
      const { market, dispatcher, operator, client } = await networkHelpers.loadFixture(fixture);
      await makeWorker(market, operator, { slots: 1n });
      await buy(market, client, { redundancy: 1n });
      const own = dispatcher.connect(operator);
      await expect(own.unbondStake(1n, 1n))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_StakeNotFree")
        .withArgs(0n, 1n);
      await own.unregisterWorker(1n);
      const worker = await dispatcher.worker(1n);
      expect([worker.stake, worker.locked, worker.unbonding]).to.deep.equal([SLOT_STAKE, SLOT_STAKE, 0n]);
      await networkHelpers.mine(100);
      await expect(own.withdrawStake(1n)).to.be.revertedWithCustomError(
        dispatcher,
        "WorkerDispatcher_NothingToWithdraw",
      );
    });
  });

  describe("settings", () => {
    it("should take every number at its bounds", async () => {
      const { market } = await networkHelpers.loadFixture(fixture);
      const least = {
        epochLength: 4n,
        revealLength: 1n,
        appealLength: 1n,
        unbondingLength: 1n,
        maxLength: 1n,
        stakeFactor: 1n,
        minSlotStake: 1n,
        slashShare: 1n,
        testerFeePerEpoch: 1n,
      };
      const most = {
        epochLength: 100_000n,
        revealLength: 100_000n,
        appealLength: 100_000n,
        unbondingLength: 1_000_000n,
        maxLength: 512n * 100_000n,
        stakeFactor: 100n,
        minSlotStake: 1_000_000n * ETHER,
        slashShare: 10_000n,
        testerFeePerEpoch: await market.testers.maxFeePerEpoch(),
      };
      for (const settings of [least, most]) {
        const { dispatcher } = await deployMarket(ethers, settings);
        expect(plain(await dispatcher.settings())).to.deep.equal({ ...SETTINGS, ...settings });
      }
    });

    it("should refuse every number that is out of its bounds, and addresses without code", async () => {
      const { dispatcher, market } = await networkHelpers.loadFixture(fixture);
      const faults: [keyof typeof SETTINGS, bigint][] = [
        ["epochLength", 3n],
        ["epochLength", 100_001n],
        ["revealLength", 0n],
        ["appealLength", 0n],
        ["unbondingLength", 0n],
        ["unbondingLength", 1_000_001n],
        ["maxLength", 0n],
        ["maxLength", 512n * 12n + 1n],
        ["stakeFactor", 0n],
        ["stakeFactor", 101n],
        ["minSlotStake", 0n],
        ["minSlotStake", 1_000_000n * ETHER + 1n],
        ["slashShare", 0n],
        ["slashShare", 10_001n],
        ["testerFeePerEpoch", 0n],
        ["testerFeePerEpoch", (await market.testers.maxFeePerEpoch()) + 1n],
        ["revealLength", 100_001n],
        ["appealLength", 100_001n],
      ];
      for (const [name, value] of faults) {
        await expect(deployMarket(ethers, { [name]: value }), name).to.be.revertedWithCustomError(
          dispatcher,
          "WorkerDispatcher_BadSetting",
        );
      }
      const code = await dispatcher.implementation();
      const factory = await ethers.getContractFactory("WorkerDispatcher");
      for (const args of [
        [ZeroAddress, market.testers, market.records, code],
        [market.twins, ZeroAddress, market.records, code],
        [market.twins, market.testers, ZeroAddress, code],
        [market.twins, market.testers, market.records, ZeroAddress],
      ] as const) {
        await expect(factory.deploy(args[0], args[1], args[2], args[3], SETTINGS)).to.be.revertedWithCustomError(
          dispatcher,
          "WorkerDispatcher_NotAContract",
        );
      }
    });

    it("should be readable", async () => {
      const { dispatcher, market } = await networkHelpers.loadFixture(fixture);
      expect(plain(await dispatcher.settings())).to.deep.equal(SETTINGS);
      expect(await dispatcher.twins()).to.equal(await market.twins.getAddress());
      expect(await dispatcher.testers()).to.equal(await market.testers.getAddress());
      expect(await dispatcher.records()).to.equal(await market.records.getAddress());
      expect(await market.testers.dispatcher()).to.equal(await dispatcher.getAddress());
    });
  });
});
