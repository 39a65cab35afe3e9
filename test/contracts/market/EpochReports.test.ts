import { expect } from "chai";
import { id, type Signer, ZeroHash } from "ethers";
import { network } from "hardhat";

import type { WorkAgreement } from "../../../typechain-types/index.ts";
import {
  buyWith,
  CID,
  commitAs,
  commitmentFor,
  drain,
  expectSolvent,
  finish,
  mineTo as mineToIn,
  revealAs,
  seatOf,
  seatReveal,
  signersOf,
} from "../helpers/epochs.ts";
import {
  boundTo,
  deployMarket,
  ETHER,
  makeTester,
  makeTwin,
  makeWorker,
  Outcome,
  packVerdicts,
  SALT,
  SETTINGS,
  signCommit,
  Verdict,
} from "../helpers/market.ts";

const chain = await network.create();
const { ethers, networkHelpers } = chain;

const FEE = SETTINGS.testerFeePerEpoch;
const BLOCKS = SETTINGS.epochLength;
const { Ok, Unreachable, Wrong } = Verdict;
const ALL_OK = [Ok, Ok];

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
  const people = signers.slice(5, 8);
  for (const tester of people) await makeTester(market, tester);
  const agreement = await buyWith(market, client, workerIds, 2n * BLOCKS);
  const windows = await agreement.windowsOf(0n);
  await mineTo(windows.commitFrom - 1n);
  const accounts = [...(await agreement.previewTesters(0n, { blockTag: "pending" }))];
  const [t0, t1, t2] = await signersOf(accounts, people);
  if (!t0 || !t1 || !t2) throw new Error("too few testers");
  return { market, client, stranger, operators, workerIds, agreement, windows, people, t0, t1, t2 };
}

/** What `commitMany` wants of testers in the order of their seats, which begin with `from`. */
async function signed(
  agreement: WorkAgreement,
  testers: readonly Signer[],
  verdicts: readonly (readonly bigint[])[],
  { from = 0, epoch = 0n } = {},
) {
  const commits: { seat: number; tester: string; commitment: string; signature: string }[] = [];
  for (const [i, tester] of testers.entries()) {
    const commitment = await commitmentFor(agreement, epoch, tester, verdicts[i] ?? ALL_OK);
    const signature = await signCommit(agreement, tester, epoch, commitment);
    commits.push({ seat: from + i, tester: await tester.getAddress(), commitment, signature });
  }
  return commits;
}

/** What `revealMany` wants of a group. */
const groupOf = (commits: readonly { commitment: string; tester: string }[]) =>
  commits.map(({ commitment, tester }) => boundTo(commitment, tester));

