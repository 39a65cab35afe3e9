import { expect } from "chai";
import { id, type Signer, ZeroAddress } from "ethers";
import { network } from "hardhat";

import type { Actor, WorkAgreement } from "../../../typechain-types/index.ts";
import {
  BURN_ADDRESS,
  buyWith,
  commitAs,
  commitmentFor,
  drain as drainIn,
  expectSolvent,
  finish as finishIn,
  mineTo as mineToIn,
  revealAs,
  runDrawn as runDrawnIn,
  runPanel,
  seatReveal,
  signersOf,
} from "../helpers/epochs.ts";
import {
  buy,
  deployMarket,
  ETHER,
  makeTester,
  makeTwin,
  makeWorker,
  messageKeyOf,
  messageWallet,
  Outcome,
  proveKey,
  REQUEST,
  SETTINGS,
  Status,
  TERMS,
  TESTER_SETTINGS,
  Verdict,
} from "../helpers/market.ts";

// What went wrong elsewhere, one test each, named for where: repository and issue, or the project's own description.

const chain = await network.create();
const { ethers, networkHelpers } = chain;

const PRICE = TERMS.pricePerBlock;
const FEE = SETTINGS.testerFeePerEpoch;
const BLOCKS = SETTINGS.epochLength;
const LOCK = SETTINGS.minSlotStake;
const DUTY = TESTER_SETTINGS.dutyStake;
const MISS = DUTY / 8n;
const Mood = { Accept: 0n, Refuse: 1n, Reenter: 2n } as const;
const { Ok, Unreachable, Wrong } = Verdict;
/** EIP-7825: no transaction may use more. */
const GAS_OF_A_TRANSACTION = 2n ** 24n;

const mineTo = async (block: bigint) => await mineToIn(chain, block);
const finish = async (agreement: WorkAgreement) => await finishIn(chain, agreement);
const burnt = async () => await ethers.provider.getBalance(BURN_ADDRESS);
const blockNumber = async () => BigInt(await ethers.provider.getBlockNumber());

async function fixture() {
  const market = await deployMarket(ethers);
  const signers = await ethers.getSigners();
  const [client, stranger] = signers;
  if (!client || !stranger) throw new Error("the network has too few accounts");
  await makeTwin(market, client);
  const operators = signers.slice(2, 5);
  const workerIds: bigint[] = [];
  for (const operator of operators) workerIds.push(await makeWorker(market, operator));
  const testers = signers.slice(5, 16);
  for (const tester of testers) await makeTester(market, tester);
  const [w0, w1, w2] = operators;
  const [first, second] = workerIds;
  if (!w0 || !w1 || !w2 || first === undefined || second === undefined) throw new Error("too few operators");
  const all = [client, stranger, ...operators, ...testers];
  return {
    market,
    dispatcher: market.dispatcher,
    client,
    stranger,
    operators,
    w0,
    w1,
    w2,
    workerIds,
    first,
    second,
    testers,
    all,
  };
}

type Scene = Awaited<ReturnType<typeof fixture>>;

const load = async () => await networkHelpers.loadFixture(fixture);
const drain = async (scene: Scene, agreement: WorkAgreement, people: readonly Signer[] = scene.all) =>
  await drainIn(chain, scene.market, agreement, people);

async function runDrawn(
  scene: Scene,
  agreement: WorkAgreement,
  epoch: bigint,
  verdictsOf: (seat: number, tester: Signer) => readonly bigint[] | undefined,
) {
  return await runDrawnIn(chain, agreement, epoch, scene.testers, verdictsOf);
}

/** A contract with a twin and ether: whoever it plays, it can refuse ether or call back. */
async function makeActor(scene: Scene, name: string): Promise<Actor> {
  const { market, client } = scene;
  const actor = await ethers.deployContract("Actor");
  const account = await actor.getAddress();
  await client.sendTransaction({ to: account, value: 10n * ETHER });
  const key = messageWallet(name);
  const ledgerKey = id(name);
  const proof = await proveKey(market.twins, key, { account, ledgerKey, nonce: 0n });
  const register = market.twins.interface.encodeFunctionData("register", [messageKeyOf(key), ledgerKey, proof]);
  await actor.act(market.twins, 0n, register);
  return actor;
}

/** Buys as a contract, and gives the agreement. */
async function buyAs(scene: Scene, actor: Actor, workerIds: readonly bigint[], length: bigint) {
  const { dispatcher } = scene;
  const value = await dispatcher.quoteWith([...workerIds], length);
  await actor.act(
    dispatcher,
    value,
    dispatcher.interface.encodeFunctionData("buyContractWith", [[...workerIds], length]),
  );
  const address = await dispatcher.agreementAt(await dispatcher.agreementCount());
  return { agreement: await ethers.getContractAt("WorkAgreement", address), paid: value };
}

