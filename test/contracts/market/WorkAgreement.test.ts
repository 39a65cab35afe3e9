import { expect } from "chai";
import { id, type Signer, ZeroHash } from "ethers";
import { network } from "hardhat";

import type { WorkAgreement } from "../../../typechain-types/index.ts";
import {
  CID,
  commitAs,
  commitmentFor,
  drain,
  expectSolvent,
  mineTo as mineToIn,
  revealAs,
  runEpoch as runEpochIn,
  seatOf,
  seatReveal,
  termsOf,
  worth,
  type Report,
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
  packVerdicts,
  REPUTATION_SETTINGS,
  SALT,
  SETTINGS,
  Status,
  TERMS,
  Verdict,
  plain,
} from "../helpers/market.ts";

const chain = await network.create();
const { ethers, networkHelpers } = chain;

const PRICE = TERMS.pricePerBlock;
const FEE = SETTINGS.testerFeePerEpoch;
const { Ok, Unreachable, Wrong } = Verdict;

const mineTo = async (block: bigint) => await mineToIn(chain, block);
const runEpoch = async (agreement: WorkAgreement, epoch: bigint, reports: readonly Report[]) =>
  await runEpochIn(chain, agreement, epoch, reports);

async function fixture() {
  const market = await deployMarket(ethers);
  const signers = await ethers.getSigners();
  const [client, stranger] = signers;
  if (!client || !stranger) throw new Error("the network has too few accounts");
  await makeTwin(market, client);
  const operators = signers.slice(2, 5);
  for (const operator of operators) await makeWorker(market, operator);
  const testers = signers.slice(5, 8);
  for (const tester of testers) await makeTester(market, tester);
  return { market, client, stranger, operators, testers };
}

async function creditsOf(agreement: WorkAgreement, accounts: readonly { address: string }[]) {
  return await Promise.all(accounts.map(async (account) => await agreement.creditOf(account.address)));
}

/** Wei of fees that testers can withdraw. */
async function feesOf(market: Market, testers: readonly { address: string }[]) {
  const view = async (account: string) => await market.testers.tester(await market.testers.testerOf(account));
  return await Promise.all(testers.map(async ({ address }) => (await view(address)).credit));
}

