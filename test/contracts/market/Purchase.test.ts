import { anyValue } from "@nomicfoundation/hardhat-ethers-chai-matchers/withArgs";
import { expect } from "chai";
import { id, Result, ZeroAddress } from "ethers";
import { network } from "hardhat";

import { termsOf } from "../helpers/epochs.ts";
import {
  agreementIn,
  buy,
  deployMarket,
  makeTester,
  makeTwin,
  makeWorker,
  REQUEST,
  SETTINGS,
  Status,
  TERMS,
  plain,
} from "../helpers/market.ts";

const { ethers, networkHelpers } = await network.create();

const PRICE = TERMS.pricePerBlock;
const FEE = SETTINGS.testerFeePerEpoch;

async function fixture() {
  const market = await deployMarket(ethers);
  const signers = await ethers.getSigners();
  const [client, stranger] = signers;
  if (!client || !stranger) throw new Error("the network has too few accounts");
  await makeTwin(market, client);
  const operators = signers.slice(2, 8);
  for (const operator of operators) await makeWorker(market, operator);
  const testers = signers.slice(8, 13);
  for (const tester of testers) await makeTester(market, tester);
  return { market, dispatcher: market.dispatcher, client, stranger, operators, testers, spare: signers.slice(13) };
}

describe("WorkerDispatcher: purchases", () => {
  it("should make an agreement with the client, the workers, the price and the end", async () => {
    const { market, dispatcher, client } = await networkHelpers.loadFixture(fixture);
    const length = 30n;
    const required = 3n * PRICE * length + 3n * FEE * 3n;
    expect(await dispatcher.quote(3n, length)).to.equal(required);
    const agreement = await agreementIn(
      market,
      dispatcher.connect(client).buyContract(3n, length, { value: required }),
    );
    if (agreement === undefined) throw new Error("no agreement");
    const block = BigInt(await ethers.provider.getBlockNumber());

    expect(await agreement.client()).to.equal(client.address);
    expect(await agreement.price()).to.equal(3n * PRICE);
    expect([...(await agreement.prices())]).to.deep.equal([PRICE, PRICE, PRICE]);
    expect(await agreement.start()).to.equal(block);
    expect(await agreement.end()).to.equal(block + length);
    const { workers: seats, ...terms } = plain(await agreement.terms());
    expect(terms).to.deep.equal({
      client: client.address,
      start: block,
      length,
      epochLength: SETTINGS.epochLength,
      revealLength: SETTINGS.revealLength,
      appealLength: SETTINGS.appealLength,
      testerCount: 3n,
      number: 1n,
      testerFeePerEpoch: FEE,
    });
    expect(await agreement.epochCount()).to.equal(3n);
    expect(await agreement.status()).to.equal(Status.Running);
    expect(await agreement.dispatcher()).to.equal(await dispatcher.getAddress());
    expect(await agreement.unsettled()).to.equal(required);
    expect(await ethers.provider.getBalance(agreement)).to.equal(required);

    const workers = await agreement.workers();
    expect(new Set(workers).size).to.equal(3);
    if (!(seats instanceof Result)) throw new Error("no seats");
    for (const [i, workerId] of workers.entries()) {
      const worker = await dispatcher.worker(workerId);
      expect(worker.slotsUsed).to.equal(1n);
      expect(worker.locked).to.equal(SETTINGS.minSlotStake);
      expect(plain(seats[i])).to.deep.equal({
        workerId,
        twinId: worker.twinId,
        previous: 0n,
        operator: worker.operator,
        pricePerBlock: PRICE,
      });
      expect(worker.lastAgreement).to.equal(1n);
    }
    expect(await dispatcher.isAgreement(agreement)).to.equal(true);
    expect(await dispatcher.isAgreement(client)).to.equal(false);
    expect(await dispatcher.agreementCount()).to.equal(1n);
    const address = await agreement.getAddress();
    expect(await agreement.number()).to.equal(1n);
    expect(await agreement.disputes()).to.equal(await market.disputes.getAddress());
    expect(await dispatcher.agreementAt(1n)).to.equal(address);
    expect([...(await dispatcher.agreements(1n, 5n))]).to.deep.equal([address]);
    for (const from of [0n, 2n]) expect([...(await dispatcher.agreements(from, 5n))]).to.deep.equal([]);
  });

  describe("value", () => {
    it("should return the zero address, give all back and say what was required when it is too low", async () => {
      const { dispatcher, client } = await networkHelpers.loadFixture(fixture);
      const required = await dispatcher.quote(3n, 24n);
      for (const sent of [0n, 1n, required - 1n]) {
        const purchase = dispatcher.connect(client);
        expect(await purchase.buyContract.staticCall(3n, 24n, { value: sent })).to.equal(ZeroAddress);
        const tx = await purchase.buyContract(3n, 24n, { value: sent });
        await expect(tx).to.emit(dispatcher, "PurchaseRejected").withArgs(client.address, required, sent);
        await expect(tx).not.to.emit(dispatcher, "AgreementCreated");
        await expect(tx).to.changeEtherBalances(ethers, [client, dispatcher], [0n, 0n]);
      }
      expect(await dispatcher.agreementCount()).to.equal(0n);
      expect((await dispatcher.worker(1n)).slotsUsed).to.equal(0n);
    });

    it("should take exactly the price and give the rest back when it is too much", async () => {
      const { dispatcher, client } = await networkHelpers.loadFixture(fixture);
      const required = await dispatcher.quote(3n, 24n);
      for (const excess of [0n, 1n, 10n ** 18n]) {
        const tx = await dispatcher.connect(client).buyContract(3n, 24n, { value: required + excess });
        await expect(tx).to.changeEtherBalances(ethers, [client, dispatcher], [-required, 0n]);
        await expect(tx)
          .to.emit(dispatcher, "AgreementCreated")
          .withArgs(anyValue, client.address, anyValue, REQUEST.applicationType, anyValue, anyValue, 24n, required);
      }
    });

    it("should hold for the two sisters, too", async () => {
      const { dispatcher, client } = await networkHelpers.loadFixture(fixture);
      const own = dispatcher.connect(client);
      const low = (await dispatcher.quoteFor(REQUEST)) - 1n;
      expect(await own.buyContractFor.staticCall(REQUEST, { value: low })).to.equal(ZeroAddress);
      await expect(own.buyContractFor(REQUEST, { value: low })).to.emit(dispatcher, "PurchaseRejected");
      const named = (await dispatcher.quoteWith([2n, 1n], 24n)) - 1n;
      expect(await own.buyContractWith.staticCall([2n, 1n], 24n, { value: named })).to.equal(ZeroAddress);
      await expect(own.buyContractWith([2n, 1n], 24n, { value: named })).to.emit(dispatcher, "PurchaseRejected");
    });
  });

  it("should refuse what cannot be bought, with what was wanted", async () => {
    const { market, dispatcher, client, stranger, testers } = await networkHelpers.loadFixture(fixture);
    const own = dispatcher.connect(client);
    const value = 10n ** 18n;
    for (const redundancy of [0n, 21n]) {
      await expect(own.buyContract(redundancy, 24n, { value }))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_BadRedundancy")
        .withArgs(20n, redundancy);
    }
    for (const length of [0n, SETTINGS.maxLength + 1n]) {
      await expect(own.buyContract(3n, length, { value }))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_BadLength")
        .withArgs(SETTINGS.maxLength, length);
    }
    await expect(own.buyContract(7n, 24n, { value }))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_NotEnoughWorkers")
      .withArgs(7n, 6n);
    await expect(own.buyContract(1n, 1_025n, { value }))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_NotEnoughWorkers")
      .withArgs(1n, 0n);
    await expect(dispatcher.quote(7n, 24n)).to.be.revertedWithCustomError(
      dispatcher,
      "WorkerDispatcher_NotEnoughWorkers",
    );
    await expect(dispatcher.connect(stranger).buyContract(3n, 24n, { value }))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_NotATwin")
      .withArgs(stranger.address);
    for (const testerCount of [2n, 4n, 9n]) {
      await expect(own.buyContractFor({ ...REQUEST, testerCount }, { value }))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_BadTesterCount")
        .withArgs(testerCount);
    }
    const maxFee = await market.testers.maxFeePerEpoch();
    for (const testerFeePerEpoch of [maxFee + 1n, 2n ** 96n]) {
      await expect(own.buyContractFor({ ...REQUEST, testerFeePerEpoch }, { value }))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_BadTesterFee")
        .withArgs(maxFee, testerFeePerEpoch);
    }
    await expect(own.buyContractFor({ ...REQUEST, startAfter: 100_001n }, { value }))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_BadStartDelay")
      .withArgs(100_000n, 100_001n);
    await expect(own.buyContractFor({ ...REQUEST, testerCount: 7n }, { value }))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_NotEnoughTesters")
      .withArgs(7n, 5n);
    for (const tester of testers.slice(0, 3)) await market.testers.connect(tester).unregisterTester();
    await expect(own.buyContract(3n, 24n, { value }))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_NotEnoughTesters")
      .withArgs(3n, 2n);
  });

  it("should not count a client or worker among its testers", async () => {
    const { market, dispatcher, testers, operators } = await networkHelpers.loadFixture(fixture);
    const [t1, t2, t3] = testers;
    const [operator] = operators;
    if (!t1 || !t2 || !t3 || !operator) throw new Error("too few accounts");
    await market.testers.connect(t1).unregisterTester();
    await market.testers.connect(t2).unregisterTester();
    const value = 10n ** 18n;
    await expect(dispatcher.connect(t3).buyContract(1n, 24n, { value }))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_NotEnoughTesters")
      .withArgs(3n, 2n);
    // A client that is its own worker and a tester is one account less, not two.
    await makeTester(market, operator);
    const own = await dispatcher.workerOf(operator.address, TERMS.applicationType);
    await dispatcher.connect(operator).buyContractWith([own], 24n, { value });
    await market.testers.connect(t3).unregisterTester();
    await expect(dispatcher.connect(operator).buyContractWith([own], 24n, { value }))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_NotEnoughTesters")
      .withArgs(3n, 2n);
  });

  describe("requests", () => {
    it("should pass over the dear, the short, the paused and those of another type", async () => {
      const { market, dispatcher, spare } = await networkHelpers.loadFixture(fixture);
      const [dear, short, paused, other] = spare;
      if (!dear || !short || !paused || !other) throw new Error("too few accounts");
      await makeWorker(market, dear, { pricePerBlock: PRICE + 1n });
      await makeWorker(market, short, { pricePerBlock: 1n, maxLength: 23n });
      const pausedId = await makeWorker(market, paused, { pricePerBlock: 1n });
      await dispatcher.connect(paused).pauseWorker(pausedId);
      await makeWorker(market, other, { pricePerBlock: 1n, applicationType: id("render") });
      const request = { ...REQUEST, redundancy: 20n };
      expect([...(await dispatcher.candidates({ ...request, maxPricePerBlock: PRICE }))]).to.deep.equal([
        1n,
        2n,
        3n,
        4n,
        5n,
        6n,
      ]);
      expect([...(await dispatcher.candidates(request))]).to.deep.equal([1n, 2n, 3n, 4n, 5n, 6n, 7n]);
      expect([...(await dispatcher.candidates({ ...request, applicationType: id("render") }))]).to.deep.equal([10n]);
      expect([...(await dispatcher.candidates({ ...request, length: 23n }))]).to.deep.equal([
        8n,
        1n,
        2n,
        3n,
        4n,
        5n,
        6n,
        7n,
      ]);
    });

    it("should serve a length that is no power of two by a worker of just that length", async () => {
      const { market, dispatcher, client, spare } = await networkHelpers.loadFixture(fixture);
      const [long] = spare;
      if (!long) throw new Error("too few accounts");
      const workerId = await makeWorker(market, long, { maxLength: 3_000n, slots: 1n });
      const agreement = await buy(market, client, { redundancy: 1n, length: 3_000n });
      expect([...(await agreement.workers())]).to.deep.equal([workerId]);
      expect((await dispatcher.worker(workerId)).listed).to.equal(false);
    });

    it("should pass over workers below the reputation", async () => {
      const { dispatcher } = await networkHelpers.loadFixture(fixture);
      expect([...(await dispatcher.candidates({ ...REQUEST, minReputation: 5_000n }))].length).to.equal(6);
      expect([...(await dispatcher.candidates({ ...REQUEST, minReputation: 5_001n }))].length).to.equal(0);
    });

    it("should draw only among the cheapest, three for each seat", async () => {
      const { market, dispatcher, client, spare } = await networkHelpers.loadFixture(fixture);
      const cheap: bigint[] = [];
      for (const signer of spare.slice(0, 3)) {
        cheap.push(await makeWorker(market, signer, { pricePerBlock: PRICE / 2n }));
      }
      const request = { ...REQUEST, redundancy: 1n };
      expect([...(await dispatcher.candidates(request))]).to.deep.equal(cheap);
      for (let i = 0; i < 6; i++) {
        // One whose slots are taken makes room for the next cheapest.
        const candidates = [...(await dispatcher.candidates(request))];
        expect(candidates).to.have.length(3);
        const agreement = await buy(market, client, { redundancy: 1n });
        expect(candidates).to.include((await agreement.workers())[0]);
      }
    });

    it("should quote the dearest draw", async () => {
      const { market, dispatcher, spare } = await networkHelpers.loadFixture(fixture);
      const [dear, dearer] = spare;
      if (!dear || !dearer) throw new Error("too few accounts");
      await makeWorker(market, dear, { pricePerBlock: 2n * PRICE });
      await makeWorker(market, dearer, { pricePerBlock: 5n * PRICE });
      expect(await dispatcher.quote(3n, 12n)).to.equal((5n + 2n + 1n) * PRICE * 12n + 3n * FEE);
      expect(await dispatcher.quote(2n, 12n)).to.equal((1n + 1n) * PRICE * 12n + 3n * FEE);
    });

    it("should start later when asked to, and fix the testers' number and fee", async () => {
      const { market, client } = await networkHelpers.loadFixture(fixture);
      const agreement = await buy(market, client, { startAfter: 10n, testerCount: 5n, testerFeePerEpoch: FEE + 77n });
      const block = BigInt(await ethers.provider.getBlockNumber());
      expect(await agreement.start()).to.equal(block + 10n);
      expect(await agreement.status()).to.equal(Status.Scheduled);
      const terms = await termsOf(agreement);
      expect(terms.testerCount).to.equal(5n);
      expect(terms.testerFeePerEpoch).to.equal(FEE + 77n);
      expect([...(await agreement.testers())]).to.deep.equal([]);
      await networkHelpers.mine(10);
      expect(await agreement.status()).to.equal(Status.Running);
    });
  });

  it("should page through agreements in the order of their numbers", async () => {
    const { market, dispatcher, client } = await networkHelpers.loadFixture(fixture);
    const made: string[] = [];
    for (let i = 0; i < 3; i++) made.push(await (await buy(market, client, { redundancy: 1n })).getAddress());
    const page = async (from: bigint, count: bigint): Promise<string[]> => [
      ...(await dispatcher.agreements(from, count)),
    ];
    expect(await page(1n, 2n)).to.deep.equal(made.slice(0, 2));
    expect(await page(2n, 2n)).to.deep.equal(made.slice(1));
    expect(await page(3n, 9n)).to.deep.equal(made.slice(2));
    expect(await page(1n, 0n)).to.deep.equal([]);
    expect(await page(4n, 1n)).to.deep.equal([]);
  });

  describe("the client's own choice", () => {
    it("should take exactly the workers named", async () => {
      const { market, dispatcher, client } = await networkHelpers.loadFixture(fixture);
      const value = await dispatcher.quoteWith([5n, 2n], 24n);
      const agreement = await agreementIn(market, dispatcher.connect(client).buyContractWith([5n, 2n], 24n, { value }));
      expect([...((await agreement?.workers()) ?? [])]).to.deep.equal([5n, 2n]);
    });

    it("should refuse unknown, paused, doubled, too short and mixed workers", async () => {
      const { market, dispatcher, client, operators } = await networkHelpers.loadFixture(fixture);
      const [first] = operators;
      if (!first) throw new Error("too few accounts");
      const own = dispatcher.connect(client);
      const value = 10n ** 18n;
      await expect(own.buyContractWith([], 24n, { value })).to.be.revertedWithCustomError(
        dispatcher,
        "WorkerDispatcher_BadRedundancy",
      );
      await expect(own.buyContractWith([99n], 24n, { value })).to.be.revertedWithCustomError(
        dispatcher,
        "WorkerDispatcher_UnknownWorker",
      );
      await expect(own.buyContractWith([1n, 2n, 1n], 24n, { value }))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_DuplicateOperator")
        .withArgs(first.address);
      await expect(own.buyContractWith([1n], 1_025n, { value }))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_BadLength")
        .withArgs(1_024n, 1_025n);
      const other = await makeWorker(market, first, { applicationType: id("render") });
      await expect(own.buyContractWith([1n, other], 24n, { value })).to.be.revertedWithCustomError(
        dispatcher,
        "WorkerDispatcher_MixedApplications",
      );
      await dispatcher.connect(first).pauseWorker(1n);
      await expect(own.buyContractWith([1n], 24n, { value }))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_WorkerNotAvailable")
        .withArgs(1n);
    });
  });

  it("should never give a worker more agreements than slots", async () => {
    const { market, dispatcher, client, operators } = await networkHelpers.loadFixture(fixture);
    // Stake for more: it is the slots that end it.
    for (const [i, operator] of operators.entries()) {
      await dispatcher.connect(operator).addStake(i + 1, { value: 10n ** 18n });
    }
    for (let i = 0; i < 24; i++) await buy(market, client, { redundancy: 1n });
    for (const worker of await dispatcher.workers(1n, 10n)) {
      expect(worker.slotsUsed).to.equal(worker.slots);
      expect(worker.listed).to.equal(false);
    }
    await expect(dispatcher.connect(client).buyContract(1n, 24n, { value: 10n ** 18n }))
      .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_NotEnoughWorkers")
      .withArgs(1n, 0n);
  });

  it("should draw by stake", async () => {
    const { market, dispatcher, client, spare } = await networkHelpers.loadFixture(fixture);
    const [rich, poor] = spare;
    if (!rich || !poor) throw new Error("too few accounts");
    const applicationType = id("by stake");
    const terms = { applicationType, slots: 100n };
    const richId = await makeWorker(market, rich, terms, 90n * 10n ** 18n);
    await makeWorker(market, poor, terms, 10n ** 18n);
    let drawn = 0;
    for (let i = 0; i < 20; i++) {
      const agreement = await buy(market, client, { applicationType, redundancy: 1n });
      if ((await agreement.workers())[0] === richId) drawn++;
    }
    // 90 of 91 by stake: fewer than 15 of 20 has a chance below 10^-8.
    expect(drawn).to.be.greaterThan(14);
    // Each agreement names the worker's one before, so all of them can be found from the newest.
    let found = 0;
    let number = (await dispatcher.worker(richId)).lastAgreement;
    while (number !== 0n) {
      const agreement = await ethers.getContractAt("WorkAgreement", await dispatcher.agreementAt(number));
      const seat = (await termsOf(agreement)).workers.find((one) => one.workerId === richId);
      if (seat === undefined) throw new Error(`agreement ${number} does not name the worker`);
      number = seat.previous;
      found++;
    }
    expect(found).to.equal(drawn);
  });

  it("should buy with 20 workers and 7 testers", async () => {
    const { market, client, spare } = await networkHelpers.loadFixture(fixture);
    const [t6, t7] = spare;
    if (!t6 || !t7) throw new Error("too few accounts");
    await makeTester(market, t6);
    await makeTester(market, t7);
    for (let i = 0; i < 14; i++) {
      const wallet = ethers.Wallet.createRandom(ethers.provider);
      await networkHelpers.setBalance(wallet.address, 10n ** 18n);
      await makeWorker(market, wallet, { slots: 1n });
    }
    const agreement = await buy(market, client, { redundancy: 20n, testerCount: 7n, length: 1_000n });
    expect((await agreement.workers()).length).to.equal(20);
    expect(await agreement.price()).to.equal(20n * PRICE);
  });
});