describe("incidents of other markets", () => {
  describe("1. pull payments; a callee can never stop progress", () => {
    it("PoCo#15: a client that reverts cannot stop finalize, and the workers are paid", async () => {
      const scene = await load();
      const actor = await makeActor(scene, "a client");
      const { agreement } = await buyAs(scene, actor, scene.workerIds, BLOCKS);
      await actor.setMood(Mood.Refuse, ZeroAddress, "0x");
      // A worker was wrong, so that a compensation comes for the client, too.
      await runDrawn(scene, agreement, 0n, () => [Wrong, Ok, Ok]);
      await finish(agreement);
      expect(await agreement.status()).to.equal(Status.Finalized);
      for (const worker of [scene.w1, scene.w2]) {
        await expect(agreement.connect(worker).withdraw()).to.changeEtherBalances(ethers, [worker], [BLOCKS * PRICE]);
      }
      const withdraw = agreement.interface.encodeFunctionData("withdraw");
      await expect(actor.act(agreement, 0n, withdraw)).to.be.revertedWithCustomError(agreement, "Ether_TransferFailed");
      await actor.setMood(Mood.Accept, ZeroAddress, "0x");
      const due = BLOCKS * PRICE + FEE;
      await expect(actor.act(agreement, 0n, withdraw)).to.changeEtherBalances(ethers, [actor], [due]);
    });

    it("PoCo callback gas, dave#273: nobody's code is called when an agreement is settled and finalized", async () => {
      const scene = await load();
      const actor = await makeActor(scene, "a client");
      const { agreement } = await buyAs(scene, actor, scene.workerIds, BLOCKS);
      await actor.setMood(Mood.Reenter, agreement, agreement.interface.encodeFunctionData("withdraw"));
      await runDrawn(scene, agreement, 0n, () => [Wrong, Ok, Ok]);
      await finish(agreement);
      expect(await actor.attempts()).to.equal(0n);
    });

    it("dave#273: a claimer that fails can try again, and gets no more by calling back", async () => {
      const scene = await load();
      const actor = await makeActor(scene, "a client");
      const { agreement } = await buyAs(scene, actor, scene.workerIds, BLOCKS);
      await finish(agreement);
      const withdraw = agreement.interface.encodeFunctionData("withdraw");
      const address = await agreement.getAddress();
      await actor.setMood(Mood.Refuse, ZeroAddress, "0x");
      await expect(actor.act(address, 0n, withdraw)).to.be.revertedWithCustomError(agreement, "Ether_TransferFailed");
      await actor.setMood(Mood.Reenter, address, withdraw);
      await expect(actor.act(address, 0n, withdraw)).to.changeEtherBalances(ethers, [actor], [3n * FEE]);
      expect([await actor.attempts(), await actor.reentered()]).to.deep.equal([1n, false]);
    });

    it("Truebit incentive-layer#43, #55: verifiers claim their rewards; one that refuses ether stops nobody's", async () => {
      const scene = await load();
      const { market, client, first } = scene;
      for (const tester of scene.testers.slice(2)) await market.testers.connect(tester).unregisterTester();
      const actor = await makeActor(scene, "a tester");
      const { testers } = market;
      await actor.act(testers, ETHER, testers.interface.encodeFunctionData("registerTester", [1n, 4n]));
      const agreement = await buyWith(market, client, [first], BLOCKS);
      const { commitFrom, revealFrom } = await agreement.windowsOf(0n);
      await mineTo(commitFrom - 1n);
      await agreement.openEpoch(0n);
      // The contract commits by its own call; whoever knows the salt brings its reveal.
      const others = scene.testers.slice(0, 2);
      for (const tester of others) await commitAs(agreement, 0n, tester, [Ok]);
      const account = await ethers.getImpersonatedSigner(await actor.getAddress());
      const commitment = await commitmentFor(agreement, 0n, account, [Ok]);
      await actor.act(agreement, 0n, agreement.interface.encodeFunctionData("commit", [0n, commitment]));
      await mineTo(revealFrom - 1n);
      for (const tester of others) await revealAs(agreement, 0n, tester, [Ok]);
      await agreement.reveal(0n, await seatReveal(agreement, 0n, account, [Ok]));
      await actor.setMood(Mood.Refuse, ZeroAddress, "0x");
      await finish(agreement);
      for (const tester of others) {
        await expect(testers.connect(tester).withdrawFees()).to.changeEtherBalances(ethers, [tester], [FEE]);
      }
      const withdrawFees = testers.interface.encodeFunctionData("withdrawFees");
      await expect(actor.act(testers, 0n, withdrawFees)).to.be.revertedWithCustomError(testers, "Ether_TransferFailed");
      await actor.setMood(Mood.Accept, ZeroAddress, "0x");
      await expect(actor.act(testers, 0n, withdrawFees)).to.changeEtherBalances(ethers, [actor], [FEE]);
    });
  });

  describe("2. no third party may change my exit", () => {
    it("Livepeer ForceCancelUnlock: paying for another is not possible, and paying for work never touches its unbonding", async () => {
      const { market, dispatcher, client, stranger, w0, first } = await load();
      const agreement = await buyWith(market, client, [first], BLOCKS);
      await dispatcher.connect(w0).addStake(first, { value: LOCK });
      await dispatcher.connect(w0).unbondStake(first, LOCK);
      const { releaseBlock } = await dispatcher.worker(first);
      for (const caller of [stranger, client]) {
        await expect(dispatcher.connect(caller).addStake(first, { value: 0n })).to.be.revertedWithCustomError(
          dispatcher,
          "WorkerDispatcher_NotOperator",
        );
      }
      await agreement.connect(client).extend(1n, { value: ETHER });
      await buyWith(market, client, [first], BLOCKS);
      const worker = await dispatcher.worker(first);
      expect([worker.releaseBlock, worker.unbonding]).to.deep.equal([releaseBlock, LOCK]);
      await mineTo(releaseBlock - 1n);
      await expect(dispatcher.connect(w0).withdrawStake(first)).to.changeEtherBalances(ethers, [w0], [LOCK]);
    });

    it("Livepeer BondingManagerRewardsGriefing: a wei from a stranger changes nobody's reward", async () => {
      const scene = await load();
      const { market, client, stranger, testers, first } = scene;
      const agreement = await buyWith(market, client, [first], BLOCKS);
      await runDrawn(scene, agreement, 0n, () => [Ok]);
      for (const to of [market.testers, market.dispatcher, market.disputes, agreement]) {
        await expect(stranger.sendTransaction({ to: await to.getAddress(), value: 1n })).to.be.revert(ethers);
      }
      await finish(agreement);
      let credits = 0n;
      for (const tester of testers) {
        credits += (await market.testers.tester(await market.testers.testerOf(tester))).credit;
      }
      expect(credits).to.equal(3n * FEE);
    });
  });

  describe("3. testers are drawn from a seed fixed later than the commitment, over a list fixed earlier", () => {
    it("Lilypad mediator draw: neither party steers it by when or by whom an epoch is opened", async () => {
      const { market, client, stranger, w0, first } = await load();
      const agreement = await buyWith(market, client, [first], 2n * BLOCKS);
      const { commitFrom, commitTo } = await agreement.windowsOf(0n);
      const draws = new Set<string>();
      for (const block of [commitFrom, commitFrom + 3n, commitTo]) {
        await mineTo(block - 1n);
        for (const caller of [client, stranger, w0]) {
          const snapshot = await networkHelpers.takeSnapshot();
          await agreement.connect(caller).openEpoch(0n);
          draws.add([...(await agreement.testersOf(0n))].join());
          await snapshot.restore();
        }
      }
      expect(draws.size).to.equal(1);
    });

    it("sapien-contracts#102: a draw cannot be simulated before it is sent: its seed is a block to come", async () => {
      const { market, client, first } = await load();
      const agreement = await buyWith(market, client, [first], BLOCKS);
      const { commitFrom } = await agreement.windowsOf(0n);
      const start = await agreement.start();
      for (const block of [start + 1n, commitFrom - 1n]) {
        await mineTo(block - 1n);
        await expect(agreement.openEpoch(0n)).to.be.revertedWithCustomError(agreement, "WorkAgreement_OutsideWindow");
        expect([...(await agreement.previewTesters(0n, { blockTag: "pending" }))]).to.deep.equal([]);
      }
      await mineTo(commitFrom - 1n);
      await expect(agreement.openEpoch(0n)).to.emit(agreement, "EpochOpened");
    });

    it("Streamr VoteKickPolicy: sending again gives no other draw", async () => {
      const { market, client, stranger, first } = await load();
      const agreement = await buyWith(market, client, [first], BLOCKS);
      await mineTo((await agreement.windowsOf(0n)).commitFrom - 1n);
      await agreement.openEpoch(0n);
      const before = [...(await agreement.testersOf(0n))];
      for (const caller of [client, stranger]) {
        await expect(agreement.connect(caller).openEpoch(0n)).to.be.revertedWithCustomError(
          agreement,
          "WorkAgreement_AlreadyOpen",
        );
      }
      expect([...(await agreement.testersOf(0n))]).to.deep.equal(before);
    });

    it("Swarm stake age: stake that comes when the seed is known weighs nothing in its draw", async () => {
      const { market, client, stranger, first } = await load();
      await makeTwin(market, stranger);
      const agreement = await buyWith(market, client, [first], BLOCKS);
      await networkHelpers.mine(1);
      const before = [...(await agreement.previewTesters(0n, { blockTag: "pending" }))];
      await market.testers.connect(stranger).registerTester(0n, 4_096n, { value: 4_096n * DUTY });
      expect([...(await agreement.previewTesters(0n))]).to.deep.equal(before);
      await agreement.openEpoch(0n);
      expect([...(await agreement.testersOf(0n))]).to.deep.equal(before);
    });
  });

  describe("4. price Sybils, do not count heads", () => {
    it("PoCo, Streamr weights: every further head of a Sybil costs the stake of its duties", async () => {
      const { market, stranger } = await load();
      await makeTwin(market, stranger);
      for (const capacity of [1n, 2n, 64n]) {
        const required = capacity * DUTY;
        await expect(market.testers.connect(stranger).registerTester(0n, capacity, { value: required - 1n }))
          .to.be.revertedWithCustomError(market.testers, "TesterRegistry_StakeTooLow")
          .withArgs(required, required - 1n);
      }
    });

    it("Streamr reviewers exclude flagger and target: client, workers and the epoch's testers are on no panel", async () => {
      const scene = await load();
      const { market, client, operators, workerIds } = scene;
      for (const party of [client, ...operators]) await makeTester(market, party, { stake: 1_000n * ETHER });
      const agreement = await buyWith(market, client, workerIds, BLOCKS);
      const drawn = await runDrawn(scene, agreement, 0n, () => [Ok, Ok, Ok]);
      await mineTo((await agreement.windowsOf(0n)).appealFrom - 1n);
      const bond = await market.disputes.bondOf(agreement);
      await market.disputes.connect(client).appeal(agreement, 0n, 0n, { value: bond });
      const panel = await runPanel(chain, market, agreement, 0n, scene.testers, () => [Ok, Ok, Ok]);
      expect(panel.length).to.equal(7);
      const names = await Promise.all(drawn.map(async (one) => await one.getAddress()));
      const banned = [client, ...operators].map((one) => one.address).concat(names);
      for (const member of panel) expect(banned).not.to.include(await member.getAddress());
    });

    it("Truebit incentive-layer#48: more testers share the same fees, they do not raise them", async () => {
      const scene = await load();
      const { market, client, testers, first } = scene;
      const agreement = await buyWith(market, client, [first], BLOCKS);
      expect(await agreement.unsettled()).to.equal(BLOCKS * PRICE + 3n * FEE);
      await runDrawn(scene, agreement, 0n, () => [Ok]);
      await finish(agreement);
      let credits = 0n;
      for (const tester of testers) {
        credits += (await market.testers.tester(await market.testers.testerOf(tester))).credit;
      }
      expect(credits).to.equal(3n * FEE);
    });

    it("dave#273: a loser's bond does not fund its own attack: who strikes its own report loses half a miss", async () => {
      const scene = await load();
      const { market, client, first } = scene;
      const { disputes } = market;
      const agreement = await buyWith(market, client, [first], 2n * BLOCKS);
      await agreement.connect(client).bindProgram(id("a smart account"));
      const drawn = await runDrawn(scene, agreement, 1n, () => [Ok]);
      const [self] = drawn;
      if (!self) throw new Error("no tester");
      const { stake } = await market.testers.tester(await market.testers.testerOf(self));
      await mineTo((await agreement.windowsOf(1n)).appealFrom - 1n);
      await disputes.connect(self).challenge(agreement, 1n, 0n, 0n, { value: MISS });
      const before = await burnt();
      await finish(agreement);
      const after = await market.testers.tester(await market.testers.testerOf(self));
      const net = after.stake - stake + (await disputes.creditOf(self)) - MISS;
      expect(net).to.equal(-MISS / 2n);
      expect((await burnt()) - before).to.equal(MISS / 2n);
      expect(after.credit).to.equal(0n);
    });
  });

  describe("5. commit-reveal bound to sender and task; losers cannot delay", () => {
    it("PoCo seal: a commitment copied from another opens for nobody else", async () => {
      const scene = await load();
      const { market, client, first } = scene;
      const agreement = await buyWith(market, client, [first], BLOCKS);
      const windows = await agreement.windowsOf(0n);
      await mineTo(windows.commitFrom - 1n);
      await agreement.openEpoch(0n);
      const [honest, copyist] = await signersOf([...(await agreement.testersOf(0n))], scene.testers);
      if (!honest || !copyist) throw new Error("too few testers");
      const commitment = await commitmentFor(agreement, 0n, honest, [Wrong]);
      await agreement.connect(copyist).commit(0n, commitment);
      await agreement.connect(honest).commit(0n, commitment);
      await mineTo(windows.revealFrom - 1n);
      const report = await seatReveal(agreement, 0n, honest, [Wrong]);
      for (const tester of [report.tester, await copyist.getAddress()]) {
        await expect(agreement.reveal(0n, { ...report, seat: 1n, tester })).to.be.revertedWithCustomError(
          agreement,
          "WorkAgreement_CommitmentMismatch",
        );
      }
      await agreement.reveal(0n, report);
    });

    it("PoCo#17: who commits and never reveals delays nobody by a block, and pays for it", async () => {
      const scene = await load();
      const { market, client, first } = scene;
      const agreement = await buyWith(market, client, [first], BLOCKS);
      const { finalFrom, commitFrom } = await agreement.windowsOf(0n);
      await mineTo(commitFrom - 1n);
      await agreement.openEpoch(0n);
      const drawn = await signersOf([...(await agreement.testersOf(0n))], scene.testers);
      for (const tester of drawn) await commitAs(agreement, 0n, tester, [Ok]);
      expect((await agreement.windowsOf(0n)).finalFrom).to.equal(finalFrom);
      await mineTo(finalFrom - 1n);
      const before = await burnt();
      await agreement.settle(1n);
      expect(await agreement.settledEpochs()).to.equal(1n);
      expect((await burnt()) - before).to.equal(3n * MISS);
      expect(await agreement.creditOf(client)).to.equal(3n * FEE);
    });

    it("Swarm storage-incentives: no commitment in the last block of the phase", async () => {
      const scene = await load();
      const { market, client, first } = scene;
      const agreement = await buyWith(market, client, [first], BLOCKS);
      const { to, commitTo } = await agreement.windowsOf(0n);
      expect(commitTo).to.equal(to - 1n);
      await mineTo(to - 2n);
      await agreement.openEpoch(0n);
      const [tester] = await signersOf([...(await agreement.testersOf(0n))], scene.testers);
      if (!tester) throw new Error("no tester");
      await expect(commitAs(agreement, 0n, tester, [Ok])).to.be.revertedWithCustomError(
        agreement,
        "WorkAgreement_OutsideWindow",
      );
    });

    it("Truebit early reveal: nothing is revealed while others can still commit", async () => {
      const scene = await load();
      const { market, client, first } = scene;
      const agreement = await buyWith(market, client, [first], BLOCKS);
      const { commitFrom, to, revealFrom } = await agreement.windowsOf(0n);
      await mineTo(commitFrom - 1n);
      await agreement.openEpoch(0n);
      const [tester] = await signersOf([...(await agreement.testersOf(0n))], scene.testers);
      if (!tester) throw new Error("no tester");
      await commitAs(agreement, 0n, tester, [Ok]);
      for (const block of [commitFrom + 2n, to]) {
        await mineTo(block - 1n);
        await expect(revealAs(agreement, 0n, tester, [Ok])).to.be.revertedWithCustomError(
          agreement,
          "WorkAgreement_OutsideWindow",
        );
      }
      await mineTo(revealFrom - 1n);
      await revealAs(agreement, 0n, tester, [Ok]);
    });
  });

  describe("6. testers need a reason to look when all is well", () => {
    it("Truebit verifier's dilemma: an Ok without an answer to show loses its fee and what a miss costs", async () => {
      const scene = await load();
      const { market, client, stranger, first } = scene;
      const agreement = await buyWith(market, client, [first], 2n * BLOCKS);
      await agreement.connect(client).bindProgram(id("a smart account"));
      const drawn = await runDrawn(scene, agreement, 1n, () => [Ok]);
      const [lazy] = drawn;
      if (!lazy) throw new Error("no tester");
      await mineTo((await agreement.windowsOf(1n)).appealFrom - 1n);
      await market.disputes.connect(stranger).challenge(agreement, 1n, 0n, 0n, { value: MISS });
      const { stake } = await market.testers.tester(await market.testers.testerOf(lazy));
      await finish(agreement);
      const view = await market.testers.tester(await market.testers.testerOf(lazy));
      expect([view.credit, stake - view.stake, view.missed]).to.deep.equal([0n, MISS, 1n]);
      await expect(market.disputes.connect(stranger).withdraw()).to.changeEtherBalances(
        ethers,
        [stranger],
        [MISS + MISS / 2n],
      );
    });

    it("Truebit incentive-layer#25: saying that all is well is paid like any other report", async () => {
      const scene = await load();
      const { market, client, first } = scene;
      const agreement = await buyWith(market, client, [first], BLOCKS);
      const drawn = await runDrawn(scene, agreement, 0n, (seat) => [seat === 0 ? Unreachable : Ok]);
      await finish(agreement);
      for (const tester of drawn) {
        expect((await market.testers.tester(await market.testers.testerOf(tester))).credit).to.equal(FEE);
      }
    });

    it("Streamr: a false flag pays the reviewers, to the wei", async () => {
      const scene = await load();
      const { market, client, w0, first } = scene;
      const agreement = await buyWith(market, client, [first], BLOCKS);
      const drawn = await runDrawn(scene, agreement, 0n, (seat) => [seat === 2 ? Ok : Wrong]);
      await mineTo((await agreement.windowsOf(0n)).appealFrom - 1n);
      await market.disputes.connect(w0).appeal(agreement, 0n, 0n, { value: 7n * FEE });
      const panel = await runPanel(chain, market, agreement, 0n, scene.testers, () => [Ok]);
      await finish(agreement);
      const stakes: bigint[] = [];
      for (const tester of drawn) {
        stakes.push((await market.testers.tester(await market.testers.testerOf(tester))).stake);
      }
      expect(stakes).to.deep.equal([ETHER - (7n * FEE) / 2n, ETHER - (7n * FEE) / 2n, ETHER]);
      for (const tester of panel) {
        expect((await market.testers.tester(await market.testers.testerOf(tester))).credit).to.equal(FEE);
      }
      await drain(scene, agreement);
    });

    it("Truebit, Streamr reviewer no-show: a check that is not made is itself a fault", async () => {
      const scene = await load();
      const { market, client, first } = scene;
      const agreement = await buyWith(market, client, [first], BLOCKS);
      const drawn = await runDrawn(scene, agreement, 0n, (seat) => (seat === 0 ? undefined : [Ok]));
      const before = await burnt();
      await finish(agreement);
      const [absent] = drawn;
      if (!absent) throw new Error("no tester");
      const view = await market.testers.tester(await market.testers.testerOf(absent));
      expect([view.missed, view.stake, view.credit]).to.deep.equal([1n, ETHER - MISS, 0n]);
      expect((await burnt()) - before).to.equal(MISS);
    });
  });

  describe("7. state from time, settled by anyone", () => {
    it("Codex: an agreement's state follows from the block alone, without a keeper", async () => {
      const { market, client } = await load();
      const agreement = await buy(market, client, { redundancy: 1n, length: BLOCKS, startAfter: 5n });
      const windows = await agreement.windowsOf(0n);
      const seen: bigint[] = [];
      for (const block of [windows.from - 1n, windows.from, windows.to + 1n, windows.finalFrom]) {
        await mineTo(block);
        seen.push(await agreement.status());
      }
      expect(seen).to.deep.equal([Status.Scheduled, Status.Running, Status.Reporting, Status.Due]);
    });

    it("ThreeFold ledger_chain#618, #931: late settling by a stranger pays the same to the wei as settling on time", async () => {
      const credits: bigint[][] = [];
      for (const late of [false, true]) {
        const scene = await load();
        const { market, client, stranger, workerIds, operators } = scene;
        const agreement = await buyWith(market, client, workerIds, 3n * BLOCKS);
        await runDrawn(scene, agreement, 0n, () => [Ok, Unreachable, Ok]);
        if (late) await networkHelpers.mine(100_000);
        for (let epoch = 0n; !late && epoch < 3n; epoch++) {
          await mineTo((await agreement.windowsOf(epoch)).finalFrom - 1n);
          await agreement.connect(stranger).settle(1n);
        }
        await finish(agreement);
        const list: bigint[] = [];
        for (const account of [client, ...operators]) list.push(await agreement.creditOf(account));
        credits.push(list);
        await drain(scene, agreement);
      }
      expect(credits[0]).to.deep.equal(credits[1]);
    });

    it("Akash support#515: who missed the event still reads the end of an agreement from its state", async () => {
      const { market, client, first } = await load();
      const agreement = await buyWith(market, client, [first], 4n * BLOCKS);
      await agreement.connect(client).terminate();
      const end = await agreement.end();
      expect(end).to.equal((await agreement.start()) + 2n * BLOCKS);
      await mineTo(end);
      expect(await agreement.status()).to.equal(Status.Reporting);
    });
  });

  describe("8. early end, refund and non-payment are one design", () => {
    it("Filecoin Pay termination: the notice is paid for, and no hook of any party can veto the exit", async () => {
      const scene = await load();
      const actor = await makeActor(scene, "a client");
      const { agreement, paid } = await buyAs(scene, actor, [scene.first], 6n * BLOCKS);
      await actor.act(agreement, 0n, agreement.interface.encodeFunctionData("terminate"));
      await actor.setMood(Mood.Refuse, ZeroAddress, "0x");
      await finish(agreement);
      expect(await agreement.creditOf(scene.w0)).to.equal(2n * BLOCKS * PRICE);
      expect(await agreement.creditOf(actor)).to.equal(paid - 2n * BLOCKS * PRICE);
      await expect(agreement.connect(scene.w0).withdraw()).to.changeEtherBalances(
        ethers,
        [scene.w0],
        [2n * BLOCKS * PRICE],
      );
    });

    it("Codex refund (logos-storage-research#199): only the worker at fault goes unpaid, and only for its epoch", async () => {
      const scene = await load();
      const { market, client, operators, workerIds } = scene;
      const agreement = await buyWith(market, client, workerIds, 2n * BLOCKS);
      await runDrawn(scene, agreement, 0n, () => [Ok, Unreachable, Ok]);
      await finish(agreement);
      const credits: bigint[] = [];
      for (const account of [...operators, client]) credits.push(await agreement.creditOf(account));
      expect(credits).to.deep.equal([
        2n * BLOCKS * PRICE,
        BLOCKS * PRICE,
        2n * BLOCKS * PRICE,
        BLOCKS * PRICE + 3n * FEE,
      ]);
      await drain(scene, agreement);
    });

    it("ThreeFold ledger_chain#236: a slot is held by who has paid for it, never on credit or grace", async () => {
      const { market, dispatcher, client, first } = await load();
      const required = await dispatcher.quoteWith([first], BLOCKS);
      await expect(dispatcher.connect(client).buyContractWith([first], BLOCKS, { value: required - 1n })).to.emit(
        dispatcher,
        "PurchaseRejected",
      );
      expect((await dispatcher.worker(first)).slotsUsed).to.equal(0n);
      const agreement = await buyWith(market, client, [first], BLOCKS);
      expect(await ethers.provider.getBalance(agreement)).to.equal(required);
      // When it has ended anybody frees the slot, whatever the client does.
      await finish(agreement);
      expect((await dispatcher.worker(first)).slotsUsed).to.equal(0n);
    });

    it("livepeer/protocol#663: every promise is in escrow in full from the start, and no other promise shares it", async () => {
      const { market, client, workerIds, all } = await load();
      const agreements: WorkAgreement[] = [];
      for (let i = 0; i < 4; i++) agreements.push(await buyWith(market, client, workerIds, 2n * BLOCKS));
      for (const agreement of agreements) {
        const owed = 3n * PRICE * 2n * BLOCKS + 6n * FEE;
        expect(await ethers.provider.getBalance(agreement)).to.equal(owed);
        expect(await agreement.unsettled()).to.equal(owed);
      }
      await expectSolvent(market, agreements, all);
    });

    it("Akash settle order: the last to withdraw gets as much as the first", async () => {
      for (const reverse of [false, true]) {
        const scene = await load();
        const { market, client, operators, workerIds } = scene;
        const agreement = await buyWith(market, client, workerIds, BLOCKS);
        await finish(agreement);
        const order = reverse ? [...operators].reverse() : operators;
        for (const worker of order) {
          await expect(agreement.connect(worker).withdraw()).to.changeEtherBalances(ethers, [worker], [BLOCKS * PRICE]);
        }
        await drain(scene, agreement);
      }
    });

    it("AgenC#60: a worker that takes a job and abandons it traps nobody's escrow", async () => {
      const scene = await load();
      const { market, client, w0, first } = scene;
      const agreement = await buyWith(market, client, [first], 3n * BLOCKS);
      await agreement.connect(w0).resign(0n);
      await finish(agreement);
      expect(await agreement.creditOf(client)).to.equal(3n * BLOCKS * PRICE + 9n * FEE);
      expect(await agreement.creditOf(w0)).to.equal(0n);
      await drain(scene, agreement);
    });
  });

  describe("9. stake outlives work; slashing must cost the cheat", () => {
    it("livepeer/protocol#162: who has unregistered, or was slashed before, is slashed all the same", async () => {
      const scene = await load();
      const { market, dispatcher, client, w0, first } = scene;
      const one = await buyWith(market, client, [first], BLOCKS);
      const two = await buyWith(market, client, [first], 3n * BLOCKS);
      await runDrawn(scene, one, 0n, () => [Wrong]);
      await dispatcher.connect(w0).unregisterWorker(first);
      await finish(one);
      expect((await dispatcher.worker(first)).stake).to.equal(2n * LOCK - LOCK / 2n);
      await runDrawn(scene, two, 2n, () => [Wrong]);
      await finish(two);
      expect((await dispatcher.worker(first)).stake).to.equal(2n * LOCK - LOCK);
      expect((await market.records.recordOf(first)).slashed).to.equal(LOCK);
    });

    it("EigenLayer: stake stays slashable until the last verdict about its work, however long ago its owner left", async () => {
      const scene = await load();
      const { market, dispatcher, client, w0, first } = scene;
      const agreement = await buyWith(market, client, [first], 20n * BLOCKS);
      const own = dispatcher.connect(w0);
      await own.unregisterWorker(first);
      await networkHelpers.mine(Number(SETTINGS.unbondingLength));
      await own.withdrawStake(first);
      await runDrawn(scene, agreement, 19n, () => [Wrong]);
      await expect(own.unbondStake(first, 1n)).to.be.revertedWithCustomError(
        dispatcher,
        "WorkerDispatcher_StakeNotFree",
      );
      await finish(agreement);
      expect((await dispatcher.worker(first)).stake).to.equal(LOCK / 2n);
    });

    it("Streamr #755: a slash does not eat stake that another agreement has locked", async () => {
      const scene = await load();
      const { market, dispatcher, client, first } = scene;
      const one = await buyWith(market, client, [first], BLOCKS);
      const two = await buyWith(market, client, [first], 10n * BLOCKS);
      await runDrawn(scene, one, 0n, () => [Wrong]);
      const before = await dispatcher.worker(first);
      await finish(one);
      const after = await dispatcher.worker(first);
      expect(before.stake - after.stake).to.equal(LOCK / 2n);
      expect(after.locked).to.equal(LOCK);
      expect(await two.status()).to.equal(Status.Running);
    });

    it("Streamr #682, #729: who slashes itself through its own agreement gets back what it paid, and the rest is gone", async () => {
      const scene = await load();
      const { market, dispatcher, w0, first, testers } = scene;
      const agreement = await buyWith(market, w0, [first], BLOCKS);
      const paid = await agreement.unsettled();
      await runDrawn(scene, agreement, 0n, () => [Wrong]);
      const before = await burnt();
      await finish(agreement);
      // Price and a slash of its own; the three fees are with the testers.
      const back = await agreement.creditOf(w0);
      const slashed = LOCK - (await dispatcher.worker(first)).stake + 3n * LOCK;
      expect(slashed).to.equal(LOCK / 2n);
      expect(back).to.equal(paid);
      expect((await burnt()) - before).to.equal(slashed - 3n * FEE);
      expect(testers.length).to.equal(11);
    });

    it("Codex: the shares of all slashes of a lock cannot exceed it, and the constructor sees to each", async () => {
      const scene = await load();
      const { market, dispatcher, client, first } = scene;
      for (const slashShare of [0n, 10_001n]) {
        await expect(deployMarket(ethers, { slashShare })).to.be.revertedWithCustomError(
          dispatcher,
          "WorkerDispatcher_BadSetting",
        );
      }
      const agreement = await buyWith(market, client, [first], 3n * BLOCKS);
      for (let epoch = 0n; epoch < 3n; epoch++) await runDrawn(scene, agreement, epoch, () => [Wrong]);
      await finish(agreement);
      expect((await dispatcher.worker(first)).stake).to.equal(3n * LOCK);
    });

    it("Nosana: there is no authority that slashes: neither deployer nor client nor tester can", async () => {
      const { market, dispatcher, client, stranger, first, testers } = await load();
      const agreement = await buyWith(market, client, [first], BLOCKS);
      const [tester] = testers;
      if (!tester) throw new Error("no tester");
      for (const caller of [client, stranger, tester]) {
        await expect(dispatcher.connect(caller).report(1n, caller.address, BLOCKS, [])).to.be.revertedWithCustomError(
          dispatcher,
          "WorkerDispatcher_NotAnAgreement",
        );
        await expect(market.testers.connect(caller).charge(agreement, 1n, 1n, false)).to.be.revertedWithCustomError(
          market.testers,
          "TesterRegistry_NotAnAgreement",
        );
        await expect(market.disputes.connect(caller).resolve(0n)).to.be.revertedWithCustomError(
          market.disputes,
          "Disputes_NotAnAgreement",
        );
      }
    });
  });

  describe("10. every loop is bounded, every path ends and conserves funds", () => {
    it("PoCo loops: workers and testers of an agreement are bounded (20: what a Stellar account has of signers; 7)", async () => {
      const { dispatcher, client } = await load();
      const own = dispatcher.connect(client);
      const value = ETHER;
      await expect(own.buyContractFor({ ...REQUEST, redundancy: 21n }, { value }))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_BadRedundancy")
        .withArgs(20n, 21n);
      await expect(own.buyContractFor({ ...REQUEST, testerCount: 9n }, { value }))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_BadTesterCount")
        .withArgs(9n);
    });

    it("Filecoin Pay 20,160 epochs (curio#897): as many epochs as there can be settle in steps that each fit a transaction", async () => {
      const scene = await load();
      const { market, client, w0, first } = scene;
      await market.dispatcher.connect(w0).updateWorker(first, { ...TERMS, maxLength: SETTINGS.maxLength });
      await expect(deployMarket(ethers, { maxLength: 512n * BLOCKS + 1n })).to.be.revertedWithCustomError(
        market.dispatcher,
        "WorkerDispatcher_BadSetting",
      );
      const agreement = await buyWith(market, client, [first], SETTINGS.maxLength);
      expect(await agreement.epochCount()).to.equal(512n);
      await mineTo((await agreement.windowsOf(511n)).finalFrom);
      for (let steps = 1n; steps <= 8n; steps++) {
        const receipt = await (await agreement.settle(10_000n)).wait();
        expect((receipt?.gasUsed ?? GAS_OF_A_TRANSACTION) < GAS_OF_A_TRANSACTION).to.equal(true);
        expect(await agreement.settledEpochs()).to.equal(64n * steps);
      }
      await agreement.finalize();
      expect(await agreement.creditOf(w0)).to.equal(SETTINGS.maxLength * PRICE);
      await drain(scene, agreement);
    });

    it("Akash node#1662: a crowd of bidders turns no cheaper one away", async () => {
      const { market, dispatcher } = await load();
      const applicationType = id("a crowd");
      for (let i = 0; i < 40; i++) {
        const wallet = new ethers.Wallet(id(`bidder ${i}`), ethers.provider);
        await networkHelpers.setBalance(wallet.address, ETHER);
        await makeWorker(market, wallet, { applicationType, slots: 1n });
      }
      const wallet = new ethers.Wallet(id("the last bidder"), ethers.provider);
      await networkHelpers.setBalance(wallet.address, ETHER);
      const cheaper = await makeWorker(market, wallet, {
        applicationType,
        slots: 1n,
        pricePerBlock: PRICE - PRICE / 100n,
      });
      const found = await dispatcher.candidates({ ...REQUEST, applicationType, redundancy: 1n });
      expect(found[0]).to.equal(cheaper);
    });

    it("dave#275: waiting for ever makes no move revert: all is still settled, finalized and withdrawn", async () => {
      const scene = await load();
      const { market, client, stranger, workerIds } = scene;
      const agreement = await buyWith(market, client, workerIds, 2n * BLOCKS);
      await agreement.connect(client).bindProgram(id("a smart account"));
      await runDrawn(scene, agreement, 1n, () => [Wrong, Ok, Ok]);
      const { appealFrom } = await agreement.windowsOf(1n);
      await mineTo(appealFrom - 1n);
      await market.disputes.connect(client).appeal(agreement, 1n, 0n, { value: 7n * FEE });
      await market.disputes.connect(stranger).challenge(agreement, 1n, 0n, 1n, { value: MISS });
      await networkHelpers.mine(10_000_000);
      await finish(agreement);
      expect(await agreement.status()).to.equal(Status.Finalized);
      expect([...(await agreement.outcomesOf(1n))]).to.deep.equal([Outcome.Wrong, Outcome.Ok, Outcome.Ok]);
      await drain(scene, agreement);
      expect((await blockNumber()) > 10_000_000n).to.equal(true);
    });

    it("Lilypad timeoutAgree: a refund is what was paid, to the wei, and goes to who paid it, contract or not", async () => {
      const scene = await load();
      const actor = await makeActor(scene, "a client");
      const { agreement, paid } = await buyAs(scene, actor, [scene.first], BLOCKS);
      await agreement.connect(scene.w0).resign(0n);
      await finish(agreement);
      const withdraw = agreement.interface.encodeFunctionData("withdraw");
      // Its caller, the sender of the transaction, gets nothing.
      await expect(actor.act(agreement, 0n, withdraw)).to.changeEtherBalances(
        ethers,
        [actor, agreement],
        [paid, -paid],
      );
    });

    it("Certora on Codex: through a life of disputes every contract covers what it owes, at each step", async () => {
      const scene = await load();
      const { market, client, stranger, workerIds, w0, all } = scene;
      const { disputes } = market;
      const agreement = await buyWith(market, client, workerIds, 3n * BLOCKS);
      const solvent = async (bonds = 0n) => {
        await expectSolvent(market, [agreement], all, bonds);
      };
      await solvent();
      await agreement.connect(client).bindProgram(id("a smart account"));
      await agreement.connect(client).extend(BLOCKS, { value: ETHER });
      await solvent();
      await runDrawn(scene, agreement, 1n, (seat) => (seat === 2 ? undefined : [Wrong, Ok, Unreachable]));
      await mineTo((await agreement.windowsOf(1n)).appealFrom - 1n);
      await disputes.connect(w0).appeal(agreement, 1n, 0n, { value: 7n * FEE });
      await disputes.connect(stranger).challenge(agreement, 1n, 1n, 1n, { value: MISS });
      await solvent(7n * FEE + MISS);
      await runPanel(chain, market, agreement, 1n, scene.testers, (seat) =>
        seat < 5 ? [Unreachable, Ok, Ok] : undefined,
      );
      await solvent(7n * FEE + MISS);
      await finish(agreement);
      await solvent();
      await drain(scene, agreement);
      await solvent();
    });
  });
});
