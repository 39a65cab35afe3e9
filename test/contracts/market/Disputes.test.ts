import { Keypair } from "@stellar/stellar-sdk";
import { expect } from "chai";
import { id, type Signer, ZeroAddress } from "ethers";
import fc from "fast-check";
import { network } from "hardhat";

import type { WorkAgreement } from "../../../typechain-types/index.ts";
import { concatBytes, utf8 } from "../../../src/utils/bytes.ts";
import { answerArbitrary, requestArbitrary } from "../../helpers/execution-arbitraries.ts";
import {
  BURN_ADDRESS,
  buyWith,
  CID,
  commitmentFor,
  drain as drainIn,
  expectSolvent,
  finish as finishIn,
  mineTo as mineToIn,
  purses,
  runDrawn as runDrawnIn,
  runPanel as runPanelIn,
  worth,
} from "../helpers/epochs.ts";
import {
  deployMarket,
  ETHER,
  makeTester,
  makeTwin,
  makeWorker,
  messageKeyOf,
  messageWallet,
  Outcome,
  packVerdicts,
  proveKey,
  SALT,
  SETTINGS,
  TERMS,
  TESTER_SETTINGS,
  Verdict,
} from "../helpers/market.ts";
import { answerProof, PROGRAM_KEY, probeNonce, proofOf, REQUEST_WITHOUT_NONCE, type Proof } from "../helpers/probe.ts";

const chain = await network.create();
const { ethers, networkHelpers } = chain;

const PRICE = TERMS.pricePerBlock;
const FEE = SETTINGS.testerFeePerEpoch;
const BLOCKS = SETTINGS.epochLength;
const PENALTY = TESTER_SETTINGS.dutyStake / 8n;
const LOCK = SETTINGS.minSlotStake;
const SLASH = (LOCK * SETTINGS.slashShare) / 10_000n;
/** A panel for three testers has seven, and an appeal puts up their fees. */
const PANEL = 7;
const BOND = BigInt(PANEL) * FEE;
const { Ok, Unreachable, Wrong } = Verdict;

const mineTo = async (block: bigint) => await mineToIn(chain, block);
const finish = async (agreement: WorkAgreement) => await finishIn(chain, agreement);
const burnt = async () => await ethers.provider.getBalance(BURN_ADDRESS);

type VerdictsOf = (seat: number, tester: Signer) => readonly bigint[] | undefined;
type Scene = Awaited<ReturnType<typeof fixture>>;

async function fixture() {
  const market = await deployMarket(ethers);
  const signers = await ethers.getSigners();
  const [client, stranger] = signers;
  if (!client || !stranger) throw new Error("the network has too few accounts");
  await makeTwin(market, client);
  const operators = signers.slice(2, 5);
  const workerIds: bigint[] = [];
  for (const operator of operators) workerIds.push(await makeWorker(market, operator));
  const testers = signers.slice(5, 17);
  for (const tester of testers) await makeTester(market, tester);
  const [w0, w1, w2] = operators;
  if (!w0 || !w1 || !w2) throw new Error("too few operators");
  const people = [client, stranger, ...operators, ...testers];
  return { market, disputes: market.disputes, client, stranger, operators, w0, w1, w2, workerIds, testers, people };
}

/** One epoch, reported as `verdictsOf` says and at the first block of its appeals. */
async function reported(scene: Scene, verdictsOf: VerdictsOf, length = BLOCKS, bind = false) {
  const agreement = await buyWith(scene.market, scene.client, scene.workerIds, length);
  if (bind) await agreement.connect(scene.client).bindProgram(PROGRAM_KEY);
  const epoch = bind ? 1n : 0n;
  const drawn = await runDrawnIn(chain, agreement, epoch, scene.testers, verdictsOf);
  const windows = await agreement.windowsOf(epoch);
  await mineTo(windows.appealFrom - 1n);
  return { agreement, epoch, drawn, windows };
}

/** Two of three say Wrong of the first worker, who is the one to appeal in most tests. */
const twoWrong: VerdictsOf = (seat) => (seat < 2 ? [Wrong, Ok, Ok] : [Ok, Ok, Ok]);
const allOk: VerdictsOf = () => [Ok, Ok, Ok];

async function runPanel(scene: Scene, agreement: WorkAgreement, verdictsOf: VerdictsOf, epoch = 0n) {
  return await runPanelIn(chain, scene.market, agreement, epoch, scene.testers, verdictsOf);
}

/** Settles and finalizes, checks that no wei was made or lost, and that all can be taken out. */
async function close(scene: Scene, agreement: WorkAgreement, bonds: bigint) {
  const before = await worth(scene.market, [agreement]);
  await expectSolvent(scene.market, [agreement], scene.people, bonds);
  await finish(agreement);
  expect(await worth(scene.market, [agreement])).to.equal(before);
  await expectSolvent(scene.market, [agreement], scene.people);
}

async function drain(scene: Scene, agreement: WorkAgreement) {
  await drainIn(chain, scene.market, agreement, scene.people);
}