describe("EpochReports: reports brought together", () => {
  describe("commitMany", () => {
    it("should open the epoch and take all commitments of a stranger's bringing", async () => {
      const { agreement, stranger, t0, t1, t2, market } = await networkHelpers.loadFixture(fixture);
      const testers = [t0, t1, t2];
      const commits = await signed(agreement, testers, []);
      const sent = agreement.connect(stranger).commitMany(0n, commits);
      await expect(sent).to.emit(agreement, "EpochOpened");
      for (const [i, tester] of testers.entries()) {
        await expect(sent)
          .to.emit(agreement, "VerdictCommitted")
          .withArgs(0n, await tester.getAddress(), commits[i]?.commitment);
      }
      const seats = await agreement.seatsOf(0n);
      expect(seats.map(({ status, grouped, excused }) => [status, grouped, excused])).to.deep.equal(
        Array(3).fill([1n, true, false]),
      );
      for (const { testerId } of seats) expect((await market.testers.tester(testerId)).duties).to.equal(1n);
    });

    it("should take the seats in ascending order only, and each once", async () => {
      const { agreement, t0, t1, t2 } = await networkHelpers.loadFixture(fixture);
      const [c0, c1, c2] = await signed(agreement, [t0, t1, t2], []);
      if (!c0 || !c1 || !c2) throw new Error("too few");
      const wrong: [(typeof c0)[], number][] = [
        [[c1, c0], 0],
        [[c0, c2, c1], 1],
        [[c0, c0], 0],
        [[c0, { ...c1, seat: 3 }], 3],
        [[{ ...c0, seat: 7 }], 7],
        [[{ ...c0, seat: 255 }], 255],
      ];
      for (const [commits, seat] of wrong) {
        await expect(agreement.commitMany(0n, commits))
          .to.be.revertedWithCustomError(agreement, "WorkAgreement_BadSeat")
          .withArgs(0n, seat);
      }
      await expect(agreement.commitMany(0n, [])).to.be.revertedWithCustomError(
        agreement,
        "WorkAgreement_ZeroCommitment",
      );
      expect(await agreement.isOpen(0n)).to.equal(false);
      await agreement.commitMany(0n, [c0, c2]);
      expect((await agreement.seatsOf(0n)).map((seat) => seat.grouped)).to.deep.equal([true, false, true]);
    });

    it("should refuse what the seat's tester did not sign: for this agreement, epoch, chain and commitment", async () => {
      const { agreement, market, client, workerIds, t0, t1 } = await networkHelpers.loadFixture(fixture);
      const other = await buyWith(market, client, workerIds, BLOCKS);
      await mineTo((await agreement.windowsOf(0n)).commitTo - 3n);
      const commitment = await commitmentFor(agreement, 0n, t0, ALL_OK);
      const domain = {
        name: "SPRF WorkAgreement",
        version: "1",
        chainId: 1n,
        verifyingContract: await agreement.getAddress(),
      };
      const types = {
        Commit: [
          { name: "epoch", type: "uint256" },
          { name: "commitment", type: "bytes32" },
        ],
      };
      const signatures = [
        await signCommit(agreement, t1, 0n, commitment),
        await signCommit(other, t0, 0n, commitment),
        await signCommit(agreement, t0, 1n, commitment),
        await signCommit(agreement, t0, 0n, id("another commitment")),
        await t0.signTypedData(domain, types, { epoch: 0n, commitment }),
      ];
      for (const signature of signatures) {
        await expect(agreement.commitMany(0n, [{ seat: 0, commitment, signature }])).to.be.revertedWithCustomError(
          agreement,
          "WorkAgreement_BadSignature",
        );
      }
      const zero = await signCommit(agreement, t0, 0n, ZeroHash);
      await expect(
        agreement.commitMany(0n, [{ seat: 0, commitment: ZeroHash, signature: zero }]),
      ).to.be.revertedWithCustomError(agreement, "WorkAgreement_ZeroCommitment");
      await expect(agreement.commitMany(0n, [{ seat: 0, commitment, signature: "0x" }])).to.be.revertedWithCustomError(
        { interface: new ethers.Interface(["error ECDSAInvalidSignatureLength(uint256)"]) },
        "ECDSAInvalidSignatureLength",
      );
      await agreement.commitMany(0n, [
        { seat: 0, commitment, signature: await signCommit(agreement, t0, 0n, commitment) },
      ]);
    });

    it("should be done once an epoch; the others commit alone, and nobody twice", async () => {
      const { agreement, t0, t1, t2 } = await networkHelpers.loadFixture(fixture);
      await commitAs(agreement, 0n, t2, ALL_OK);
      const [c0, c1] = await signed(agreement, [t0, t1], []);
      const [c2] = await signed(agreement, [t2], [], { from: 2 });
      if (!c0 || !c1 || !c2) throw new Error("too few");
      await expect(agreement.commitMany(0n, [c0, c2]))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_AlreadyCommitted")
        .withArgs(0n, await t2.getAddress());
      await agreement.commitMany(0n, [c0]);
      await expect(agreement.commitMany(0n, [c1]))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_AlreadyGrouped")
        .withArgs(0n);
      await expect(commitAs(agreement, 0n, t0, ALL_OK)).to.be.revertedWithCustomError(
        agreement,
        "WorkAgreement_AlreadyCommitted",
      );
      await commitAs(agreement, 0n, t1, ALL_OK);
    });

    it("should be taken in the commit window only", async () => {
      const { agreement, windows, t0 } = await networkHelpers.loadFixture(fixture);
      const early = await signed(agreement, [t0], [], { epoch: 1n });
      await expect(agreement.commitMany(1n, early)).to.be.revertedWithCustomError(
        agreement,
        "WorkAgreement_OutsideWindow",
      );
      await mineTo(windows.commitTo);
      await expect(agreement.commitMany(0n, await signed(agreement, [t0], [])))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_OutsideWindow")
        .withArgs(windows.commitFrom, windows.commitTo, windows.commitTo + 1n);
      await expect(agreement.commitMany(2n, [])).to.be.revertedWithCustomError(agreement, "WorkAgreement_UnknownEpoch");
    });
  });

  describe("revealMany", () => {
    it("should reveal a whole group at once, with dissent, and pay each", async () => {
      const { agreement, market, client, operators, people, windows, stranger, t0, t1, t2 } =
        await networkHelpers.loadFixture(fixture);
      const testers = [t0, t1, t2];
      const verdicts = [
        [Ok, Wrong],
        [Ok, Ok],
        [Unreachable, Wrong],
      ];
      const commits = await signed(agreement, testers, verdicts);
      await agreement.commitMany(0n, commits);
      const reports = [];
      for (const [i, tester] of testers.entries()) {
        reports.push(await seatReveal(agreement, 0n, tester, verdicts[i] ?? ALL_OK));
      }
      await expect(agreement.revealMany(0n, groupOf(commits), reports)).to.be.revertedWithCustomError(
        agreement,
        "WorkAgreement_OutsideWindow",
      );
      await mineTo(windows.revealFrom - 1n);
      const sent = agreement.connect(stranger).revealMany(0n, groupOf(commits), reports);
      for (const [i, tester] of testers.entries()) {
        await expect(sent)
          .to.emit(agreement, "VerdictRevealed")
          .withArgs(0n, await tester.getAddress(), packVerdicts(verdicts[i] ?? ALL_OK), CID, SALT);
      }
      const seats = await agreement.seatsOf(0n);
      expect(seats.map((seat) => [seat.status, [...seat.verdicts]])).to.deep.equal(verdicts.map((list) => [2n, list]));
      const { outcomes, reveals } = await agreement.tallyOf(0n);
      expect([...outcomes, reveals]).to.deep.equal([Outcome.Ok, Outcome.Wrong, 3n]);
      await finish(chain, agreement);
      for (const tester of people) {
        const view = await market.testers.tester(await market.testers.testerOf(tester));
        expect([view.credit, view.revealed, view.missed, view.duties]).to.deep.equal([FEE, 1n, 0n, 0n]);
      }
      await expectSolvent(market, [agreement], [client, ...operators, ...people]);
      await drain(chain, market, agreement, [client, ...operators, ...people]);
    });

    it("should take a group in parts, mixed with who committed alone", async () => {
      const { agreement, windows, t0, t1, t2 } = await networkHelpers.loadFixture(fixture);
      await commitAs(agreement, 0n, t1, [Wrong, Ok]);
      const [c0] = await signed(agreement, [t0], [[Wrong, Wrong]]);
      const [c2] = await signed(agreement, [t2], [[Ok, Ok]], { from: 2 });
      if (!c0 || !c2) throw new Error("too few");
      await agreement.commitMany(0n, [c0, c2]);
      const group = groupOf([c0, c2]);
      await mineTo(windows.revealFrom - 1n);
      const r0 = await seatReveal(agreement, 0n, t0, [Wrong, Wrong]);
      const r1 = await seatReveal(agreement, 0n, t1, [Wrong, Ok]);
      const r2 = await seatReveal(agreement, 0n, t2, [Ok, Ok]);
      await agreement.revealMany(0n, group, [r2]);
      expect((await agreement.seatsOf(0n)).map((seat) => seat.status)).to.deep.equal([1n, 1n, 2n]);
      await expect(agreement.revealMany(0n, group, [r2]))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_NothingToReveal")
        .withArgs(0n, await t2.getAddress());
      await agreement.revealMany(0n, group, [r1, r0]);
      const seats = await agreement.seatsOf(0n);
      expect(seats.map((seat) => [...seat.verdicts])).to.deep.equal([
        [Wrong, Wrong],
        [Wrong, Ok],
        [Ok, Ok],
      ]);
      expect([...(await agreement.tallyOf(0n)).outcomes]).to.deep.equal([Outcome.Wrong, Outcome.Ok]);
      // Now the group's slot is free, and nothing can be said of it again.
      await expect(agreement.revealMany(0n, group, [r0]))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_BadGroup")
        .withArgs(0n);
    });

    it("should want the group as it was committed, and no report twice or of another", async () => {
      const { agreement, windows, t0, t1, t2 } = await networkHelpers.loadFixture(fixture);
      const commits = await signed(agreement, [t0, t1], [ALL_OK, [Wrong, Ok]]);
      await agreement.commitMany(0n, commits);
      const [g0, g1] = groupOf(commits);
      if (g0 === undefined || g1 === undefined) throw new Error("too few");
      await mineTo(windows.revealFrom - 1n);
      const r0 = await seatReveal(agreement, 0n, t0, ALL_OK);
      const r1 = await seatReveal(agreement, 0n, t1, [Wrong, Ok]);
      for (const group of [[g0], [g1, g0], [g0, g1, g1], [g0, id("another")], []]) {
        await expect(agreement.revealMany(0n, group, [r0]))
          .to.be.revertedWithCustomError(agreement, "WorkAgreement_BadGroup")
          .withArgs(0n);
      }
      await expect(agreement.reveal(0n, r0))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_BadGroup")
        .withArgs(0n);
      await expect(agreement.revealMany(0n, [g0, g1], [r0, r0])).to.be.revertedWithCustomError(
        agreement,
        "WorkAgreement_NothingToReveal",
      );
      for (const swapped of [
        { ...r0, seat: 1n },
        { ...r1, seat: 0n },
        { ...r0, verdicts: packVerdicts([Ok, Wrong]) },
        { ...r0, salt: id("another salt") },
        { ...r0, tester: r1.tester },
      ]) {
        await expect(agreement.revealMany(0n, [g0, g1], [swapped])).to.be.revertedWithCustomError(
          agreement,
          "WorkAgreement_CommitmentMismatch",
        );
      }
      const r2 = { ...r0, seat: await seatOf(agreement, 0n, t2), tester: await t2.getAddress() };
      await expect(agreement.revealMany(0n, [g0, g1], [r2]))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_NothingToReveal")
        .withArgs(0n, r2.tester);
      for (const seat of [3n, 7n, 255n]) {
        await expect(agreement.revealMany(0n, [g0, g1], [{ ...r0, seat }]))
          .to.be.revertedWithCustomError(agreement, "WorkAgreement_BadSeat")
          .withArgs(0n, seat);
      }
      await expect(
        agreement.revealMany(0n, [g0, g1], [{ ...r0, verdicts: packVerdicts([Ok, Ok, Wrong]) }]),
      ).to.be.revertedWithCustomError(agreement, "WorkAgreement_BadVerdicts");
      await expect(
        agreement.revealMany(0n, [g0, g1], [{ ...r0, evidenceCid: "b".repeat(129) }]),
      ).to.be.revertedWithCustomError(agreement, "WorkAgreement_CidTooLong");
      // One bad report fails them all.
      await expect(agreement.revealMany(0n, [g0, g1], [r1, { ...r0, salt: id("bad") }])).to.be.revert(ethers);
      expect((await agreement.tallyOf(0n)).reveals).to.equal(0n);
      await agreement.revealMany(0n, [g0, g1], [r1, r0]);
    });

    it("should not let a group's member reveal what it copied from another", async () => {
      const { agreement, windows, t0, t1 } = await networkHelpers.loadFixture(fixture);
      // The copyist signs the commitment of the other as its own, in a group and without.
      const commitment = await commitmentFor(agreement, 0n, t0, ALL_OK);
      await agreement.connect(t0).commit(0n, commitment);
      const copied = { seat: 1, commitment, signature: await signCommit(agreement, t1, 0n, commitment) };
      await agreement.commitMany(0n, [copied]);
      await mineTo(windows.revealFrom - 1n);
      await revealAs(agreement, 0n, t0, ALL_OK);
      const report = await seatReveal(agreement, 0n, t0, ALL_OK);
      const group = [boundTo(commitment, await t1.getAddress())];
      for (const tester of [report.tester, await t1.getAddress()]) {
        await expect(agreement.revealMany(0n, group, [{ ...report, seat: 1n, tester }]))
          .to.be.revertedWithCustomError(agreement, "WorkAgreement_CommitmentMismatch")
          .withArgs(0n, tester);
        // Whatever else is given for the group is not it.
        for (const other of [commitment, boundTo(commitment, report.tester)]) {
          await expect(
            agreement.revealMany(0n, [other], [{ ...report, seat: 1n, tester }]),
          ).to.be.revertedWithCustomError(agreement, "WorkAgreement_BadGroup");
        }
      }
      expect((await agreement.tallyOf(0n)).reveals).to.equal(1n);
    });

    it("should refuse a reveal of another epoch or agreement, and one of an epoch that nobody opened", async () => {
      const { agreement, market, client, workerIds, windows, t0, people } = await networkHelpers.loadFixture(fixture);
      const commits = await signed(agreement, [t0], []);
      await agreement.commitMany(0n, commits);
      const report = await seatReveal(agreement, 0n, t0, ALL_OK);
      await mineTo((await agreement.windowsOf(1n)).revealFrom - 1n);
      await expect(agreement.revealMany(1n, [], [report]))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_BadSeat")
        .withArgs(1n, 0n);
      await expect(agreement.revealMany(1n, groupOf(commits), [report])).to.be.revertedWithCustomError(
        agreement,
        "WorkAgreement_BadGroup",
      );
      expect(windows.revealTo < (await agreement.windowsOf(1n)).revealTo).to.equal(true);

      const other = await buyWith(market, client, workerIds, BLOCKS);
      const own = await other.windowsOf(0n);
      await mineTo(own.commitFrom - 1n);
      await other.openEpoch(0n);
      const [first] = await signersOf([...(await other.testersOf(0n))], people);
      if (!first) throw new Error("no tester");
      // Committed here with the formula of the other agreement.
      await other.connect(first).commit(0n, await commitmentFor(agreement, 0n, first, ALL_OK));
      await mineTo(own.revealFrom - 1n);
      await expect(revealAs(other, 0n, first, ALL_OK)).to.be.revertedWithCustomError(
        other,
        "WorkAgreement_CommitmentMismatch",
      );
    });
  });

  it("should give an excused tester its duty when it commits with others, and let no other be brought without room", async () => {
    const { market, client, workerIds, people } = await networkHelpers.loadFixture(fixture);
    for (const tester of people) await market.testers.connect(tester).updateTester(1n, 1n);
    // Both are seeded before either is opened, so both draw all three, who have one place each.
    const first = await buyWith(market, client, workerIds, BLOCKS);
    const second = await buyWith(market, client, workerIds, BLOCKS);
    await mineTo((await second.windowsOf(0n)).commitFrom - 1n);
    await first.openEpoch(0n);
    await second.openEpoch(0n);
    expect((await second.seatsOf(0n)).map((seat) => seat.excused)).to.deep.equal([true, true, true]);
    const [s0, s1, s2] = await signersOf([...(await second.testersOf(0n))], people);
    if (!s0 || !s1 || !s2) throw new Error("too few");
    const commits = await signed(second, [s0, s1], []);
    await market.testers.connect(s0).updateTester(1n, 2n);
    await expect(second.commitMany(0n, commits))
      .to.be.revertedWithCustomError(market.testers, "TesterRegistry_Full")
      .withArgs(await market.testers.testerOf(s1));
    await second.commitMany(0n, commits.slice(0, 1));
    expect((await second.seatsOf(0n)).map((seat) => seat.excused)).to.deep.equal([false, true, true]);
    const duties = await Promise.all(
      [s0, s1, s2].map(async (one) => (await market.testers.tester(await market.testers.testerOf(one))).duties),
    );
    expect(duties).to.deep.equal([2n, 1n, 1n]);
    await mineTo((await second.windowsOf(0n)).revealFrom - 1n);
    await second.revealMany(0n, groupOf(commits.slice(0, 1)), [await seatReveal(second, 0n, s0, ALL_OK)]);
    await finish(chain, second);
    // The two that were excused owe nothing and get nothing for it.
    for (const [tester, expected] of [
      [s0, [FEE, 1n, 0n, 1n]],
      [s1, [0n, 0n, 0n, 1n]],
      [s2, [0n, 0n, 0n, 1n]],
    ] as const) {
      const view = await market.testers.tester(await market.testers.testerOf(tester));
      expect([view.credit, view.revealed, view.missed, view.duties]).to.deep.equal(expected);
      expect(view.stake).to.equal(ETHER);
    }
  });
});