describe("WorkAgreement", () => {
  describe("a whole life", () => {
    it("should pay workers and testers, refund the client, report and end with nothing left", async () => {
      const { market, client, operators, testers, stranger } = await networkHelpers.loadFixture(fixture);
      const agreement = await buy(market, client, { length: 30n });
      const [t1, t2, t3] = testers;
      const [w1, w2, w3] = await agreement.workers();
      if (!t1 || !t2 || !t3 || !w1 || !w2 || !w3) throw new Error("too few");
      const { workers: seats } = await termsOf(agreement);
      const byAddress = new Map(operators.map((operator) => [operator.address, operator]));
      const workers = seats.map((seat) => byAddress.get(seat.operator) ?? stranger);

      // Epoch 0: all well. Epoch 1: the second worker is down for all, the third lies to two of three.
      await runEpoch(agreement, 0n, [
        [t1, [Ok, Ok, Ok]],
        [t2, [Ok, Ok, Ok]],
        [t3, [Ok, Ok, Ok]],
      ]);
      await runEpoch(agreement, 1n, [
        [t1, [Ok, Unreachable, Wrong]],
        [t2, [Ok, Unreachable, Wrong]],
        [t3, [Ok, Unreachable, Ok]],
      ]);
      // Epoch 2, 6 blocks, is opened by nobody.
      const last = await agreement.windowsOf(2n);
      await mineTo((await agreement.windowsOf(0n)).finalFrom);
      expect(await agreement.settle.staticCall(9n)).to.equal(1n);
      await mineTo(last.revealFrom);
      expect(await agreement.status()).to.equal(Status.Reporting);
      await expect(agreement.finalize())
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_NotSettled")
        .withArgs(3n, 1n);
      await mineTo(last.finalFrom);
      expect(await agreement.status()).to.equal(Status.Due);

      expect([...(await agreement.outcomesOf(0n))]).to.deep.equal([Outcome.Ok, Outcome.Ok, Outcome.Ok]);
      expect([...(await agreement.outcomesOf(1n))]).to.deep.equal([Outcome.Ok, Outcome.Unreachable, Outcome.Wrong]);
      expect([...(await agreement.outcomesOf(2n))]).to.deep.equal(Array(3).fill(Outcome.NoQuorum));
      const before = await worth(market, [agreement]);
      await expectSolvent(market, [agreement], [client, ...testers]);
      await expect(agreement.connect(stranger).settle(64n))
        .to.emit(agreement, "EpochSettled")
        .withArgs(1n, [Outcome.Ok, Outcome.Unreachable, Outcome.Wrong], 0b111n);
      expect(await agreement.settledEpochs()).to.equal(3n);
      expect(await agreement.unsettled()).to.equal(0n);
      expect(await creditsOf(agreement, workers)).to.deep.equal([30n * PRICE, 18n * PRICE, 18n * PRICE]);
      expect(await feesOf(market, testers)).to.deep.equal([2n * FEE, 2n * FEE, 2n * FEE]);
      expect(await creditsOf(agreement, [client, stranger])).to.deep.equal([24n * PRICE + 3n * FEE, 0n]);

      const lock = SETTINGS.minSlotStake;
      expect((await market.dispatcher.worker(w3)).locked).to.equal(lock);
      // Half of the third worker's lock: the client gets what it paid for it, the rest is burnt.
      const slashed = (lock * SETTINGS.slashShare) / 10_000n;
      const compensation = 18n * PRICE + (3n * FEE) / 3n;
      await expect(agreement.connect(stranger).finalize())
        .to.emit(agreement, "Finalized")
        .and.to.emit(market.dispatcher, "AgreementFinalized")
        .withArgs(await agreement.getAddress())
        .and.to.emit(market.dispatcher, "WorkerSlashed")
        .withArgs(w3, await agreement.getAddress(), slashed, compensation);
      expect(await creditsOf(agreement, [client])).to.deep.equal([24n * PRICE + 3n * FEE + compensation]);
      expect(await worth(market, [agreement])).to.equal(before);
      await expectSolvent(market, [agreement], [client, ...testers]);
      expect(await agreement.status()).to.equal(Status.Finalized);
      await expect(agreement.finalize()).to.be.revertedWithCustomError(agreement, "WorkAgreement_AlreadyFinalized");

      for (const workerId of [w1, w2, w3]) {
        const worker = await market.dispatcher.worker(workerId);
        expect([worker.slotsUsed, worker.locked, worker.listed]).to.deep.equal([0n, 0n, true]);
      }
      const record = async (workerId: bigint) => {
        const r = await market.records.recordOf(workerId);
        return [
          r.slashed,
          r.epochsOk,
          r.epochsUnreachable,
          r.epochsWrong,
          r.agreementsCompleted,
          r.weightOk,
          r.weightTotal,
        ];
      };
      expect(await record(w1)).to.deep.equal([0n, 2n, 0n, 0n, 1n, 6n * FEE, 6n * FEE]);
      expect(await record(w2)).to.deep.equal([0n, 1n, 1n, 0n, 1n, 3n * FEE, 6n * FEE]);
      expect(await record(w3)).to.deep.equal([slashed, 1n, 0n, 1n, 1n, 3n * FEE, 6n * FEE]);
      const prior = REPUTATION_SETTINGS.priorWeight;
      expect(await market.dispatcher.reputationOf(w1)).to.equal(
        ((6n * FEE + prior) * 10_000n) / (6n * FEE + 2n * prior),
      );
      expect(await market.dispatcher.reputationOf(w2)).to.equal(5_000n);
      expect(await market.records.uptimeOf(w1)).to.equal(10_000n);
      expect(await market.records.uptimeOf(w2)).to.equal(5_000n);
      expect(await market.records.uptimeOf(w3)).to.equal(10_000n);
      for (const tester of testers) {
        const view = await market.testers.tester(await market.testers.testerOf(tester.address));
        expect([view.revealed, view.missed, view.duties, view.setAside]).to.deep.equal([2n, 0n, 0n, 0n]);
      }
      await drain(chain, market, agreement, [client, ...workers, ...testers]);
    });

    it("should pay everybody the full price when nobody ever opens an epoch, and know nothing of the workers", async () => {
      const { market, client, operators, testers } = await networkHelpers.loadFixture(fixture);
      const agreement = await buy(market, client, { length: 5_000n / 5n });
      await networkHelpers.mine(5_000);
      expect(await agreement.settle.staticCall(1_000n)).to.equal(64n);
      await agreement.settle(1_000n);
      await agreement.settle(1_000n);
      expect(await agreement.settledEpochs()).to.equal(84n);
      await agreement.finalize();
      expect(await creditsOf(agreement, operators)).to.deep.equal(Array(3).fill(1_000n * PRICE));
      expect(await creditsOf(agreement, [client])).to.deep.equal([84n * 3n * FEE]);
      for (const workerId of await agreement.workers()) {
        const record = await market.records.recordOf(workerId);
        expect([record.weightTotal, record.agreementsCompleted]).to.deep.equal([0n, 1n]);
        expect(await market.dispatcher.reputationOf(workerId)).to.equal(5_000n);
      }
      await drain(chain, market, agreement, [client, ...operators, ...testers]);
    });
  });

  describe("outcome over drawn testers", () => {
    const cases: [string, readonly (bigint | undefined)[], bigint][] = [
      ["three Ok", [Ok, Ok, Ok], Outcome.Ok],
      ["one Wrong", [Wrong, Ok, Ok], Outcome.Ok],
      ["two Wrong", [Wrong, Wrong, Ok], Outcome.Wrong],
      ["two Wrong, one silent", [Wrong, Wrong, undefined], Outcome.Wrong],
      ["one Wrong, one Unreachable", [Wrong, Unreachable, Ok], Outcome.Unreachable],
      ["two Unreachable", [Unreachable, Unreachable, Ok], Outcome.Unreachable],
      ["one Unreachable", [Unreachable, Ok, Ok], Outcome.Ok],
      ["one Wrong, one Ok, one silent", [Wrong, Ok, undefined], Outcome.Ok],
      ["one Wrong, two silent", [Wrong, undefined, undefined], Outcome.NoQuorum],
      ["all silent", [undefined, undefined, undefined], Outcome.NoQuorum],
    ];
    for (const [name, verdicts, expected] of cases) {
      it(`should be ${Object.entries(Outcome).find(([, value]) => value === expected)?.[0]} for ${name}`, async () => {
        const { market, client, testers } = await networkHelpers.loadFixture(fixture);
        const agreement = await buy(market, client, { redundancy: 1n, length: 12n });
        const reports = testers.flatMap((tester, i) => {
          const verdict = verdicts[i];
          return verdict === undefined ? [] : [[tester, [verdict]] as const];
        });
        await runEpoch(agreement, 0n, reports);
        expect([...(await agreement.outcomesOf(0n))]).to.deep.equal([Outcome.Pending]);
        expect([...(await agreement.tallyOf(0n)).outcomes]).to.deep.equal([expected]);
        expect((await agreement.tallyOf(0n)).reveals).to.equal(BigInt(reports.length));
        await mineTo((await agreement.windowsOf(0n)).finalFrom);
        expect([...(await agreement.outcomesOf(0n))]).to.deep.equal([expected]);

        await agreement.settle(1n);
        const paid = expected === Outcome.Ok || expected === Outcome.NoQuorum;
        const [worker] = (await termsOf(agreement)).workers;
        expect(await agreement.creditOf(worker?.operator ?? "")).to.equal(paid ? 12n * PRICE : 0n);
        expect(await agreement.creditOf(client.address)).to.equal(
          (paid ? 0n : 12n * PRICE) + FEE * BigInt(3 - reports.length),
        );
      });
    }

    it("should need a majority of all seats when fewer could be drawn", async () => {
      const { market, client, testers } = await networkHelpers.loadFixture(fixture);
      const agreement = await buy(market, client, { redundancy: 1n, length: 24n });
      const [t1, t2, t3] = testers;
      if (!t1 || !t2 || !t3) throw new Error("too few");
      await market.testers.connect(t2).unregisterTester();
      await market.testers.connect(t3).unregisterTester();
      await runEpoch(agreement, 1n, [[t1, [Wrong]]]);
      expect((await agreement.testersOf(1n)).length).to.equal(1);
      expect([...(await agreement.tallyOf(1n)).outcomes]).to.deep.equal([Outcome.NoQuorum]);
      await mineTo((await agreement.windowsOf(1n)).finalFrom);
      await agreement.settle(2n);
      await agreement.finalize();
      await drain(chain, market, agreement, [client, ...testers, ...(await ethers.getSigners()).slice(2, 5)]);
    });
  });

  describe("windows", () => {
    it("should follow the blocks of the epoch", async () => {
      const { market, client } = await networkHelpers.loadFixture(fixture);
      const agreement = await buy(market, client, { length: 30n });
      const start = await agreement.start();
      expect(plain(await agreement.windowsOf(1n))).to.deep.equal({
        from: start + 12n,
        to: start + 23n,
        commitFrom: start + 14n,
        commitTo: start + 22n,
        revealFrom: start + 24n,
        revealTo: start + 31n,
        appealFrom: start + 32n,
        appealTo: start + 39n,
        finalFrom: start + 40n,
      });
      expect((await agreement.windowsOf(2n)).to).to.equal(start + 29n);
      await expect(agreement.windowsOf(3n))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_UnknownEpoch")
        .withArgs(3n, 3n);
      expect(await agreement.epochAt(start)).to.equal(0n);
      expect(await agreement.epochAt(start + 12n)).to.equal(1n);
      expect(await agreement.epochAt(start + 29n)).to.equal(2n);
      for (const block of [start - 1n, start + 30n]) {
        await expect(agreement.epochAt(block)).to.be.revertedWithCustomError(agreement, "WorkAgreement_OutsideWindow");
      }
    });

    it("should open an epoch from its third block to its last but one, once", async () => {
      const { market, client, stranger } = await networkHelpers.loadFixture(fixture);
      const agreement = await buy(market, client, { length: 36n });
      const windows = await agreement.windowsOf(1n);
      const tooEarly = async () => {
        await expect(agreement.openEpoch(1n)).to.be.revertedWithCustomError(agreement, "WorkAgreement_OutsideWindow");
      };
      await tooEarly();
      await mineTo(windows.commitFrom - 2n);
      await tooEarly();
      expect([...(await agreement.previewTesters(1n))]).to.deep.equal([]);
      await mineTo(windows.commitFrom - 1n);
      expect(await agreement.isOpen(1n)).to.equal(false);
      await agreement.connect(stranger).openEpoch(1n);
      expect(await agreement.isOpen(1n)).to.equal(true);
      expect([...(await agreement.testers())]).to.deep.equal([...(await agreement.testersOf(1n))]);
      expect([...(await agreement.previewTesters(1n))]).to.deep.equal([...(await agreement.testersOf(1n))]);
      await expect(agreement.openEpoch(1n))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_AlreadyOpen")
        .withArgs(1n);

      const last = await agreement.windowsOf(2n);
      await mineTo(last.commitTo);
      await expect(agreement.openEpoch(2n))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_OutsideWindow")
        .withArgs(last.commitFrom, last.commitTo, last.commitTo + 1n);
      await expect(agreement.openEpoch(3n)).to.be.revertedWithCustomError(agreement, "WorkAgreement_UnknownEpoch");
    });

    it("should open an epoch in the last block that takes commitments", async () => {
      const { market, client } = await networkHelpers.loadFixture(fixture);
      const agreement = await buy(market, client, { length: 12n });
      await mineTo((await agreement.windowsOf(0n)).commitTo - 1n);
      await agreement.openEpoch(0n);
      expect((await agreement.testersOf(0n)).length).to.equal(3);
    });

    it("should not open an epoch too short to be tested, and pay it", async () => {
      const { market, client, operators } = await networkHelpers.loadFixture(fixture);
      const agreement = await buy(market, client, { length: 15n });
      const windows = await agreement.windowsOf(1n);
      expect(windows.commitFrom > windows.commitTo).to.equal(true);
      await mineTo(windows.commitFrom - 1n);
      await expect(agreement.openEpoch(1n)).to.be.revertedWithCustomError(agreement, "WorkAgreement_OutsideWindow");
      await mineTo(windows.finalFrom);
      await agreement.settle(2n);
      expect(await creditsOf(agreement, operators)).to.deep.equal(Array(3).fill(15n * PRICE));
    });
  });

  describe("commit and reveal", () => {
    async function opened() {
      const base = await fixture();
      const agreement = await buy(base.market, base.client, { length: 24n });
      const windows = await agreement.windowsOf(0n);
      await networkHelpers.mineUpTo(windows.commitFrom - 1n);
      await agreement.openEpoch(0n);
      const [tester] = base.testers;
      if (!tester) throw new Error("no tester");
      return { ...base, agreement, windows, tester };
    }

    it("should take a commitment from a drawn tester once, and not in the last block", async () => {
      const { agreement, windows, tester, stranger, client } = await networkHelpers.loadFixture(opened);
      const own = agreement.connect(tester);
      for (const other of [stranger, client]) {
        await expect(agreement.connect(other).commit(0n, SALT))
          .to.be.revertedWithCustomError(agreement, "WorkAgreement_NotDrawn")
          .withArgs(0n, other.address);
      }
      await expect(own.commit(0n, ZeroHash)).to.be.revertedWithCustomError(agreement, "WorkAgreement_ZeroCommitment");
      await expect(own.commit(0n, SALT)).to.emit(agreement, "VerdictCommitted").withArgs(0n, tester.address, SALT);
      await expect(own.commit(0n, id("another")))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_AlreadyCommitted")
        .withArgs(0n, tester.address);
      await expect(own.commit(1n, SALT)).to.be.revertedWithCustomError(agreement, "WorkAgreement_OutsideWindow");
      await expect(own.commit(2n, SALT)).to.be.revertedWithCustomError(agreement, "WorkAgreement_UnknownEpoch");
      await mineTo(windows.commitTo);
      const [, second] = (await agreement.testersOf(0n)).map(async (address) => await ethers.getSigner(address));
      const late = await second;
      if (!late) throw new Error("no tester");
      await expect(agreement.connect(late).commit(0n, SALT))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_OutsideWindow")
        .withArgs(windows.commitFrom, windows.commitTo, windows.commitTo + 1n);
      const next = await agreement.windowsOf(1n);
      await mineTo(next.commitFrom - 1n);
      expect(await agreement.isOpen(1n)).to.equal(false);
      await expect(own.commit(1n, SALT)).to.emit(agreement, "EpochOpened").and.to.emit(agreement, "VerdictCommitted");
      expect(await agreement.isOpen(1n)).to.equal(true);
    });

    it("should reveal what was committed, in the reveal window, once", async () => {
      const { agreement, windows, tester, stranger, testers } = await networkHelpers.loadFixture(opened);
      const verdicts = [Ok, Wrong, Unreachable];
      await commitAs(agreement, 0n, tester, verdicts);
      const report = await seatReveal(agreement, 0n, tester, verdicts);
      await expect(agreement.reveal(0n, report)).to.be.revertedWithCustomError(
        agreement,
        "WorkAgreement_OutsideWindow",
      );
      await mineTo(windows.revealFrom - 1n);
      for (const wrong of [
        { verdicts: packVerdicts([Ok, Wrong, Ok]) },
        { evidenceCid: `${CID}x` },
        { salt: id("another salt") },
      ]) {
        await expect(agreement.reveal(0n, { ...report, ...wrong }))
          .to.be.revertedWithCustomError(agreement, "WorkAgreement_CommitmentMismatch")
          .withArgs(0n, tester.address);
      }
      // Verdicts of a fourth worker, and a number that is no verdict.
      for (const bad of [packVerdicts([Ok, Wrong, Unreachable, Wrong]), packVerdicts([Ok, 3n, Ok]), 2n ** 63n]) {
        await expect(agreement.reveal(0n, { ...report, verdicts: bad }))
          .to.be.revertedWithCustomError(agreement, "WorkAgreement_BadVerdicts")
          .withArgs(3n, bad);
      }
      await expect(agreement.reveal(0n, { ...report, evidenceCid: "b".repeat(129) }))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_CidTooLong")
        .withArgs(128n, 129n);
      await expect(agreement.reveal(0n, { ...report, seat: 3n }))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_BadSeat")
        .withArgs(0n, 3n);
      const silent = testers[1];
      if (!silent) throw new Error("no tester");
      await expect(
        agreement.reveal(0n, { ...report, seat: await seatOf(agreement, 0n, silent), tester: silent.address }),
      )
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_NothingToReveal")
        .withArgs(0n, silent.address);
      // Whoever knows the salt may bring it.
      await expect(agreement.connect(stranger).reveal(0n, report))
        .to.emit(agreement, "VerdictRevealed")
        .withArgs(0n, tester.address, packVerdicts(verdicts), CID, SALT);
      await expect(agreement.reveal(0n, report)).to.be.revertedWithCustomError(
        agreement,
        "WorkAgreement_NothingToReveal",
      );
      const seat = (await agreement.seatsOf(0n)).find((one) => one.tester === tester.address);
      expect(seat?.status).to.equal(2n);
      expect([...(seat?.verdicts ?? [])]).to.deep.equal(verdicts);
      expect((await agreement.seatsOf(0n)).filter((one) => one.status === 0n).length).to.equal(2);
    });

    it("should refuse a reveal that comes too late, and pay no fee for it", async () => {
      const { market, agreement, windows, tester, client } = await networkHelpers.loadFixture(opened);
      await commitAs(agreement, 0n, tester, [Ok, Ok, Ok]);
      await mineTo(windows.revealTo);
      await expect(agreement.reveal(0n, await seatReveal(agreement, 0n, tester, [Ok, Ok, Ok])))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_OutsideWindow")
        .withArgs(windows.revealFrom, windows.revealTo, windows.revealTo + 1n);
      await mineTo(windows.finalFrom);
      await agreement.settle(1n);
      expect(await feesOf(market, [tester])).to.deep.equal([0n]);
      expect(await agreement.creditOf(client.address)).to.equal(3n * FEE);
    });

    it("should not let a tester copy another's commitment and reveal it as its own", async () => {
      const { agreement, windows, testers } = await networkHelpers.loadFixture(opened);
      const [honest, copyist] = testers;
      if (!honest || !copyist) throw new Error("too few");
      const verdicts = [Ok, Ok, Ok];
      const commitment = await commitmentFor(agreement, 0n, honest, verdicts);
      await agreement.connect(honest).commit(0n, commitment);
      await agreement.connect(copyist).commit(0n, commitment);
      await mineTo(windows.revealFrom - 1n);
      await revealAs(agreement, 0n, honest, verdicts);
      await expect(revealAs(agreement, 0n, copyist, verdicts)).to.be.revertedWithCustomError(
        agreement,
        "WorkAgreement_CommitmentMismatch",
      );
      // Nor by naming the other as the one who reports.
      const copied = await seatReveal(agreement, 0n, honest, verdicts);
      const seat = await seatOf(agreement, 0n, copyist);
      await expect(agreement.connect(copyist).reveal(0n, { ...copied, seat }))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_CommitmentMismatch")
        .withArgs(0n, honest.address);
      await expect(agreement.connect(copyist).revealMany(0n, [], [{ ...copied, seat }]))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_CommitmentMismatch")
        .withArgs(0n, honest.address);
      expect((await agreement.tallyOf(0n)).reveals).to.equal(1n);
    });

    it("should refuse a number that is no verdict", async () => {
      const { agreement, windows, tester } = await networkHelpers.loadFixture(opened);
      await commitAs(agreement, 0n, tester, [Ok, Ok, 3n]);
      await mineTo(windows.revealFrom - 1n);
      await expect(revealAs(agreement, 0n, tester, [Ok, Ok, 3n]))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_BadVerdicts")
        .withArgs(3n, 3n << 4n);
    });
  });

  describe("binding a program", () => {
    it("should be done by the client, once, before the end", async () => {
      const { market, client, stranger } = await networkHelpers.loadFixture(fixture);
      const agreement = await buy(market, client, { length: 12n });
      const account = id("a smart account");
      await expect(agreement.connect(stranger).bindProgram(account))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_NotClient")
        .withArgs(client.address, stranger.address);
      await expect(agreement.connect(client).bindProgram(ZeroHash)).to.be.revertedWithCustomError(
        agreement,
        "WorkAgreement_ZeroProgram",
      );
      expect(await agreement.program()).to.equal(ZeroHash);
      await expect(agreement.connect(client).bindProgram(account)).to.emit(agreement, "ProgramBound").withArgs(account);
      expect(await agreement.program()).to.equal(account);
      await expect(agreement.connect(client).bindProgram(id("another")))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_AlreadyBound")
        .withArgs(account);
      const late = await buy(market, client, { length: 12n });
      await mineTo(await late.end());
      await expect(late.connect(client).bindProgram(account))
        .to.be.revertedWithCustomError(late, "WorkAgreement_Ended")
        .withArgs(await late.end());
    });
  });

  describe("money", () => {
    it("should refuse to settle nothing, and to withdraw nothing", async () => {
      const { market, client, stranger } = await networkHelpers.loadFixture(fixture);
      const agreement = await buy(market, client);
      await expect(agreement.settle(0n)).to.be.revertedWithCustomError(agreement, "WorkAgreement_NothingToSettle");
      expect(await agreement.settle.staticCall(5n)).to.equal(0n);
      await expect(agreement.connect(stranger).withdraw())
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_NothingToWithdraw")
        .withArgs(stranger.address);
    });

    it("should pay an epoch once however often it is settled, in steps", async () => {
      const { market, client, operators } = await networkHelpers.loadFixture(fixture);
      const agreement = await buy(market, client, { length: 36n });
      await mineTo((await agreement.windowsOf(2n)).finalFrom);
      const [operator] = operators;
      if (!operator) throw new Error("no operator");
      for (let settled = 1n; settled <= 3n; settled++) {
        await agreement.settle(1n);
        expect(await agreement.settledEpochs()).to.equal(settled);
        await expect(agreement.connect(operator).withdraw()).to.changeEtherBalances(
          ethers,
          [operator, agreement],
          [12n * PRICE, -12n * PRICE],
        );
        await expect(agreement.connect(operator).withdraw()).to.be.revertedWithCustomError(
          agreement,
          "WorkAgreement_NothingToWithdraw",
        );
      }
      await agreement.settle(1n);
      expect(await agreement.creditOf(operator.address)).to.equal(0n);
    });

    it("should not take ether that nobody owes it", async () => {
      const { market, client } = await networkHelpers.loadFixture(fixture);
      const agreement = await buy(market, client);
      for (const to of [market.dispatcher, market.testers, market.twins, market.records]) {
        await expect(client.sendTransaction({ to: await to.getAddress(), value: 1n })).to.be.revertedWithoutReason(
          ethers,
        );
      }
      await expect(client.sendTransaction({ to: await agreement.getAddress(), value: 1n }))
        .to.be.revertedWithCustomError(agreement, "WorkAgreement_NotDispatcher")
        .withArgs(client.address);
      await expect(client.sendTransaction({ to: await market.disputes.getAddress(), value: 1n }))
        .to.be.revertedWithCustomError(market.disputes, "Disputes_NotAnAgreement")
        .withArgs(client.address);
    });
  });

  describe("reputation", () => {
    it("should cap what one client's agreements can weigh", async () => {
      const market = await deployMarket(ethers, {}, {}, { clientWeightCap: 4n * FEE, priorWeight: FEE });
      const signers = await ethers.getSigners();
      const [client, other, operator, ...rest] = signers;
      if (!client || !other || !operator) throw new Error("too few accounts");
      await makeTwin(market, client);
      await makeTwin(market, other);
      const workerId = await makeWorker(market, operator);
      const testers = rest.slice(0, 3);
      for (const tester of testers) await makeTester(market, tester);
      const once = async (buyer: Signer, verdict: bigint) => {
        const agreement = await buy(market, buyer, { redundancy: 1n, length: 12n });
        await runEpoch(
          agreement,
          0n,
          testers.map((tester) => [tester, [verdict]] as const),
        );
        await mineTo((await agreement.windowsOf(0n)).finalFrom);
        await agreement.settle(1n);
        await agreement.finalize();
        const record = await market.records.recordOf(workerId);
        return [record.weightOk, record.weightTotal];
      };
      expect(await once(client, Ok)).to.deep.equal([3n * FEE, 3n * FEE]);
      expect(await once(client, Ok)).to.deep.equal([4n * FEE, 4n * FEE]);
      expect(await once(client, Ok)).to.deep.equal([4n * FEE, 4n * FEE]);
      expect(await market.dispatcher.reputationOf(workerId)).to.equal((5n * 10_000n) / 6n);
      expect(await once(other, Wrong)).to.deep.equal([4n * FEE, 7n * FEE]);
      expect((await market.records.recordOf(workerId)).epochsOk).to.equal(3n);
      expect((await market.records.recordOf(workerId)).epochsWrong).to.equal(1n);
    });

    it("should be written by the dispatcher's agreements only, once each", async () => {
      const { market, client, stranger } = await networkHelpers.loadFixture(fixture);
      const { dispatcher } = market;
      await expect(dispatcher.connect(stranger).report(1n, stranger.address, 12n, []))
        .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_NotAnAgreement")
        .withArgs(stranger.address);
      const agreement = await buy(market, client, { length: 12n });
      await mineTo((await agreement.windowsOf(0n)).finalFrom);
      await agreement.settle(1n);
      await agreement.finalize();
      await expect(agreement.finalize()).to.be.revertedWithCustomError(agreement, "WorkAgreement_AlreadyFinalized");
      // An agreement proves itself by its own number only.
      const address = await agreement.getAddress();
      await networkHelpers.impersonateAccount(address);
      await networkHelpers.setBalance(address, ETHER);
      const itself = dispatcher.connect(await ethers.getSigner(address));
      for (const number of [0n, 2n, 2n ** 32n - 1n]) {
        await expect(itself.report(number, client.address, 12n, []))
          .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_NotAnAgreement")
          .withArgs(address);
        await expect(itself.extendLocks(number, 12n, 24n, []))
          .to.be.revertedWithCustomError(dispatcher, "WorkerDispatcher_NotAnAgreement")
          .withArgs(address);
      }
      await networkHelpers.stopImpersonatingAccount(address);
    });

    it("should not take another's code for an agreement", async () => {
      const { market } = await networkHelpers.loadFixture(fixture);
      const code = await market.dispatcher.implementation();
      expect(await market.dispatcher.isAgreement(code)).to.equal(false);
      const implementation = await ethers.getContractAt("WorkAgreement", code);
      // The code behind the clones has no terms of its own: nothing can be done with it.
      await expect(implementation.openEpoch(0n)).to.be.revert(ethers);
      await expect(implementation.finalize()).to.be.revert(ethers);
    });
  });
});