describe("Disputes", () => {
  describe("appeal", () => {
    it("should be taken from the worker, the client and a tester who said otherwise, and from nobody else", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { disputes, client, stranger, w0, w1 } = scene;
      const silent = 2;
      const verdictsOf: VerdictsOf = (seat) => (seat === silent ? undefined : [Wrong, Ok, Ok]);
      const { agreement, drawn } = await reported(scene, verdictsOf);
      for (const caller of [stranger, w1, ...drawn]) {
        await expect(disputes.connect(caller).appeal(agreement, 0n, 0n, { value: BOND }))
          .to.be.revertedWithCustomError(disputes, "Disputes_NotAParty")
          .withArgs(await caller.getAddress());
      }
      expect(await disputes.appealedWorkers(agreement, 0n)).to.equal(0n);
      await expect(disputes.connect(w0).appeal(agreement, 0n, 0n, { value: BOND }))
        .to.emit(disputes, "Appealed")
        .withArgs(await agreement.getAddress(), 0n, 0n, w0.address, Outcome.Wrong);
      await expect(disputes.connect(client).appeal(agreement, 0n, 0n, { value: BOND }))
        .to.be.revertedWithCustomError(disputes, "Disputes_AlreadyAppealed")
        .withArgs(0n, 0n);
      await disputes.connect(client).appeal(agreement, 0n, 2n, { value: BOND });
      expect(await disputes.appealedWorkers(agreement, 0n)).to.equal(0b101n);
      await close(scene, agreement, 2n * BOND);
    });

    it("should be taken from a tester in the minority, whichever way it voted", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { disputes } = scene;
      const votes = [
        [Wrong, Ok, Wrong],
        [Wrong, Unreachable, Unreachable],
        [Ok, Ok, Ok],
      ];
      const { agreement, drawn } = await reported(scene, (seat) => votes[seat]);
      // Outcomes: Wrong, Ok, Unreachable.
      const [first, second, third] = drawn;
      if (!first || !second || !third) throw new Error("too few testers");
      const tried: [Signer, bigint, boolean][] = [
        [first, 0n, false],
        [second, 0n, false],
        [first, 1n, false],
        [third, 1n, false],
        [second, 2n, false],
        [third, 0n, true],
        [second, 1n, true],
        // It said Wrong, where Unreachable came out.
        [first, 2n, true],
      ];
      for (const [tester, worker, taken] of tried) {
        const sent = disputes.connect(tester).appeal(agreement, 0n, worker, { value: BOND });
        if (taken) await expect(sent).to.emit(disputes, "Appealed");
        else await expect(sent).to.be.revertedWithCustomError(disputes, "Disputes_NotAParty");
      }
      await close(scene, agreement, 3n * BOND);
      await drain(scene, agreement);
    });

    it("should put up exactly the panel's fees", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { disputes, w0 } = scene;
      const { agreement } = await reported(scene, twoWrong);
      expect(await disputes.bondOf(agreement)).to.equal(BOND);
      for (const value of [0n, BOND - 1n, BOND + 1n]) {
        await expect(disputes.connect(w0).appeal(agreement, 0n, 0n, { value }))
          .to.be.revertedWithCustomError(disputes, "Disputes_BadBond")
          .withArgs(BOND, value);
      }
      await expect(disputes.connect(w0).appeal(agreement, 0n, 0n, { value: BOND })).to.changeEtherBalances(
        ethers,
        [w0, disputes],
        [-BOND, BOND],
      );
    });

    it("should be taken in the appeal window only", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { disputes, w0 } = scene;
      const agreement = await buyWith(scene.market, scene.client, scene.workerIds, BLOCKS);
      await runDrawnIn(chain, agreement, 0n, scene.testers, twoWrong);
      const windows = await agreement.windowsOf(0n);
      const own = disputes.connect(w0);
      await mineTo(windows.appealFrom - 2n);
      await expect(own.appeal(agreement, 0n, 0n, { value: BOND }))
        .to.be.revertedWithCustomError(disputes, "Disputes_OutsideWindow")
        .withArgs(windows.appealFrom, windows.appealTo, windows.appealFrom - 1n);
      await mineTo(windows.appealTo);
      await expect(own.appeal(agreement, 0n, 0n, { value: BOND }))
        .to.be.revertedWithCustomError(disputes, "Disputes_OutsideWindow")
        .withArgs(windows.appealFrom, windows.appealTo, windows.appealTo + 1n);
    });

    it("should be taken in the last block of the window, and put off the finality of its epoch only", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { disputes, w0 } = scene;
      const { agreement, windows } = await reported(scene, twoWrong, 3n * BLOCKS);
      await mineTo(windows.appealTo - 1n);
      await disputes.connect(w0).appeal(agreement, 0n, 0n, { value: BOND });
      const panel = await disputes.panelWindowsOf(agreement, 0n);
      expect(panel.commitFrom).to.equal(windows.appealTo + 2n);
      expect(panel.finalFrom).to.equal(windows.appealTo + 1n + BLOCKS + SETTINGS.revealLength);
      expect((await agreement.windowsOf(0n)).finalFrom).to.equal(panel.finalFrom);
      const next = await agreement.windowsOf(1n);
      expect(next.finalFrom).to.equal(windows.finalFrom + BLOCKS);
      // The next one is final before it, but waits for its turn.
      await mineTo(panel.finalFrom - 2n);
      expect([...(await agreement.outcomesOf(1n))]).not.to.include(Outcome.Pending);
      expect([...(await agreement.outcomesOf(0n))]).to.deep.equal([Outcome.Pending, Outcome.Pending, Outcome.Pending]);
      expect(await agreement.settle.staticCall(64n)).to.equal(0n);
      await mineTo(panel.finalFrom - 1n);
      await agreement.settle(64n);
      expect((await agreement.settledEpochs()) >= 2n).to.equal(true);
    });

    it("should refuse what is no agreement, no worker, or says nothing", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { disputes, market, client, stranger, w0 } = scene;
      const own = disputes.connect(client);
      for (const account of [stranger.address, await market.dispatcher.implementation()]) {
        await expect(own.appeal(account, 0n, 0n, { value: BOND }))
          .to.be.revertedWithCustomError(disputes, "Disputes_NotAnAgreement")
          .withArgs(account);
      }
      const agreement = await buyWith(market, client, scene.workerIds, 2n * BLOCKS);
      // One report of three is no quorum; and who resigns in the first epoch is gone from the second.
      await agreement.connect(w0).resign(0n);
      await runDrawnIn(chain, agreement, 0n, scene.testers, (seat) => (seat === 0 ? [Wrong, Ok, Ok] : undefined));
      await runDrawnIn(chain, agreement, 1n, scene.testers, allOk);
      await mineTo((await agreement.windowsOf(0n)).appealFrom - 1n);
      await expect(own.appeal(agreement, 0n, 3n, { value: BOND }))
        .to.be.revertedWithCustomError(disputes, "Disputes_UnknownWorker")
        .withArgs(3n, 3n);
      await expect(own.appeal(agreement, 0n, 0n, { value: BOND }))
        .to.be.revertedWithCustomError(disputes, "Disputes_NothingToAppeal")
        .withArgs(0n, 0n);
      await mineTo((await agreement.windowsOf(1n)).appealFrom - 1n);
      await expect(own.appeal(agreement, 1n, 0n, { value: BOND }))
        .to.be.revertedWithCustomError(disputes, "Disputes_NothingToAppeal")
        .withArgs(1n, 0n);
      await own.appeal(agreement, 1n, 1n, { value: BOND });
    });
  });

  describe("panel", () => {
    async function appealed() {
      const scene = await fixture();
      const round = await reported(scene, twoWrong);
      await scene.disputes.connect(scene.w0).appeal(round.agreement, 0n, 0n, { value: BOND });
      const panel = await scene.disputes.panelWindowsOf(round.agreement, 0n);
      return { ...scene, ...round, panel };
    }

    it("should have 2T + 1 testers, none of them the epoch's, seeded by the block after the appeals", async () => {
      const { disputes, agreement, drawn, panel, testers, stranger } = await networkHelpers.loadFixture(appealed);
      await mineTo(panel.commitFrom - 2n);
      expect([...(await disputes.previewPanel(agreement, 0n))]).to.deep.equal([]);
      await expect(disputes.openPanel(agreement, 0n))
        .to.be.revertedWithCustomError(disputes, "Disputes_OutsideWindow")
        .withArgs(panel.commitFrom, panel.commitTo, panel.commitFrom - 1n);
      await mineTo(panel.commitFrom - 1n);
      const preview = await disputes.previewPanel(agreement, 0n, { blockTag: "pending" });
      await expect(disputes.connect(stranger).openPanel(agreement, 0n))
        .to.emit(disputes, "PanelOpened")
        .withArgs(await agreement.getAddress(), 0n, panel.seedBlock, [...preview], 0n);
      const accounts = (await disputes.panelOf(agreement, 0n)).map((seat) => seat.tester);
      expect(accounts).to.deep.equal([...preview]);
      expect([...(await disputes.previewPanel(agreement, 0n))]).to.deep.equal(accounts);
      expect(new Set(accounts).size).to.equal(PANEL);
      const known = testers.map((tester) => tester.address);
      for (const account of accounts) expect(known).to.include(account);
      for (const tester of drawn) expect(accounts).not.to.include(await tester.getAddress());
      await expect(disputes.openPanel(agreement, 0n))
        .to.be.revertedWithCustomError(disputes, "Disputes_AlreadyOpen")
        .withArgs(0n);
      await expect(disputes.openPanel(agreement, 1n))
        .to.be.revertedWithCustomError(disputes, "Disputes_NotAppealed")
        .withArgs(1n);
    });

    it("should be all others when there are fewer, but at least as many as the epoch has seats", async () => {
      const { market, disputes, agreement, drawn, panel, testers } = await networkHelpers.loadFixture(appealed);
      const busy = await Promise.all(drawn.map(async (tester) => await tester.getAddress()));
      const others = testers.filter((tester) => !busy.includes(tester.address));
      for (const tester of others.slice(3)) await market.testers.connect(tester).unregisterTester();
      await mineTo(panel.commitFrom - 1n);
      await disputes.openPanel(agreement, 0n);
      expect((await disputes.panelOf(agreement, 0n)).map((seat) => seat.tester).sort()).to.deep.equal(
        others
          .slice(0, 3)
          .map((tester) => tester.address)
          .sort(),
      );
    });

    it("should not be opened with fewer, and then the outcome stands and the bond comes back", async () => {
      const scene = await networkHelpers.loadFixture(appealed);
      const { market, disputes, agreement, drawn, panel, testers, w0 } = scene;
      const busy = await Promise.all(drawn.map(async (tester) => await tester.getAddress()));
      const others = testers.filter((tester) => !busy.includes(tester.address));
      for (const tester of others.slice(2)) await market.testers.connect(tester).unregisterTester();
      await mineTo(panel.commitFrom - 1n);
      await expect(disputes.openPanel(agreement, 0n))
        .to.be.revertedWithCustomError(disputes, "Disputes_NotEnoughTesters")
        .withArgs(3n, 2n);
      await close(scene, agreement, BOND);
      expect([...(await agreement.outcomesOf(0n))]).to.deep.equal([Outcome.Wrong, Outcome.Ok, Outcome.Ok]);
      expect(await disputes.creditOf(w0)).to.equal(BOND);
      await drain(scene, agreement);
    });

    it("should be opened by the first commitment, and take each tester's once", async () => {
      const { disputes, agreement, panel, people, testers, stranger } = await networkHelpers.loadFixture(appealed);
      await mineTo(panel.commitFrom - 1n);
      const accounts = [...(await disputes.previewPanel(agreement, 0n, { blockTag: "pending" }))];
      const first = people.find((person) => person.address === accounts[0]);
      const outsider = testers.find((tester) => !accounts.includes(tester.address));
      if (!first || !outsider) throw new Error("nobody was drawn");
      await expect(disputes.connect(stranger).commit(agreement, 0n, SALT))
        .to.be.revertedWithCustomError(disputes, "Disputes_NotDrawn")
        .withArgs(0n, stranger.address);
      expect((await disputes.panelOf(agreement, 0n)).length).to.equal(0);
      const own = disputes.connect(first);
      await expect(own.commit(agreement, 0n, SALT))
        .to.emit(disputes, "PanelOpened")
        .and.to.emit(disputes, "PanelCommitted")
        .withArgs(await agreement.getAddress(), 0n, first.address, SALT);
      await expect(own.commit(agreement, 0n, id("again")))
        .to.be.revertedWithCustomError(disputes, "Disputes_AlreadyCommitted")
        .withArgs(0n, first.address);
      await expect(disputes.connect(outsider).commit(agreement, 0n, SALT)).to.be.revertedWithCustomError(
        disputes,
        "Disputes_NotDrawn",
      );
      const second = people.find((person) => person.address === accounts[1]);
      if (!second) throw new Error("no second tester");
      await expect(
        disputes.connect(second).commit(agreement, 0n, `0x${"00".repeat(32)}`),
      ).to.be.revertedWithCustomError(disputes, "Disputes_ZeroCommitment");
      await mineTo(panel.commitTo);
      await expect(disputes.connect(second).commit(agreement, 0n, SALT))
        .to.be.revertedWithCustomError(disputes, "Disputes_OutsideWindow")
        .withArgs(panel.commitFrom, panel.commitTo, panel.commitTo + 1n);
      await expect(disputes.commit(agreement, 1n, SALT)).to.be.revertedWithCustomError(
        disputes,
        "Disputes_NotAppealed",
      );
    });

    it("should reveal what was committed, by its own testers, in its window, once", async () => {
      const { disputes, agreement, panel, people, stranger } = await networkHelpers.loadFixture(appealed);
      const verdicts = [Ok, Wrong, Unreachable];
      const packed = packVerdicts(verdicts);
      await expect(disputes.reveal(agreement, 0n, stranger, packed, CID, SALT))
        .to.be.revertedWithCustomError(disputes, "Disputes_NotOpen")
        .withArgs(0n);
      await mineTo(panel.commitFrom - 1n);
      await disputes.openPanel(agreement, 0n);
      const accounts = (await disputes.panelOf(agreement, 0n)).map((seat) => seat.tester);
      const [tester, copyist, silent] = accounts.map((account) => people.find((one) => one.address === account));
      if (!tester || !copyist || !silent) throw new Error("too few testers");
      const commitment = await commitmentFor(agreement, 0n, tester, verdicts);
      await disputes.connect(tester).commit(agreement, 0n, commitment);
      await disputes.connect(copyist).commit(agreement, 0n, commitment);
      const reveal = async (who: Signer, word = packed, cid = CID, salt = SALT) =>
        await disputes.connect(stranger).reveal(agreement, 0n, who, word, cid, salt);
      await expect(reveal(tester)).to.be.revertedWithCustomError(disputes, "Disputes_OutsideWindow");
      await mineTo(panel.revealFrom - 1n);
      for (const wrong of [[packVerdicts([Ok, Ok, Ok])], [packed, `${CID}x`], [packed, CID, id("another salt")]] as [
        bigint,
        string?,
        string?,
      ][]) {
        await expect(reveal(tester, ...wrong))
          .to.be.revertedWithCustomError(disputes, "Disputes_CommitmentMismatch")
          .withArgs(0n, tester.address);
      }
      await expect(reveal(copyist)).to.be.revertedWithCustomError(disputes, "Disputes_CommitmentMismatch");
      await expect(reveal(tester, packVerdicts([Ok, Ok, Ok, Wrong])))
        .to.be.revertedWithCustomError(disputes, "Disputes_BadVerdicts")
        .withArgs(3n, packVerdicts([Ok, Ok, Ok, Wrong]));
      await expect(reveal(tester, packed, "b".repeat(129)))
        .to.be.revertedWithCustomError(disputes, "Disputes_CidTooLong")
        .withArgs(128n, 129n);
      await expect(reveal(silent)).to.be.revertedWithCustomError(disputes, "Disputes_NothingToReveal");
      await expect(reveal(stranger)).to.be.revertedWithCustomError(disputes, "Disputes_NotDrawn");
      await expect(reveal(tester))
        .to.emit(disputes, "PanelRevealed")
        .withArgs(await agreement.getAddress(), 0n, tester.address, packed, CID, SALT);
      await expect(reveal(tester)).to.be.revertedWithCustomError(disputes, "Disputes_NothingToReveal");
      const seats = await disputes.panelOf(agreement, 0n);
      expect(seats.map((seat) => seat.status)).to.deep.equal([2n, 1n, 0n, 0n, 0n, 0n, 0n]);
      expect([...(seats[0]?.verdicts ?? [])]).to.deep.equal(verdicts);
      await mineTo(panel.revealTo);
      await expect(reveal(copyist))
        .to.be.revertedWithCustomError(disputes, "Disputes_OutsideWindow")
        .withArgs(panel.revealFrom, panel.revealTo, panel.revealTo + 1n);
    });

    it("should excuse a tester that is full, and give it the duty when it finds room and commits", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { market, disputes, testers, w0, client } = scene;
      for (const tester of testers) await market.testers.connect(tester).updateTester(1n, 1n);
      // While the panel is drawn, another agreement's epoch has taken the testers.
      const { agreement } = await reported(scene, twoWrong);
      await disputes.connect(w0).appeal(agreement, 0n, 0n, { value: BOND });
      const panel = await disputes.panelWindowsOf(agreement, 0n);
      await mineTo(panel.seedBlock - 2n);
      const other = await buyWith(market, client, scene.workerIds, 4n * BLOCKS);
      await mineTo(panel.commitFrom);
      await other.openEpoch(0n);
      await disputes.openPanel(agreement, 0n);
      const seats = await disputes.panelOf(agreement, 0n);
      const taken = [...(await other.testersOf(0n))];
      const excused = seats.filter((seat) => seat.excused).map((seat) => seat.tester);
      expect(excused.sort()).to.deep.equal(taken.filter((one) => seats.some((seat) => seat.tester === one)).sort());
      for (const account of excused) {
        const tester = testers.find((one) => one.address === account);
        if (!tester) throw new Error("nobody");
        await expect(disputes.connect(tester).commit(agreement, 0n, SALT)).to.be.revertedWithCustomError(
          market.testers,
          "TesterRegistry_Full",
        );
        await market.testers.connect(tester).updateTester(1n, 2n);
        await disputes.connect(tester).commit(agreement, 0n, SALT);
        expect((await market.testers.tester(await market.testers.testerOf(account))).duties).to.equal(2n);
      }
      expect((await disputes.panelOf(agreement, 0n)).some((seat) => seat.excused)).to.equal(false);
      await close(scene, agreement, BOND);
    });
  });

  describe("judgement, to the wei", () => {
    /** Appeals one outcome, lets the panel vote, and settles. */
    async function judged(scene: Scene, epochVotes: VerdictsOf, appellant: Signer, panelVotes: VerdictsOf) {
      const round = await reported(scene, epochVotes);
      await scene.disputes.connect(appellant).appeal(round.agreement, 0n, 0n, { value: BOND });
      const panel = await runPanel(scene, round.agreement, panelVotes);
      const before = { drawn: await purses(scene.market, round.drawn), panel: await purses(scene.market, panel) };
      const burntBefore = await burnt();
      await close(scene, round.agreement, BOND);
      const outcomes = [...(await round.agreement.outcomesOf(0n))];
      return { ...round, panel, before, outcomes, burntNow: (await burnt()) - burntBefore };
    }

    it("should overturn Wrong: the bond comes back, the two who said so pay the panel, the worker is paid", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { market, disputes, w0, client } = scene;
      const { agreement, drawn, panel, before, outcomes, burntNow } = await judged(scene, twoWrong, w0, allOk);
      expect(outcomes).to.deep.equal([Outcome.Ok, Outcome.Ok, Outcome.Ok]);
      expect(await disputes.creditOf(w0)).to.equal(BOND);
      const part = BOND / 2n;
      expect(await purses(market, drawn)).to.deep.equal([
        { stake: (before.drawn[0]?.stake ?? 0n) - part, credit: FEE },
        { stake: (before.drawn[1]?.stake ?? 0n) - part, credit: FEE },
        { stake: before.drawn[2]?.stake, credit: FEE },
      ]);
      expect(await purses(market, panel)).to.deep.equal(before.panel.map(({ stake }) => ({ stake, credit: FEE })));
      expect(burntNow).to.equal(0n);
      expect(await agreement.creditOf(w0)).to.equal(BLOCKS * PRICE);
      expect(await agreement.creditOf(client)).to.equal(0n);
      const counts = await Promise.all(
        drawn.map(async (one) => (await market.testers.tester(await market.testers.testerOf(one))).overturned),
      );
      expect(counts).to.deep.equal([1n, 1n, 0n]);
      const record = await market.records.recordOf(scene.workerIds[0] ?? 0n);
      expect([record.epochsOk, record.epochsWrong, record.slashed]).to.deep.equal([1n, 0n, 0n]);
      await drain(scene, agreement);
    });

    it("should overturn Ok to Wrong for the client: the worker loses pay and stake, those who said Ok pay", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { market, disputes, client, w0 } = scene;
      const guilty: VerdictsOf = (seat) => (seat < 4 ? [Wrong, Ok, Ok] : [Ok, Ok, Ok]);
      const { agreement, drawn, before, outcomes, burntNow } = await judged(scene, allOk, client, guilty);
      expect(outcomes).to.deep.equal([Outcome.Wrong, Outcome.Ok, Outcome.Ok]);
      expect(await disputes.creditOf(client)).to.equal(BOND);
      // Seven fees among three, single wei to the first ones.
      const first = (BOND + 2n) / 3n;
      const second = (BOND - first + 1n) / 2n;
      const parts = [first, second, BOND - first - second];
      expect(await purses(market, drawn)).to.deep.equal(
        before.drawn.map(({ stake }, i) => ({ stake: stake - (parts[i] ?? 0n), credit: FEE })),
      );
      // The client has its price back, and of the slash only what finding it cost: a third of three reports.
      const compensation = (3n * FEE) / 3n;
      expect(burntNow).to.equal(SLASH - compensation);
      expect(await agreement.creditOf(w0)).to.equal(0n);
      expect(await agreement.creditOf(client)).to.equal(BLOCKS * PRICE + compensation);
      expect((await market.dispatcher.worker(scene.workerIds[0] ?? 0n)).stake).to.equal(4n * LOCK - SLASH);
      await drain(scene, agreement);
    });

    it("should overturn Unreachable to Ok for the worker, at the cost of those who said Unreachable only", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { market, disputes, w0 } = scene;
      const votes = [
        [Unreachable, Ok, Ok],
        [Wrong, Ok, Ok],
        [Ok, Ok, Ok],
      ];
      const { agreement, drawn, before, outcomes } = await judged(scene, (seat) => votes[seat], w0, allOk);
      expect(outcomes[0]).to.equal(Outcome.Ok);
      expect(await disputes.creditOf(w0)).to.equal(BOND);
      const lost = (await purses(market, drawn)).map(({ stake }, i) => (before.drawn[i]?.stake ?? 0n) - stake);
      expect(lost).to.deep.equal([BOND, 0n, 0n]);
      expect(await agreement.creditOf(w0)).to.equal(BLOCKS * PRICE);
      await drain(scene, agreement);
    });

    it("should say what the panel says: Wrong by four of its seven, Unreachable by three and four, which costs no stake", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { disputes, client, w0, market } = scene;
      const votes: VerdictsOf = (seat) => (seat === 2 ? [Unreachable, Ok, Ok] : [Ok, Ok, Ok]);
      const round = await reported(scene, votes);
      const dissenter = round.drawn[2];
      if (!dissenter) throw new Error("no dissenter");
      await disputes.connect(dissenter).appeal(round.agreement, 0n, 0n, { value: BOND });
      await runPanel(scene, round.agreement, (seat) => (seat % 2 === 0 ? [Wrong, Ok, Ok] : [Unreachable, Ok, Ok]));
      const burntBefore = await burnt();
      await close(scene, round.agreement, BOND);
      expect([...(await round.agreement.outcomesOf(0n))][0]).to.equal(Outcome.Wrong);
      expect(await disputes.creditOf(dissenter)).to.equal(BOND);
      expect((await burnt()) - burntBefore).to.equal(SLASH - FEE);

      const second = await reported(scene, votes);
      await disputes.connect(client).appeal(second.agreement, 0n, 0n, { value: BOND });
      await runPanel(scene, second.agreement, (seat) => (seat < 3 ? [Wrong, Ok, Ok] : [Unreachable, Ok, Ok]));
      const before = await burnt();
      const stake = (await market.dispatcher.worker(scene.workerIds[0] ?? 0n)).stake;
      await finish(second.agreement);
      expect([...(await second.agreement.outcomesOf(0n))][0]).to.equal(Outcome.Unreachable);
      expect(await second.agreement.creditOf(w0)).to.equal(0n);
      expect(await burnt()).to.equal(before);
      expect((await market.dispatcher.worker(scene.workerIds[0] ?? 0n)).stake).to.equal(stake);
    });

    it("should uphold: the bond pays the panel, and for who stayed silent comes back", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { market, disputes, w0 } = scene;
      const votes: VerdictsOf = (seat) => (seat < 5 ? [Wrong, Ok, Ok] : undefined);
      const { agreement, drawn, panel, before, outcomes, burntNow } = await judged(scene, twoWrong, w0, votes);
      expect(outcomes[0]).to.equal(Outcome.Wrong);
      expect(await disputes.creditOf(w0)).to.equal(2n * FEE);
      expect(await purses(market, drawn)).to.deep.equal(before.drawn.map(({ stake }) => ({ stake, credit: FEE })));
      expect(await purses(market, panel)).to.deep.equal(
        before.panel.map(({ stake }, i) => (i < 5 ? { stake, credit: FEE } : { stake: stake - PENALTY, credit: 0n })),
      );
      expect(burntNow).to.equal(2n * PENALTY + SLASH - FEE);
      await drain(scene, agreement);
    });

    it("should leave the outcome when less than half of the panel reveals, and still pay those who did", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { market, disputes, w0 } = scene;
      const votes: VerdictsOf = (seat) => (seat < 3 ? [Ok, Ok, Ok] : undefined);
      const { agreement, drawn, panel, before, outcomes, burntNow } = await judged(scene, twoWrong, w0, votes);
      expect(outcomes[0]).to.equal(Outcome.Wrong);
      expect(await disputes.creditOf(w0)).to.equal(BOND - 3n * FEE);
      expect(await purses(market, drawn)).to.deep.equal(before.drawn.map(({ stake }) => ({ stake, credit: FEE })));
      expect((await purses(market, panel)).map(({ credit }) => credit)).to.deep.equal([FEE, FEE, FEE, 0n, 0n, 0n, 0n]);
      expect(burntNow).to.equal(4n * PENALTY + SLASH - FEE);
      await drain(scene, agreement);
    });

    it("should give the bond back when nobody opens the panel", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { disputes, w0 } = scene;
      const { agreement } = await reported(scene, twoWrong);
      await disputes.connect(w0).appeal(agreement, 0n, 0n, { value: BOND });
      await close(scene, agreement, BOND);
      expect([...(await agreement.outcomesOf(0n))][0]).to.equal(Outcome.Wrong);
      expect(await disputes.creditOf(w0)).to.equal(BOND);
      await drain(scene, agreement);
    });

    it("should judge two workers by one panel, each by its own bond", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { market, disputes, client, w0 } = scene;
      const { agreement, drawn } = await reported(scene, twoWrong);
      await disputes.connect(w0).appeal(agreement, 0n, 0n, { value: BOND });
      await disputes.connect(client).appeal(agreement, 0n, 1n, { value: BOND });
      // Clears the first worker, upholds the second; the third, whom nobody appealed, does not count.
      const panel = await runPanel(scene, agreement, () => [Ok, Ok, Wrong]);
      const before = await purses(market, drawn);
      const next = await agreement.windowsOf(0n);
      await mineTo(next.finalFrom - 1n);
      await expect(agreement.settle(1n))
        .to.emit(disputes, "AppealResolved")
        .withArgs(await agreement.getAddress(), 0n, 0n, Outcome.Ok, true)
        .and.to.emit(disputes, "AppealResolved")
        .withArgs(await agreement.getAddress(), 0n, 1n, Outcome.Ok, false)
        .and.to.emit(agreement, "EpochSettled")
        .withArgs(0n, [Outcome.Ok, Outcome.Ok, Outcome.Ok], 0b111n);
      await close(scene, agreement, 0n);
      expect(await disputes.creditOf(w0)).to.equal(BOND);
      expect(await disputes.creditOf(client)).to.equal(0n);
      const lost = (await purses(market, drawn)).map(({ stake }, i) => (before[i]?.stake ?? 0n) - stake);
      expect(lost).to.deep.equal([BOND / 2n, BOND / 2n, 0n]);
      expect((await purses(market, panel)).map(({ credit }) => credit)).to.deep.equal(Array(PANEL).fill(2n * FEE));
      await drain(scene, agreement);
    });
  });

  describe("challenge", () => {
    async function challengeable() {
      const scene = await fixture();
      const votes: VerdictsOf = (seat) => (seat === 2 ? [Ok, Unreachable, Ok] : [Ok, Ok, Ok]);
      const round = await reported(scene, votes, 3n * BLOCKS, true);
      return { ...scene, ...round };
    }
    async function challenged() {
      const scene = await challengeable();
      const { disputes, stranger, agreement, epoch, drawn, workerIds, operators, w1 } = scene;
      await disputes.connect(stranger).challenge(agreement, epoch, 0n, 1n, { value: PENALTY });
      const [tester] = drawn;
      if (!tester) throw new Error("no tester");
      const probe = { agreement: await agreement.getAddress(), epoch, tester: await tester.getAddress() };
      const key = messageWallet(w1.address);
      return { ...scene, tester, probe, key, workerIds, operators };
    }

    it("should ask only for an Ok that an answer has to back, once for each worker of a report, for the bond of a miss", async () => {
      const scene = await networkHelpers.loadFixture(challengeable);
      const { disputes, stranger, w0, agreement, epoch, windows } = scene;
      const own = disputes.connect(stranger);
      const address = await agreement.getAddress();
      await expect(own.challenge(stranger, epoch, 0n, 0n, { value: PENALTY })).to.be.revertedWithCustomError(
        disputes,
        "Disputes_NotAnAgreement",
      );
      await expect(own.challenge(agreement, epoch, 0n, 3n, { value: PENALTY }))
        .to.be.revertedWithCustomError(disputes, "Disputes_UnknownWorker")
        .withArgs(3n, 3n);
      // No such seat; a verdict that is not Ok.
      for (const [seat, worker] of [
        [3n, 0n],
        [2n, 1n],
      ] as const) {
        await expect(own.challenge(agreement, epoch, seat, worker, { value: PENALTY }))
          .to.be.revertedWithCustomError(disputes, "Disputes_NothingToChallenge")
          .withArgs(epoch, seat, worker);
      }
      for (const value of [0n, PENALTY - 1n, PENALTY + 1n]) {
        await expect(own.challenge(agreement, epoch, 0n, 0n, { value }))
          .to.be.revertedWithCustomError(disputes, "Disputes_BadBond")
          .withArgs(PENALTY, value);
      }
      await expect(own.challenge(agreement, epoch, 2n, 2n, { value: PENALTY }))
        .to.emit(disputes, "Challenged")
        .withArgs(address, epoch, 2n, 2n, stranger.address);
      expect([...(await disputes.challengeOf(agreement, epoch, 2n, 2n))]).to.deep.equal([stranger.address, false]);
      expect([...(await disputes.challengeOf(agreement, epoch, 2n, 0n))]).to.deep.equal([ZeroAddress, false]);
      // Not the next seat's.
      expect([...(await disputes.challengeOf(agreement, epoch, 1n, 34n))]).to.deep.equal([ZeroAddress, false]);
      await expect(disputes.connect(w0).challenge(agreement, epoch, 2n, 2n, { value: PENALTY }))
        .to.be.revertedWithCustomError(disputes, "Disputes_AlreadyChallenged")
        .withArgs(epoch, 2n, 2n);
      await disputes.connect(w0).challenge(agreement, epoch, 2n, 0n, { value: PENALTY });
      expect(await disputes.openChallenges(agreement, epoch, 2n)).to.equal(0b101n);
      expect(await disputes.openChallenges(agreement, epoch, 1n)).to.equal(0n);
      await mineTo(windows.appealTo);
      await expect(own.challenge(agreement, epoch, 0n, 0n, { value: PENALTY }))
        .to.be.revertedWithCustomError(disputes, "Disputes_OutsideWindow")
        .withArgs(windows.appealFrom, windows.appealTo, windows.appealTo + 1n);
    });

    it("should not ask of epochs before the program was bound, of the silent, or of a worker that resigned", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { market, disputes, client, stranger, workerIds, testers, w0 } = scene;
      const agreement = await buyWith(market, client, workerIds, 3n * BLOCKS);
      await agreement.connect(client).bindProgram(id("a smart account"));
      expect(await agreement.boundFrom()).to.equal(1n);
      await runDrawnIn(chain, agreement, 0n, testers, allOk);
      await mineTo((await agreement.windowsOf(0n)).appealFrom - 1n);
      const own = disputes.connect(stranger);
      await expect(own.challenge(agreement, 0n, 0n, 0n, { value: PENALTY }))
        .to.be.revertedWithCustomError(disputes, "Disputes_NothingToChallenge")
        .withArgs(0n, 0n, 0n);
      const last = await agreement.windowsOf(2n);
      await mineTo(last.from - 2n);
      await agreement.connect(w0).resign(0n);
      await runDrawnIn(chain, agreement, 2n, testers, (seat) => (seat === 1 ? undefined : [Ok, Ok, Ok]));
      await mineTo(last.appealFrom - 1n);
      for (const [seat, worker] of [
        [1n, 1n],
        [0n, 0n],
      ] as const) {
        await expect(own.challenge(agreement, 2n, seat, worker, { value: PENALTY }))
          .to.be.revertedWithCustomError(disputes, "Disputes_NothingToChallenge")
          .withArgs(2n, seat, worker);
      }
      await own.challenge(agreement, 2n, 0n, 1n, { value: PENALTY });
      const unbound = (await reported(scene, allOk)).agreement;
      await expect(own.challenge(unbound, 0n, 0n, 0n, { value: PENALTY }))
        .to.be.revertedWithCustomError(disputes, "Disputes_NothingToChallenge")
        .withArgs(0n, 0n, 0n);
    });

    it("should give the bond to the tester that shows the worker's signed answer to its probe", async () => {
      const scene = await networkHelpers.loadFixture(challenged);
      const { market, disputes, agreement, epoch, tester, probe, key, stranger, drawn } = scene;
      const proof = answerProof(probe, key);
      await expect(disputes.connect(stranger).answerChallenge(agreement, epoch, 0n, 1n, proof)).to.emit(
        disputes,
        "ChallengeAnswered",
      );
      expect([...(await disputes.challengeOf(agreement, epoch, 0n, 1n))]).to.deep.equal([stranger.address, true]);
      expect(await disputes.creditOf(tester)).to.equal(PENALTY);
      await expect(disputes.answerChallenge(agreement, epoch, 0n, 1n, proof))
        .to.be.revertedWithCustomError(disputes, "Disputes_NotChallenged")
        .withArgs(epoch, 0n, 1n);
      await expect(disputes.connect(stranger).challenge(agreement, epoch, 0n, 1n, { value: PENALTY }))
        .to.be.revertedWithCustomError(disputes, "Disputes_AlreadyChallenged")
        .withArgs(epoch, 0n, 1n);
      const before = await purses(market, drawn);
      const burntBefore = await burnt();
      await close(scene, agreement, 0n);
      expect(await purses(market, drawn)).to.deep.equal(before.map(({ stake }) => ({ stake, credit: FEE })));
      expect(await burnt()).to.equal(burntBefore);
      expect([...(await agreement.outcomesOf(epoch))]).to.deep.equal([Outcome.Ok, Outcome.Ok, Outcome.Ok]);
      await drain(scene, agreement);
    });

    it("should take every answer that a worker signs to a request with the nonce and the program", async () => {
      const { disputes, agreement, epoch, probe, key } = await networkHelpers.loadFixture(challenged);
      await fc.assert(
        fc.asyncProperty(requestArbitrary, answerArbitrary, async (request, answer) => {
          const proof = answerProof(probe, key, { ...request, program: REQUEST_WITHOUT_NONCE.program }, answer);
          await disputes.answerChallenge.staticCall(agreement, epoch, 0n, 1n, proof);
        }),
        { numRuns: 40 },
      );
    });

    it("should take inputs of all lengths that a worker takes, and numbers of all sizes", async () => {
      const { disputes, agreement, epoch, probe, key } = await networkHelpers.loadFixture(challenged);
      for (const length of [0, 23, 24, 255, 256, 65_535, 65_536, 262_144]) {
        const request = { ...REQUEST_WITHOUT_NONCE, input: { bytes: new Uint8Array(length).fill(7) } };
        await disputes.answerChallenge.staticCall(agreement, epoch, 0n, 1n, answerProof(probe, key, request));
      }
      for (const bits of [8n, 16n, 32n, 64n]) {
        for (const maxGas of [2n ** bits - 1n, 2n ** (bits - 1n), 2n ** (bits / 2n)]) {
          const request = { ...REQUEST_WITHOUT_NONCE, maxGas };
          await disputes.answerChallenge.staticCall(agreement, epoch, 0n, 1n, answerProof(probe, key, request));
        }
      }
    });

    it("should refuse an answer to another program than the agreement is bound to", async () => {
      const { disputes, agreement, epoch, probe, key } = await networkHelpers.loadFixture(challenged);
      const program = Keypair.fromRawEd25519Seed(Buffer.alloc(32, 9)).publicKey();
      const foreign = answerProof(probe, key, { ...REQUEST_WITHOUT_NONCE, program });
      await expect(disputes.answerChallenge(agreement, epoch, 0n, 1n, foreign)).to.be.revertedWithCustomError(
        disputes,
        "Disputes_WrongSigner",
      );
      await disputes.answerChallenge(agreement, epoch, 0n, 1n, answerProof(probe, key));
    });

    it("should refuse the answer of another duty whose request names this duty's nonce in its input", async () => {
      const scene = await networkHelpers.loadFixture(challenged);
      const { disputes, agreement, epoch, probe, key, stranger } = scene;
      const other = id("the salt of another duty");
      const own = probeNonce(probe);
      // One request, one answer: its own nonce is the other duty's, this one's stands in the input.
      for (const named of [own, concatBytes(utf8("\x65nonce\x58\x20"), own)]) {
        const nonce = probeNonce({ ...probe, salt: other });
        const request = { ...REQUEST_WITHOUT_NONCE, nonce, input: { bytes: new Uint8Array(named) } };
        await disputes.answerChallenge.staticCall(agreement, epoch, 0n, 1n, proofOf(request, other, key));
        await expect(
          disputes.connect(stranger).answerChallenge(agreement, epoch, 0n, 1n, proofOf(request, SALT, key)),
        ).to.be.revertedWithCustomError(disputes, "Disputes_WrongSigner");
      }
    });

    it("should take an answer signed with a message key that the worker has rotated since", async () => {
      const { market, disputes, agreement, epoch, probe, key, w1 } = await networkHelpers.loadFixture(challenged);
      const next = messageWallet("the next key");
      const ledgerKey = id("ledger key");
      const rotation = await proveKey(market.twins, next, { account: w1.address, ledgerKey, nonce: 1n });
      await market.twins.connect(w1).update(messageKeyOf(next), ledgerKey, rotation);
      await disputes.answerChallenge.staticCall(agreement, epoch, 0n, 1n, answerProof(probe, next));
      await disputes.answerChallenge(agreement, epoch, 0n, 1n, answerProof(probe, key));
    });

    it("should refuse another's signature, and answers to any request that is not this probe", async () => {
      const scene = await networkHelpers.loadFixture(challenged);
      const { market, disputes, agreement, epoch, probe, key, w0, stranger, drawn, windows } = scene;
      const answer = async (proof: Proof) => await disputes.answerChallenge(agreement, epoch, 0n, 1n, proof);
      const twin = await market.twins.twinOf(scene.w1);
      const good = answerProof(probe, key);
      for (const other of [messageWallet(w0.address), messageWallet("nobody")]) {
        await expect(answer(answerProof(probe, other)))
          .to.be.revertedWithCustomError(disputes, "Disputes_WrongSigner")
          .withArgs(twin, other.address);
      }
      const neighbour = await drawn[1]?.getAddress();
      for (const foreign of [
        { ...probe, epoch: epoch - 1n },
        { ...probe, agreement: stranger.address },
        { ...probe, tester: neighbour ?? ZeroAddress },
        { ...probe, salt: id("another salt") },
      ]) {
        // As it was signed, but shown as the probe that was asked for.
        await expect(answer({ ...answerProof(foreign, key), salt: good.salt })).to.be.revertedWithCustomError(
          disputes,
          "Disputes_WrongSigner",
        );
      }
      for (const change of [
        { request: { ...good.request, network: `${good.request.network}x` } },
        { request: { ...good.request, user: `${good.request.user}x` } },
        { request: { ...good.request, input: "0x" } },
        { request: { ...good.request, inputCid: good.previousState } },
        { request: { ...good.request, maxGas: BigInt(good.request.maxGas) + 1n } },
        { request: { ...good.request, validUntil: BigInt(good.request.validUntil) + 1n } },
        { request: { ...good.request, ifState: good.previousState } },
        { sequence: BigInt(good.sequence) + 1n },
        { previousState: `${good.previousState}x` },
        { status: "rejected" },
        { outputCid: `${good.outputCid}x` },
        { newState: `${good.newState}x` },
        { gas: BigInt(good.gas) + 1n },
        { recordCid: "" },
      ]) {
        await expect(answer({ ...good, ...change })).to.be.revertedWithCustomError(disputes, "Disputes_WrongSigner");
      }
      const input = `0x${"00".repeat(262_145)}`;
      await expect(answer({ ...good, request: { ...good.request, input } }))
        .to.be.revertedWithCustomError(disputes, "Disputes_InputTooLarge")
        .withArgs(262_144n, 262_145n);
      await expect(answer({ ...good, signature: "0x1234" })).to.be.revertedWithCustomError(
        { interface: new ethers.Interface(["error ECDSAInvalidSignatureLength(uint256)"]) },
        "ECDSAInvalidSignatureLength",
      );
      for (const [seat, worker] of [
        [1n, 1n],
        [0n, 2n],
        [0n, 33n],
        [0n, 2n ** 256n - 1n],
        [9n, 1n],
      ] as const) {
        await expect(disputes.answerChallenge(agreement, epoch, seat, worker, good))
          .to.be.revertedWithCustomError(disputes, "Disputes_NotChallenged")
          .withArgs(epoch, seat, worker);
      }
      const { finalFrom } = await agreement.windowsOf(epoch);
      await mineTo(finalFrom - 1n);
      await expect(answer(good))
        .to.be.revertedWithCustomError(disputes, "Disputes_OutsideWindow")
        .withArgs(windows.appealFrom, finalFrom - 1n, finalFrom);
    });

    it("should take an answer in the last block before the epoch is final", async () => {
      const { disputes, agreement, epoch, probe, key } = await networkHelpers.loadFixture(challenged);
      const { finalFrom } = await agreement.windowsOf(epoch);
      await mineTo(finalFrom - 2n);
      await disputes.answerChallenge(agreement, epoch, 0n, 1n, answerProof(probe, key));
    });

    it("should strike what is not answered: no fee, no vote, half of a miss to who asked, half burnt", async () => {
      const scene = await networkHelpers.loadFixture(challenged);
      const { market, disputes, agreement, epoch, stranger, drawn, client } = scene;
      const before = await purses(market, drawn);
      const burntBefore = await burnt();
      const { finalFrom } = await agreement.windowsOf(epoch);
      await mineTo(finalFrom - 1n);
      await agreement.settle(epoch);
      await expect(agreement.settle(1n))
        .to.emit(disputes, "ReportStruck")
        .withArgs(await agreement.getAddress(), epoch, 0n, 0b010n, PENALTY / 2n)
        .and.to.emit(agreement, "EpochSettled")
        .withArgs(epoch, [Outcome.Ok, Outcome.Ok, Outcome.Ok], 0b110n);
      await close(scene, agreement, 0n);
      expect(await disputes.creditOf(stranger)).to.equal(PENALTY + PENALTY / 2n);
      expect((await burnt()) - burntBefore).to.equal(PENALTY / 2n);
      expect(await purses(market, drawn)).to.deep.equal(
        before.map(({ stake }, i) => (i === 0 ? { stake: stake - PENALTY, credit: 0n } : { stake, credit: FEE })),
      );
      const [first] = drawn;
      if (!first) throw new Error("no tester");
      const view = await market.testers.tester(await market.testers.testerOf(first));
      expect([view.missed, view.revealed, view.overturned, view.duties]).to.deep.equal([1n, 0n, 0n, 0n]);
      // Six seats nobody took, and the struck one.
      expect(await agreement.creditOf(client)).to.equal(7n * FEE);
      await drain(scene, agreement);
    });

    it("should not let an accomplice shield a report by asking for the one answer that its tester has", async () => {
      const scene = await networkHelpers.loadFixture(challenged);
      // The stranger is the accomplice; only the second worker was looked at.
      const { market, disputes, agreement, epoch, tester, probe, key, stranger, client, drawn } = scene;
      const before = await purses(market, drawn);
      const burntBefore = await burnt();
      await disputes.connect(tester).answerChallenge(agreement, epoch, 0n, 1n, answerProof(probe, key));
      await disputes.connect(client).challenge(agreement, epoch, 0n, 0n, { value: PENALTY });
      expect(await disputes.openChallenges(agreement, epoch, 0n)).to.equal(0b001n);
      await close(scene, agreement, PENALTY);
      const after = await purses(market, drawn);
      expect([after[0]?.credit, (before[0]?.stake ?? 0n) - (after[0]?.stake ?? 0n)]).to.deep.equal([0n, PENALTY]);
      expect(await disputes.creditOf(client)).to.equal(PENALTY + PENALTY / 2n);
      // The accomplice's bond is the tester's, as it must have agreed with it.
      expect([await disputes.creditOf(stranger), await disputes.creditOf(tester)]).to.deep.equal([0n, PENALTY]);
      expect((await burnt()) - burntBefore).to.equal(PENALTY / 2n);
      await drain(scene, agreement);
    });

    it("should take one miss for all challenges of a report that stay unanswered, and share half of it", async () => {
      const scene = await networkHelpers.loadFixture(challenged);
      const { market, disputes, agreement, epoch, stranger, client, w0, drawn } = scene;
      await disputes.connect(client).challenge(agreement, epoch, 0n, 0n, { value: PENALTY });
      await disputes.connect(w0).challenge(agreement, epoch, 0n, 2n, { value: PENALTY });
      await disputes.connect(client).challenge(agreement, epoch, 1n, 0n, { value: PENALTY });
      await disputes.connect(client).challenge(agreement, epoch, 1n, 1n, { value: PENALTY });
      const before = await purses(market, drawn);
      const burntBefore = await burnt();
      await close(scene, agreement, 5n * PENALTY);
      const lost = (await purses(market, drawn)).map(({ stake }, i) => (before[i]?.stake ?? 0n) - stake);
      expect(lost).to.deep.equal([PENALTY, PENALTY, 0n]);
      const [third, half] = [PENALTY / 2n / 3n, PENALTY / 2n / 2n];
      expect(await disputes.creditOf(stranger)).to.equal(PENALTY + third);
      expect(await disputes.creditOf(w0)).to.equal(PENALTY + third);
      expect(await disputes.creditOf(client)).to.equal(3n * PENALTY + third + 2n * half);
      expect((await burnt()) - burntBefore).to.equal(2n * PENALTY - 3n * third - 2n * half);
      await drain(scene, agreement);
    });

    it("should strike a report that answers one challenge of two, and give each bond to whom it is due", async () => {
      const scene = await networkHelpers.loadFixture(challenged);
      const { market, disputes, agreement, epoch, tester, probe, w2, stranger, client, drawn } = scene;
      await disputes.connect(client).challenge(agreement, epoch, 0n, 2n, { value: PENALTY });
      const proof = answerProof(probe, messageWallet(w2.address));
      // The answer of the third worker says nothing of the second.
      await expect(disputes.answerChallenge(agreement, epoch, 0n, 1n, proof)).to.be.revertedWithCustomError(
        disputes,
        "Disputes_WrongSigner",
      );
      await expect(disputes.answerChallenge(agreement, epoch, 0n, 2n, proof)).to.emit(disputes, "ChallengeAnswered");
      const before = await purses(market, drawn);
      await close(scene, agreement, PENALTY);
      expect(await disputes.creditOf(client)).to.equal(0n);
      expect(await disputes.creditOf(tester)).to.equal(PENALTY);
      expect(await disputes.creditOf(stranger)).to.equal(PENALTY + PENALTY / 2n);
      const after = await purses(market, drawn);
      expect([after[0]?.credit, (before[0]?.stake ?? 0n) - (after[0]?.stake ?? 0n)]).to.deep.equal([0n, PENALTY]);
      await drain(scene, agreement);
    });

    it("should let strikes take an outcome's quorum away", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { disputes, stranger, market, workerIds } = scene;
      const votes: VerdictsOf = (seat) => (seat === 2 ? undefined : [Ok, Unreachable, Unreachable]);
      const { agreement, epoch } = await reported(scene, votes, 2n * BLOCKS, true);
      expect([...(await agreement.tallyOf(epoch)).outcomes]).to.deep.equal([
        Outcome.Ok,
        Outcome.Unreachable,
        Outcome.Unreachable,
      ]);
      await disputes.connect(stranger).challenge(agreement, epoch, 1n, 0n, { value: PENALTY });
      await close(scene, agreement, PENALTY);
      expect([...(await agreement.outcomesOf(epoch))]).to.deep.equal(Array(3).fill(Outcome.NoQuorum));
      const record = await market.records.recordOf(workerIds[1] ?? 0n);
      expect([record.epochsUnreachable, record.weightTotal]).to.deep.equal([0n, 0n]);
      await drain(scene, agreement);
    });

    it("should charge a tester both for a struck report and for an overturned verdict, within its duty's stake", async () => {
      const scene = await networkHelpers.loadFixture(challenged);
      const { market, disputes, agreement, epoch, client, drawn, stranger } = scene;
      await disputes.connect(client).appeal(agreement, epoch, 0n, { value: BOND });
      await runPanelIn(chain, market, agreement, epoch, scene.testers, () => [Wrong, Ok, Ok]);
      const before = await purses(market, drawn);
      await close(scene, agreement, BOND + PENALTY);
      const first = (BOND + 2n) / 3n;
      const second = (BOND - first + 1n) / 2n;
      const parts = [first + PENALTY, second, BOND - first - second];
      const lost = (await purses(market, drawn)).map(({ stake }, i) => (before[i]?.stake ?? 0n) - stake);
      expect(lost).to.deep.equal(parts);
      expect([...(await agreement.outcomesOf(epoch))]).to.deep.equal([Outcome.Wrong, Outcome.Ok, Outcome.Ok]);
      expect(await disputes.creditOf(stranger)).to.equal(PENALTY + PENALTY / 2n);
      await drain(scene, agreement);
    });
  });

  describe("money and access", () => {
    it("should pay a credit once, to its owner, and keep it for who refuses it", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { market, disputes, client } = scene;
      await expect(disputes.withdraw())
        .to.be.revertedWithCustomError(disputes, "Disputes_NothingToWithdraw")
        .withArgs(client.address);
      const actor = await ethers.deployContract("Actor");
      await client.sendTransaction({ to: await actor.getAddress(), value: ETHER });
      const { agreement, epoch } = await reported(scene, allOk, 2n * BLOCKS, true);
      const challenge = disputes.interface.encodeFunctionData("challenge", [
        await agreement.getAddress(),
        epoch,
        0n,
        0n,
      ]);
      await actor.act(disputes, PENALTY, challenge);
      await finish(agreement);
      const credit = PENALTY + PENALTY / 2n;
      expect(await disputes.creditOf(actor)).to.equal(credit);
      const withdraw = disputes.interface.encodeFunctionData("withdraw");
      await actor.setMood(1n, ZeroAddress, "0x");
      await expect(actor.act(disputes, 0n, withdraw))
        .to.be.revertedWithCustomError(disputes, "Ether_TransferFailed")
        .withArgs(await actor.getAddress(), credit);
      await actor.setMood(2n, disputes, withdraw);
      await expect(actor.act(disputes, 0n, withdraw)).to.changeEtherBalances(
        ethers,
        [actor, disputes],
        [credit, -credit],
      );
      expect([await actor.attempts(), await actor.reentered()]).to.deep.equal([1n, false]);
      expect(await ethers.provider.getBalance(disputes)).to.equal(0n);
      expect(await market.disputes.creditOf(actor)).to.equal(0n);
    });

    it("should be resolved by agreements only, and contested by the disputes contract only", async () => {
      const scene = await networkHelpers.loadFixture(fixture);
      const { market, disputes, client, stranger } = scene;
      await expect(disputes.connect(stranger).resolve(0n))
        .to.be.revertedWithCustomError(disputes, "Disputes_NotAnAgreement")
        .withArgs(stranger.address);
      const agreement = await buyWith(market, client, scene.workerIds, BLOCKS);
      for (const caller of [client, stranger]) {
        await expect(agreement.connect(caller).contest(0n))
          .to.be.revertedWithCustomError(agreement, "WorkAgreement_NotDisputes")
          .withArgs(caller.address);
      }
    });
  });
});
