import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { network } from "hardhat";

import { termsOf } from "../helpers/epochs.ts";
import {
  buy,
  deployMarket,
  ETHER,
  makeTester,
  makeTwin,
  makeWorker,
  SETTINGS,
  TESTER_SETTINGS,
  plain,
} from "../helpers/market.ts";

const { ethers, networkHelpers } = await network.create();

const DUTY = TESTER_SETTINGS.dutyStake;
const DRAW = {
  agreement: ZeroAddress,
  number: 0n,
  epoch: 0n,
  round: 0n,
  seedBlock: 1n,
  testerCount: 3n,
  feePerEpoch: SETTINGS.testerFeePerEpoch,
  excluded: [] as string[],
};

async function fixture() {
  const market = await deployMarket(ethers);
  const signers = await ethers.getSigners();
  const [client, tester, stranger] = signers;
  if (!client || !tester || !stranger) throw new Error("the network has too few accounts");
  await makeTwin(market, client);
  await makeTwin(market, tester);
  const operators = signers.slice(3, 6);
  for (const operator of operators) await makeWorker(market, operator);
  return { market, testers: market.testers, client, tester, stranger, operators, spare: signers.slice(6) };
}

async function fixtureWithTesters() {
  const base = await fixture();
  const drawn = base.spare.slice(0, 6);
  for (const [i, signer] of drawn.entries()) await makeTester(base.market, signer, { stake: BigInt(i + 1) * ETHER });
  return { ...base, drawn };
}

