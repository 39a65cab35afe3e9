import { expect } from "chai";
import fc from "fast-check";
import { network } from "hardhat";

import { ETHER, GWEI, plain, REPUTATION_SETTINGS } from "../helpers/market.ts";

const { ethers, networkHelpers } = await network.create();

const REPORT = {
  workerId: 1n,
  pricePerBlock: 1n,
  epochsOk: 0n,
  epochsUnreachable: 0n,
  epochsWrong: 0n,
  completed: true,
  weightOk: 0n,
  weightTotal: 0n,
  clientLoss: 0n,
};

/** Records whose dispatcher is an account of the test. */
async function fixture() {
  const [dispatcher, client, other, stranger] = await ethers.getSigners();
  if (!dispatcher || !client || !other || !stranger) throw new Error("the network has too few accounts");
  const settings = { clientWeightCap: 100n * GWEI, priorWeight: 10n * GWEI };
  const records = await ethers.deployContract("WorkerRecords", [settings]);
  await records.connect(dispatcher).attachDispatcher();
  return { records: records.connect(dispatcher), settings, dispatcher, client, other, stranger };
}

describe("WorkerRecords", () => {
  it("should be written by one dispatcher, attached once", async () => {
    const { records, dispatcher, client, stranger, settings } = await networkHelpers.loadFixture(fixture);
    await expect(records.connect(stranger).attachDispatcher())
      .to.be.revertedWithCustomError(records, "WorkerRecords_AlreadyAttached")
      .withArgs(dispatcher.address);
    for (const caller of [stranger, client]) {
      await expect(records.connect(caller).add(client, REPORT, 0n))
        .to.be.revertedWithCustomError(records, "WorkerRecords_NotDispatcher")
        .withArgs(caller.address);
    }
    expect(plain(await records.settings())).to.deep.equal(settings);
  });

  it("should take settings at their bounds", async () => {
    for (const amount of [GWEI, 1_000_000n * ETHER]) {
      const settings = { clientWeightCap: amount, priorWeight: amount };
      const records = await ethers.deployContract("WorkerRecords", [settings]);
      expect(plain(await records.settings())).to.deep.equal(settings);
    }
  });

  it("should refuse settings out of bounds", async () => {
    const { records } = await networkHelpers.loadFixture(fixture);
    for (const fault of [
      { clientWeightCap: GWEI - 1n },
      { priorWeight: 0n },
      { clientWeightCap: 1_000_000n * ETHER + 1n },
      { priorWeight: 1_000_000n * ETHER + 1n },
    ]) {
      await expect(
        ethers.deployContract("WorkerRecords", [{ ...REPUTATION_SETTINGS, ...fault }]),
      ).to.be.revertedWithCustomError(records, "WorkerRecords_BadSetting");
    }
  });

  it("should know nothing at first: half a reputation, no down time", async () => {
    const { records } = await networkHelpers.loadFixture(fixture);
    expect(await records.reputationOf(1n)).to.equal(5_000n);
    expect(await records.uptimeOf(1n)).to.equal(10_000n);
  });

  it("should count, weigh and smooth as it says", async () => {
    const { records, client, other } = await networkHelpers.loadFixture(fixture);
    const good = { ...REPORT, epochsOk: 3n, epochsUnreachable: 1n, weightOk: 45n * GWEI, weightTotal: 60n * GWEI };
    await expect(records.add(client, good, 7n))
      .to.emit(records, "RecordAdded")
      .withArgs(1n, client.address, 45n * GWEI, 60n * GWEI);
    expect(await records.reputationOf(1n)).to.equal(((45n + 10n) * 10_000n) / (60n + 20n));
    expect(await records.uptimeOf(1n)).to.equal(7_500n);
    // Of the next 60 gwei, 40 fit under the client's cap; good and bad are cut alike.
    const bad = {
      ...REPORT,
      epochsOk: 1n,
      epochsWrong: 2n,
      completed: false,
      weightOk: 20n * GWEI,
      weightTotal: 60n * GWEI,
    };
    await expect(records.add(client, bad, ETHER))
      .to.emit(records, "RecordAdded")
      .withArgs(1n, client.address, (13_333_333_333n / GWEI) * GWEI, 40n * GWEI);
    await expect(records.add(client, good, 0n))
      .to.emit(records, "RecordAdded")
      .withArgs(1n, client.address, 0n, 0n);
    await expect(records.add(other, good, 0n))
      .to.emit(records, "RecordAdded")
      .withArgs(1n, other.address, 45n * GWEI, 60n * GWEI);
    expect(plain(await records.recordOf(1n))).to.deep.equal({
      epochsOk: 10n,
      epochsUnreachable: 3n,
      epochsWrong: 2n,
      agreementsCompleted: 3n,
      slashed: ETHER + 7n,
      weightOk: (45n + 13n + 45n) * GWEI,
      weightTotal: 160n * GWEI,
    });
    expect(await records.reputationOf(1n)).to.equal(((103n + 10n) * 10_000n) / (160n + 20n));
  });

  it("should keep the weights of workers apart, who share a slot of storage by fours", async () => {
    const { records, settings } = await networkHelpers.loadFixture(fixture);
    const cap = settings.clientWeightCap / GWEI;
    const clients = (await ethers.getSigners()).slice(4, 7);
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            workerId: fc.bigInt({ min: 1n, max: 9n }),
            client: fc.integer({ min: 0, max: 2 }),
            total: fc.bigInt({ min: 0n, max: 150n * GWEI }),
            okShare: fc.bigInt({ min: 0n, max: 1_000n }),
          }),
          { maxLength: 12 },
        ),
        async (reports) => {
          const snapshot = await networkHelpers.takeSnapshot();
          const spent = new Map<string, bigint>();
          const sums = new Map<bigint, { ok: bigint; total: bigint }>();
          for (const { workerId, client, total, okShare } of reports) {
            const weightOk = (total * okShare) / 1_000n;
            const account = clients[client];
            if (!account) throw new Error("no client");
            await records.add(account, { ...REPORT, workerId, weightOk, weightTotal: total }, 0n);
            const key = `${client}/${workerId}`;
            const left = cap - (spent.get(key) ?? 0n);
            const used = total / GWEI < left ? total / GWEI : left;
            spent.set(key, cap - left + used);
            const sum = sums.get(workerId) ?? { ok: 0n, total: 0n };
            const ok = used === 0n ? 0n : (weightOk * used) / total;
            sums.set(workerId, { ok: sum.ok + ok, total: sum.total + used });
          }
          for (let workerId = 1n; workerId <= 9n; workerId++) {
            const expected = sums.get(workerId) ?? { ok: 0n, total: 0n };
            const record = await records.recordOf(workerId);
            expect([record.weightOk, record.weightTotal]).to.deep.equal([expected.ok * GWEI, expected.total * GWEI]);
            const reputation = await records.reputationOf(workerId);
            expect(reputation).to.equal(((expected.ok + 10n) * 10_000n) / (expected.total + 20n));
          }
          await snapshot.restore();
        },
      ),
      { numRuns: 15 },
    );
  });
});
