import { expect } from "chai";
import { network } from "hardhat";

import { INTERVAL, makeNode, PRICES } from "../helpers/grid-registry.ts";
import {
  BALANCE,
  balanceOf,
  consumed,
  type Consumed,
  costOf,
  deploy,
  deployGrid,
  eventsIn,
  GRAINS_PER_WEI,
  type Grid,
  leave,
  LIMITS,
  mined,
  NODE_RATE,
  Outcome,
  RATE,
  report,
} from "../helpers/grid.ts";

const { ethers, networkHelpers } = await network.create();

const MAX_UINT64 = 2n ** 64n - 1n;

const fixture = async () => await deployGrid(ethers, networkHelpers);

/** The outcomes of reports that do not count, by contract. */
async function skippedOf(grid: Grid, second: bigint, reports: readonly Consumed[]): Promise<unknown[][]> {
  await grid.at(second);
  const receipt = await mined(grid.contracts.connect(grid.node).addReports(1n, [...reports]));
  return eventsIn(grid, receipt, "ReportSkipped").map((event) => [event["contractId"], event["outcome"]]);
}

/** What traffic costs, in 2^-20 of 1e-7 USD. */
function charged(nru: bigint, window: bigint): bigint {
  const divisor = 10n ** 9n * 3_600n;
  return (nru * PRICES.nu * window * RATE + divisor / 2n) / divisor;
}