describe("TesterRegistry", () => {
  describe("registration", () => {
    it("should register, update, pause and unregister a tester", async () => {
      const { market, testers, tester } = await networkHelpers.loadFixture(fixture);
      const own = testers.connect(tester);
      await expect(own.registerTester(5n, 3n, { value: ETHER }))
        .to.emit(testers, "TesterRegistered")
        .withArgs(1n, tester.address, 5n, 3n, ETHER);
      expect(await testers.testerOf(tester.address)).to.equal(1n);
      expect(await testers.accountOf(1n)).to.equal(tester.address);
      expect(await testers.testerCount()).to.equal(1n);
      expect(await testers.activeCount()).to.equal(1n);
      const view = await testers.tester(1n);
      expect([view.feePerEpoch, view.capacity, view.stake, view.active]).to.deep.equal([5n, 3n, ETHER, true]);
      expect(view.twinId).to.equal(await market.twins.twinOf(tester.address));

      await expect(own.updateTester(6n, 0n, { value: 1n }))
        .to.emit(testers, "TesterUpdated")
        .withArgs(1n, 6n, 0n, ETHER + 1n);
      expect(await testers.activeCount()).to.equal(0n);
      await own.updateTester(6n, 4n);
      expect(await testers.activeCount()).to.equal(1n);
      expect(await testers.availableFor(await testers.maxFeePerEpoch(), [tester.address])).to.equal(0n);

      await expect(own.unregisterTester()).to.emit(testers, "TesterUnregistered").withArgs(1n);
      expect(await testers.activeCount()).to.equal(0n);
      await own.registerTester(5n, 3n, { value: ETHER });
      expect(await testers.testerOf(tester.address)).to.equal(1n);
      expect(await testers.testerCount()).to.equal(1n);
      expect((await testers.testers(1n, 10n)).length).to.equal(1);
      expect((await testers.testers(0n, 10n)).length).to.equal(0);
      expect((await testers.testers(2n, 10n)).length).to.equal(0);
    });

    it("should refuse what does not fit", async () => {
      const { testers, tester, stranger } = await networkHelpers.loadFixture(fixture);
      const own = testers.connect(tester);
      await expect(testers.connect(stranger).registerTester(1n, 1n, { value: ETHER }))
        .to.be.revertedWithCustomError(testers, "TesterRegistry_NotATwin")
        .withArgs(stranger.address);
      for (const capacity of [0n, 4_097n]) {
        await expect(own.registerTester(1n, capacity, { value: 100n * ETHER }))
          .to.be.revertedWithCustomError(testers, "TesterRegistry_BadCapacity")
          .withArgs(4_096n, capacity);
      }
      await expect(own.registerTester(1n, 2n, { value: 2n * DUTY - 1n }))
        .to.be.revertedWithCustomError(testers, "TesterRegistry_StakeTooLow")
        .withArgs(2n * DUTY, 2n * DUTY - 1n);
      for (const call of [
        async () => await own.updateTester(1n, 1n),
        async () => await own.unregisterTester(),
        async () => await own.unbondStake(1n),
      ]) {
        await expect(call()).to.be.revertedWithCustomError(testers, "TesterRegistry_NotRegistered");
      }
      await own.registerTester(1n, 2n, { value: 2n * DUTY });
      await expect(own.registerTester(1n, 2n, { value: 2n * DUTY })).to.be.revertedWithCustomError(
        testers,
        "TesterRegistry_AlreadyRegistered",
      );
      for (const testerId of [0n, 2n]) {
        await expect(testers.tester(testerId)).to.be.revertedWithCustomError(testers, "TesterRegistry_UnknownTester");
      }
    });

    it("should keep every tester findable when others leave from the middle of the list", async () => {
      const { testers, drawn } = await networkHelpers.loadFixture(fixtureWithTesters);
      const order = [2, 0, 5, 3];
      for (const [left, i] of order.entries()) {
        const signer = drawn[i];
        if (!signer) throw new Error("no signer");
        await testers.connect(signer).unregisterTester();
        expect(await testers.activeCount()).to.equal(BigInt(5 - left));
      }
      const staying = [drawn[1], drawn[4]].map((signer) => signer?.address ?? "");
      expect(await testers.availableFor(await testers.maxFeePerEpoch(), staying)).to.equal(0n);
    });
  });

  describe("stake", () => {
    it("should leave after the unbonding time, and not before", async () => {
      const { testers, tester } = await networkHelpers.loadFixture(fixture);
      const own = testers.connect(tester);
      await own.registerTester(1n, 2n, { value: ETHER });
      await expect(own.unbondStake(ETHER - 2n * DUTY + 1n)).to.be.revertedWithCustomError(
        testers,
        "TesterRegistry_StakeTooLow",
      );
      await expect(own.unbondStake(ETHER + 1n))
        .to.be.revertedWithCustomError(testers, "TesterRegistry_StakeNotFree")
        .withArgs(ETHER, ETHER + 1n);
      await own.unbondStake(ETHER / 2n);
      const release = BigInt(await ethers.provider.getBlockNumber()) + TESTER_SETTINGS.unbondingLength;
      await networkHelpers.mineUpTo(release - 2n);
      await expect(own.withdrawStake())
        .to.be.revertedWithCustomError(testers, "TesterRegistry_NothingToWithdraw")
        .withArgs(release, ETHER / 2n);
      await networkHelpers.mineUpTo(release - 1n);
      await expect(own.withdrawStake()).to.changeEtherBalances(ethers, [tester, testers], [ETHER / 2n, -ETHER / 2n]);
      await expect(own.withdrawStake()).to.be.revertedWithCustomError(testers, "TesterRegistry_NothingToWithdraw");
    });

    it("should keep back what duties have set aside until they are over", async () => {
      const { market, testers, client, drawn } = await networkHelpers.loadFixture(fixtureWithTesters);
      const agreement = await buy(market, client, { length: 12n });
      await networkHelpers.mine(2);
      await agreement.openEpoch(0n);
      const [address] = await agreement.testersOf(0n);
      const signer = drawn.find((one) => one.address === address);
      if (!signer) throw new Error("no tester");
      const own = testers.connect(signer);
      const testerId = await testers.testerOf(signer.address);
      expect((await testers.tester(testerId)).setAside).to.equal(DUTY);
      const { stake } = await testers.tester(testerId);
      await own.unregisterTester();
      await networkHelpers.mine(8);
      await expect(own.withdrawStake()).to.changeEtherBalances(ethers, [signer], [stake - DUTY]);
      await expect(own.withdrawStake()).to.be.revertedWithCustomError(testers, "TesterRegistry_NothingToWithdraw");
      await networkHelpers.mine(30);
      await agreement.settle(1n);
      // It missed: that costs an eighth.
      await expect(own.withdrawStake()).to.changeEtherBalances(ethers, [signer], [DUTY - DUTY / 8n]);
      const after = await testers.tester(testerId);
      expect([after.missed, after.stake, after.unbonding]).to.deep.equal([1n, 0n, 0n]);
    });
  });

  describe("draw", () => {
    const open = async (sent: ReturnType<typeof buy>) => {
      const agreement = await sent;
      await networkHelpers.mine(2);
      return agreement;
    };

    it("should draw T distinct testers, none of them the client or a worker's operator", async () => {
      const { market, client, operators, drawn } = await networkHelpers.loadFixture(fixtureWithTesters);
      for (const signer of [client, ...operators]) await makeTester(market, signer, { stake: 1_000n * ETHER });
      for (const testerCount of [1n, 3n, 5n]) {
        const agreement = await open(buy(market, client, { testerCount, length: 12n }));
        await agreement.openEpoch(0n);
        const accounts = [...(await agreement.testersOf(0n))];
        expect(new Set(accounts).size).to.equal(Number(testerCount));
        for (const account of accounts) expect(drawn.map((one) => one.address)).to.include(account);
      }
    });

    it("should draw everybody when there are just enough", async () => {
      const { market, testers, client, drawn } = await networkHelpers.loadFixture(fixtureWithTesters);
      for (const signer of drawn.slice(0, 3)) await testers.connect(signer).unregisterTester();
      const agreement = await open(buy(market, client));
      await agreement.openEpoch(0n);
      expect([...(await agreement.testersOf(0n))].sort()).to.deep.equal(
        drawn
          .slice(3)
          .map((one) => one.address)
          .sort(),
      );
    });

    it("should not draw who asks for more, is full, or has paused", async () => {
      const { market, testers, client, drawn } = await networkHelpers.loadFixture(fixtureWithTesters);
      const [dear, full, paused, ...rest] = drawn;
      if (!dear || !full || !paused) throw new Error("too few testers");
      await testers.connect(full).updateTester(1n, 1n);
      // Five of six are drawn, so it is not always among them.
      const id = await testers.testerOf(full.address);
      while ((await testers.tester(id)).duties === 0n) {
        const earlier = await open(buy(market, client, { redundancy: 1n, testerCount: 5n, length: 12n }));
        await earlier.openEpoch(0n);
      }
      await testers.connect(dear).updateTester(SETTINGS.testerFeePerEpoch + 1n, 8n);
      await testers.connect(paused).updateTester(1n, 0n);
      const agreement = await open(buy(market, client));
      await agreement.openEpoch(0n);
      expect([...(await agreement.testersOf(0n))].sort()).to.deep.equal(rest.map((one) => one.address).sort());
    });

    it("should draw by stake", async () => {
      const { market, testers, client, drawn } = await networkHelpers.loadFixture(fixtureWithTesters);
      const [whale] = drawn;
      if (!whale) throw new Error("no tester");
      await testers.connect(whale).updateTester(1n, 100n, { value: 500n * ETHER });
      await networkHelpers.mine(3);
      const seedBlock = BigInt(await ethers.provider.getBlockNumber()) - 1n;
      let seen = 0;
      for (let epoch = 0n; epoch < 200n; epoch++) {
        const [drawnNow] = await testers.draw({
          ...DRAW,
          agreement: client.address,
          epoch,
          seedBlock,
          testerCount: 1n,
        });
        if (drawnNow === whale.address) seen++;
      }
      // Three of the six are looked at: the whale is one of them half of the time, and then nearly always wins: 100
      // expected, standard deviation 7. By head count it would be 33.
      expect(seen).to.be.within(60, 140);
      expect(await market.testers.activeCount()).to.equal(6n);
    });

    it("should not be changed by anything sent after the seed block", async () => {
      const { market, testers, client, drawn, tester } = await networkHelpers.loadFixture(fixtureWithTesters);
      const agreement = await buy(market, client, { length: 60n });
      const start = await agreement.start();
      // Blocks: start + 1 is the seed S. Up to S - 1 = start counts.
      await networkHelpers.mineUpTo(start + 2n);
      const before = await agreement.previewTesters(0n);
      expect(before.length).to.equal(3);

      for (const [i, signer] of drawn.entries()) {
        const own = testers.connect(signer);
        if (i % 3 === 0) await own.unregisterTester();
        else if (i % 3 === 1) await own.updateTester(await testers.maxFeePerEpoch(), 0n, { value: 1_000n * ETHER });
        else await own.unbondStake(ETHER / 2n);
      }
      await makeTester(market, tester, { stake: 5_000n * ETHER });
      expect([...(await agreement.previewTesters(0n))]).to.deep.equal([...before]);
      const sent = await agreement.openEpoch(0n);
      await expect(sent).to.emit(agreement, "EpochOpened");
      expect([...(await agreement.testersOf(0n))]).to.deep.equal([...before]);
      // Nobody drawn could excuse itself by what it did since.
      for (const seat of await agreement.seatsOf(0n)) expect(seat.excused).to.equal(false);
    });

    it("should not count what was sent in the seed block itself, but all before it", async () => {
      const { market, testers, client, drawn } = await networkHelpers.loadFixture(fixtureWithTesters);
      await networkHelpers.mine(1);
      const agreement = await buy(market, client);
      const start = await agreement.start();
      // Sent right after the purchase, this is in block start + 1 = S.
      for (const signer of drawn.slice(0, 1)) await testers.connect(signer).unregisterTester();
      expect(BigInt(await ethers.provider.getBlockNumber())).to.equal(start + 1n);
      await networkHelpers.mine(2);
      const address = await agreement.getAddress();
      const operators = (await termsOf(agreement)).workers.map((seat) => seat.operator);
      const request = {
        ...DRAW,
        agreement: address,
        seedBlock: start + 1n,
        testerCount: 7n,
        excluded: [...operators, client.address],
      };
      const asOfBefore = await testers.draw(request);
      expect(asOfBefore.length).to.equal(6);
      const asOfAfter = await testers.draw({ ...request, seedBlock: start + 2n });
      expect(asOfAfter.length).to.equal(5);
    });

    it("should move the seed on by whole steps of 256 blocks when nobody opened", async () => {
      const { market, client } = await networkHelpers.loadFixture(fixtureWithTesters);
      const far = await deployMarket(ethers, { epochLength: 2_000n, maxLength: 4_000n });
      const signers = await ethers.getSigners();
      await makeTwin(far, client);
      for (const signer of signers.slice(3, 6)) await makeWorker(far, signer, { maxLength: 4_000n });
      for (const signer of signers.slice(6, 10)) await makeTester(far, signer);
      const agreement = await buy(far, client, { length: 2_000n });
      const start = await agreement.start();
      const seed = start + 1n;
      const seedAt = async (block: bigint): Promise<bigint> => {
        await networkHelpers.mineUpTo(block - 1n);
        const snapshot = await networkHelpers.takeSnapshot();
        const receipt = await (await agreement.openEpoch(0n)).wait();
        const log = receipt?.logs
          .map((one) => agreement.interface.parseLog(one))
          .find((one) => one?.name === "EpochOpened");
        await snapshot.restore();
        return log?.args[1] as bigint;
      };
      expect(await seedAt(seed + 1n)).to.equal(seed);
      expect(await seedAt(seed + 256n)).to.equal(seed);
      expect(await seedAt(seed + 257n)).to.equal(seed + 256n);
      expect(await seedAt(seed + 512n)).to.equal(seed + 256n);
      expect(await seedAt(seed + 513n)).to.equal(seed + 512n);
      expect(await market.dispatcher.agreementCount()).to.equal(0n);
    });

    it("should let a tester that is over-booked report, but owe nothing", async () => {
      const { market, testers, client, drawn } = await networkHelpers.loadFixture(fixtureWithTesters);
      for (const signer of drawn.slice(0, 3)) await testers.connect(signer).unregisterTester();
      for (const signer of drawn.slice(3)) await testers.connect(signer).updateTester(1n, 1n);
      // Two agreements are seeded before either is opened: both draw the same three, who have one place each.
      const first = await buy(market, client);
      const second = await buy(market, client);
      await networkHelpers.mine(2);
      await first.openEpoch(0n);
      await second.openEpoch(0n);
      expect((await first.seatsOf(0n)).map((seat) => seat.excused)).to.deep.equal([false, false, false]);
      expect((await second.seatsOf(0n)).map((seat) => seat.excused)).to.deep.equal([true, true, true]);
      for (const seat of await second.seatsOf(0n)) {
        const view = await testers.tester(seat.testerId);
        expect([view.duties, view.setAside]).to.deep.equal([1n, DUTY]);
      }
      await networkHelpers.mine(40);
      await second.settle(1n);
      await first.settle(1n);
      for (const seat of await second.seatsOf(0n)) {
        const view = await testers.tester(seat.testerId);
        expect([view.duties, view.setAside, view.missed]).to.deep.equal([0n, 0n, 1n]);
      }
    });
  });

  it("should be served by agreements of its dispatcher only", async () => {
    const { market, testers, stranger, client } = await networkHelpers.loadFixture(fixtureWithTesters);
    const agreement = await buy(market, client);
    for (const caller of [stranger, client]) {
      const own = testers.connect(caller);
      const request = { ...DRAW, agreement: caller.address, seedBlock: 1n };
      for (const call of [
        async () => await own.assign(request),
        async () => await own.assign({ ...request, number: 1n }),
        async () => await own.assign({ ...request, number: 1n, agreement: await agreement.getAddress() }),
        async () => await own.takeDuty(1n, 1n),
        async () => await own.conclude(1n, 0n, []),
        async () => await own.charge(agreement, 1n, 1n, true),
      ]) {
        await expect(call())
          .to.be.revertedWithCustomError(testers, "TesterRegistry_NotAnAgreement")
          .withArgs(caller.address);
      }
    }
    await expect(testers.connect(stranger).attachDispatcher(stranger.address))
      .to.be.revertedWithCustomError(testers, "TesterRegistry_AlreadyAttached")
      .withArgs(await market.dispatcher.getAddress());
    const lone = await ethers.deployContract("TesterRegistry", [market.twins, TESTER_SETTINGS]);
    await expect(lone.assign({ ...DRAW, number: 1n })).to.be.revertedWithCustomError(
      lone,
      "TesterRegistry_NotAnAgreement",
    );
  });

  it("should take settings at their bounds", async () => {
    for (const settings of [
      { dutyStake: 400n, unbondingLength: 1n },
      { dutyStake: 1_000_000n * ETHER, unbondingLength: 1_000_000n },
    ]) {
      const testers = await ethers.deployContract("TesterRegistry", [
        await ethers.deployContract("Twins"),
        { ...TESTER_SETTINGS, ...settings },
      ]);
      expect(plain(await testers.settings())).to.deep.equal({ ...TESTER_SETTINGS, ...settings });
    }
  });

  it("should tell whose testers and records they are when a dispatcher attaches", async () => {
    const { dispatcher, testers, records, disputes } = await deployMarket(ethers);
    const deployment = dispatcher.deploymentTransaction();
    await expect(deployment).to.emit(testers, "DispatcherAttached").withArgs(dispatcher, disputes);
    await expect(deployment).to.emit(records, "RecordDispatcherAttached").withArgs(dispatcher);
  });

  it("should refuse settings out of bounds", async () => {
    const { testers } = await networkHelpers.loadFixture(fixture);
    for (const fault of [
      { dutyStake: 0n },
      // A duty covers all appeals that can overturn it.
      { dutyStake: 399n },
      { dutyStake: 1_000_000n * ETHER + 1n },
      { unbondingLength: 0n },
      { unbondingLength: 1_000_001n },
    ]) {
      await expect(deployMarket(ethers, {}, fault)).to.be.revertedWithCustomError(testers, "TesterRegistry_BadSetting");
    }
    await expect(
      ethers.deployContract("TesterRegistry", [ethers.ZeroAddress, TESTER_SETTINGS]),
    ).to.be.revertedWithCustomError(testers, "TesterRegistry_BadSetting");
    expect(plain(await testers.settings())).to.deep.equal(TESTER_SETTINGS);
  });
});