describe("GridContracts, reports", () => {
  it("takes each report of a batch by itself", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, node, other, registry, twins } = grid;
    await deploy(grid, 0n);
    await deploy(grid, 10n, { label: "unconfirmed", isConfirmed: false });
    await deploy(grid, 20n, { label: "cancelled" });
    await contracts.connect(grid.user).cancelContract(3n);
    await contracts.connect(grid.user).createNameContract("name");
    await makeNode({ registry, twins }, grid.farmer, other, 1n);
    await contracts.connect(grid.user).createContract(2n, ethers.id("elsewhere"), "0x", 0n, LIMITS);
    const skipped = await skippedOf(grid, 100n, [
      consumed(grid, 90n, 99n),
      consumed(grid, 90n, 5n),
      consumed(grid, 90n, 4n),
      consumed(grid, 90n, 0n),
      consumed(grid, 90n, 2n),
      consumed(grid, 90n, 3n),
      consumed(grid, 1n, 1n),
      consumed(grid, 101n, 1n),
      consumed(grid, 0n, 1n, { timestamp: MAX_UINT64 }),
      consumed(grid, 100n, 1n),
      consumed(grid, 100n, 1n),
      consumed(grid, 99n, 1n),
    ]);
    expect(skipped).to.deep.equal([
      [99n, Outcome.Foreign],
      [5n, Outcome.Foreign],
      [4n, Outcome.Foreign],
      [0n, Outcome.Foreign],
      [2n, Outcome.NotDeployed],
      [3n, Outcome.Over],
      [1n, Outcome.NotNewer],
      [1n, Outcome.FromTheFuture],
      [1n, Outcome.FromTheFuture],
      [1n, Outcome.NotNewer],
      [1n, Outcome.NotNewer],
    ]);
    const { rate, reportedAt } = await contracts.contractOf(1n);
    expect([rate, reportedAt]).to.deep.equal([NODE_RATE, grid.start + 100n]);
    expect(await contracts.connect(node).contractCount()).to.equal(5n);
  });

  it("skips contracts that expired, whose node retired, or whose user's grace ended", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, registry, node, user } = grid;
    await deploy(grid, 0n, { isConfirmed: false });
    await deploy(grid, 10n, { label: "b" });
    expect(await skippedOf(grid, 2n * INTERVAL, [consumed(grid, 100n, 1n)])).to.deep.equal([[1n, Outcome.Over]]);
    await report(grid, 2n * INTERVAL + 10n, 2n);
    await leave(grid, 2n * INTERVAL + 20n, 0n);
    const late = 500n * INTERVAL;
    expect(await skippedOf(grid, late, [consumed(grid, late, 2n)])).to.deep.equal([[2n, Outcome.Over]]);
    await contracts.connect(user).deposit({ value: BALANCE });
    await deploy(grid, late + 100n, { label: "c" });
    await registry.connect(node).deleteNode(1n);
    const retired = late + 3n * INTERVAL;
    expect(await skippedOf(grid, retired, [consumed(grid, retired, 3n)])).to.deep.equal([[3n, Outcome.Over]]);
  });

  it("takes reports of the node alone, and 1,000 at most", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, user, node, registry } = grid;
    await deploy(grid, 0n);
    await expect(contracts.connect(user).addReports(1n, [consumed(grid, 10n, 1n)]))
      .to.be.revertedWithCustomError(contracts, "GridContracts_NotTheNode")
      .withArgs(1n, node.address, user.address);
    await expect(contracts.connect(node).addReports(2n, [])).to.be.revertedWithCustomError(
      registry,
      "GridRegistry_UnknownNode",
    );
    const many = Array.from({ length: 1_000 }, () => consumed(grid, 100n, 1n));
    await expect(contracts.connect(node).addReports(1n, [...many, consumed(grid, 100n, 1n)]))
      .to.be.revertedWithCustomError(contracts, "GridContracts_TooManyReports")
      .withArgs(1_000n, 1_001n);
    // One of them counts.
    expect(await skippedOf(grid, 200n, many)).to.have.lengthOf(999);
  });

  it("bills what was reported up to the limits, and says when it was more", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    await deploy(grid, 0n);
    const absurd = { cru: MAX_UINT64, sru: MAX_UINT64, hru: MAX_UINT64, mru: MAX_UINT64, nru: MAX_UINT64 };
    const receipt = await report(grid, 101n, 1n, absurd);
    expect(eventsIn(grid, receipt, "ConsumptionClipped")).to.have.lengthOf(1);
    const most = (LIMITS.nruPerHour * 100n) / 3_600n;
    const traffic = costOf(charged(most, 100n), 3_600n);
    expect(eventsIn(grid, receipt, "ConsumptionReported")).to.deep.equal([
      { contractId: 1n, timestamp: grid.start + 101n, rate: NODE_RATE, grains: 0n, trafficGrains: traffic },
    ]);
    expect(await balanceOf(grid)).to.equal(BALANCE * GRAINS_PER_WEI - traffic);
  });

  for (const [figure, over] of Object.entries({
    cru: { cru: LIMITS.resources.cru + 1n },
    sru: { sru: LIMITS.resources.sru + 1n },
    hru: { hru: 1n },
    mru: { mru: LIMITS.resources.mru + 1n },
    nru: { nru: (LIMITS.nruPerHour * 100n) / 3_600n + 1n },
  })) {
    it(`says so when ${figure} alone is over its limit, and not when it is at it`, async () => {
      const grid = await networkHelpers.loadFixture(fixture);
      await deploy(grid, 0n);
      const at = await report(grid, 101n, 1n, { nru: (LIMITS.nruPerHour * 100n) / 3_600n });
      expect(eventsIn(grid, at, "ConsumptionClipped")).to.have.lengthOf(0);
      const receipt = await report(grid, 201n, 1n, over);
      expect(eventsIn(grid, receipt, "ConsumptionClipped")).to.have.lengthOf(1);
    });
  }

  it("bills the traffic of three intervals at most, however long the node was silent", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    await deploy(grid, 0n);
    const receipt = await report(grid, 50n * INTERVAL, 1n, { nru: MAX_UINT64 });
    const window = 3n * INTERVAL;
    const traffic = costOf(charged((LIMITS.nruPerHour * window) / 3_600n, window), 3_600n);
    expect(eventsIn(grid, receipt, "ConsumptionReported")[0]?.["trafficGrains"]).to.equal(traffic);
  });

  it("takes no more for traffic than there is", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, user } = grid;
    await deploy(grid, 0n);
    await contracts.connect(user).withdraw((await contracts.accountOf(grid.userId)).balance - 10n);
    const receipt = await report(grid, 1_001n, 1n, { nru: MAX_UINT64, cru: 0n, sru: 0n, mru: 0n });
    expect(eventsIn(grid, receipt, "ConsumptionReported")[0]?.["trafficGrains"]).to.equal(10n * GRAINS_PER_WEI);
    expect(await balanceOf(grid)).to.equal(0n);
  });

  it("bills at the policy of the contract's creation, whatever the farm sells by now", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { registry, farmer, treasury, contracts } = grid;
    await deploy(grid, 0n);
    await registry.createPricingPolicy({
      prices: { ...PRICES, cu: PRICES.cu * 10n },
      shares: { farm: 0n, treasury: 10_000n, burn: 0n },
      treasury: treasury.address,
    });
    await registry.connect(farmer).setPricingPolicy(1n, 2n);
    await networkHelpers.time.increase(2n * INTERVAL);
    await contracts.connect(grid.user).createContract(1n, ethers.id("new"), "0x", 0n, LIMITS);
    await contracts.connect(grid.node).confirmDeployment(2n);
    const second = 3n * INTERVAL;
    await grid.at(second);
    await mined(
      contracts
        .connect(grid.node)
        .addReports(1n, [consumed(grid, second, 1n), consumed(grid, second, 2n), consumed(grid, second, 3n)]),
    );
    const [first, other] = [await contracts.contractOf(1n), await contracts.contractOf(2n)];
    expect(first.rate).to.equal(NODE_RATE);
    expect(other.rate).to.equal((20n * PRICES.cu + PRICES.su / 2n) * RATE);
    // What each earns is shared by its own policy.
    await grid.at(second + 100n);
    const receipt = await mined(
      contracts
        .connect(grid.node)
        .addReports(1n, [consumed(grid, second + 100n, 1n), consumed(grid, second + 100n, 2n)]),
    );
    expect(
      eventsIn(grid, receipt, "RevenueShared").map(({ pricingPolicyId, farmGrains }) => [
        pricingPolicyId,
        farmGrains !== 0n,
      ]),
    ).to.deep.equal([
      [1n, true],
      [2n, false],
    ]);
  });

  it("bills users of one batch each from its own balance", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, node, other } = grid;
    await deploy(grid, 0n);
    await deploy(grid, 10n, { by: other });
    await grid.at(100n);
    await mined(
      contracts
        .connect(node)
        .addReports(1n, [
          consumed(grid, 100n, 1n),
          consumed(grid, 100n, 2n, { cru: 0n, sru: 0n, mru: 0n }),
          consumed(grid, 100n, 1n),
        ]),
    );
    await grid.lookAt(200n);
    expect(await balanceOf(grid)).to.equal(BALANCE * GRAINS_PER_WEI - costOf(NODE_RATE, 100n));
    expect((await contracts.accountOf(grid.otherId)).balance).to.equal(BALANCE);
  });

  it("says once that a user is out of funds, though nothing else changes by the reports that come by it", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const contractId = await deploy(grid, 0n);
    await report(grid, 100n, contractId);
    await leave(grid, 200n, 1n);
    const said: number[] = [];
    for (const second of [300n, 400n]) {
      const receipt = await report(grid, second, contractId);
      said.push(eventsIn(grid, receipt, "OutOfFunds").length);
      expect(eventsIn(grid, receipt, "ReportSkipped").map(({ outcome }) => outcome)).to.deep.equal([Outcome.Kept]);
    }
    expect(said).to.deep.equal([1, 0]);
  });
});
