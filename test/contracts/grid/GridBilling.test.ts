import { expect } from "chai";
import { network } from "hardhat";

import { INTERVAL, PRICES } from "../helpers/grid-registry.ts";
import {
  ANSWER,
  BALANCE,
  balanceOf,
  Cause,
  costOf,
  deploy,
  deployGrid,
  GRACE_SECONDS,
  GRACE_SHARE,
  GRAINS_PER_WEI,
  IP_RATE,
  leave,
  LIMITS,
  NODE_RATE,
  Outcome,
  RATE,
  report,
  State,
  stateOf,
} from "../helpers/grid.ts";

const { ethers, networkHelpers } = await network.create();

const DAY = 24n * 3_600n;
const MONTH = 30n * DAY;

const fixture = async () => await deployGrid(ethers, networkHelpers);

/** Wei that pays a rate for some seconds, rounded up. */
const weiFor = (rate: bigint, seconds: bigint) => (costOf(rate, seconds) + GRAINS_PER_WEI - 1n) / GRAINS_PER_WEI;

/** A deployment that runs at its limits from second 100 on, of a user who has some seconds left at `second`. */
async function running(seconds: bigint) {
  const grid = await networkHelpers.loadFixture(fixture);
  const contractId = await deploy(grid, 50n);
  await report(grid, 100n, contractId);
  // At a full price: the balance of the interval's start was too low for a discount.
  await leave(grid, 200n, weiFor(NODE_RATE, 3_700n));
  await leave(grid, INTERVAL + 100n, weiFor(NODE_RATE, seconds));
  return { grid, contractId, second: INTERVAL + 100n };
}

describe("GridContracts, money", () => {
  it("stops the bill when a node does not report for two whole intervals", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    await deploy(grid, 0n, { publicIps: 1n });
    await report(grid, 100n, 1n);
    await grid.lookAt(3n * INTERVAL);
    const there = await balanceOf(grid);
    await grid.lookAt(100n * INTERVAL);
    expect(await balanceOf(grid)).to.equal(there);
    const { state, billedUntil, unsettledGrains } = await grid.contracts.contractOf(1n);
    expect([state, billedUntil]).to.deep.equal([State.Deployed, 0n]);
    // What was earned until then stays to be claimed, but for what the report took.
    const first = costOf(IP_RATE, 100n);
    expect(unsettledGrains).to.equal(BALANCE * GRAINS_PER_WEI - there - first);
    await grid.at(200n * INTERVAL);
    await grid.contracts.settleContracts([1n]);
    const ofFarm = (grains: bigint) => grains - grains / 5n - grains / 10n;
    expect(await grid.contracts.revenueOf(1n)).to.equal(ofFarm(first) + ofFarm(unsettledGrains));
    // It goes on with the next report.
    await report(grid, 200n * INTERVAL + 10n, 1n);
    await grid.lookAt(200n * INTERVAL + 20n);
    expect(await balanceOf(grid)).to.equal(there - costOf(NODE_RATE + IP_RATE, 10n));
  });

  it("gives no discount before the next interval, and then the one that the balance deserves", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, user } = grid;
    await deploy(grid, 0n);
    await report(grid, 100n, 1n);
    for (const [months, percent] of [
      [14n, 0n],
      [16n, 20n],
      [31n, 30n],
      [61n, 40n],
      [181n, 60n],
    ] as const) {
      const now = BigInt(await networkHelpers.time.latest()) - grid.start;
      const next = (now / INTERVAL + 1n) * INTERVAL;
      const before = (await contracts.accountOf(grid.userId)).discountPercent;
      const wanted = weiFor(NODE_RATE, (MONTH * months) / 10n);
      const { balance } = await contracts.accountOf(grid.userId);
      if (wanted > balance) await contracts.connect(user).deposit({ value: wanted - balance });
      else await contracts.connect(user).withdraw(balance - wanted);
      expect((await contracts.accountOf(grid.userId)).discountPercent).to.equal(before);
      await report(grid, next + 1n, 1n);
      expect((await contracts.accountOf(grid.userId)).discountPercent, `${months} tenths of months`).to.equal(percent);
    }
  });

  it("gives nothing for a flash deposit: not before the next interval, and not after the withdrawal", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, user } = grid;
    await deploy(grid, 0n);
    await report(grid, 100n, 1n);
    await leave(grid, 500n, weiFor(NODE_RATE, 10n * DAY));
    const many = weiFor(NODE_RATE, 20n * MONTH);
    await grid.at(1_000n);
    await contracts.connect(user).deposit({ value: many });
    await contracts.settleUser(grid.userId);
    expect((await contracts.accountOf(grid.userId)).discountPercent).to.equal(0n);
    // It is there when the interval begins, and is taken out right after: what was cheaper is the time in between.
    await grid.at(INTERVAL + 10n);
    await contracts.connect(user).withdraw(many);
    expect((await contracts.accountOf(grid.userId)).discountPercent).to.equal(0n);
    const at = await balanceOf(grid);
    await grid.lookAt(INTERVAL + 110n);
    expect(await balanceOf(grid)).to.equal(at - costOf(NODE_RATE, 100n));
  });

  it("decides the discount by the price before the interval, whatever is seen in its first second", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, feed, userId } = grid;
    await deploy(grid, 0n);
    await report(grid, 100n, 1n);
    await leave(grid, 500n, weiFor(NODE_RATE, 2n * MONTH));
    await feed.setAnswer(ANSWER / 2n, 0n);
    await grid.at(INTERVAL);
    await contracts.settleUser(userId);
    expect((await contracts.accountOf(userId)).discountPercent).to.equal(20n);
  });

  it("lowers the discount at once when more runs", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts } = grid;
    await deploy(grid, 0n);
    await report(grid, 100n, 1n, { cru: 1n, sru: 0n, mru: 0n });
    // A core alone is a quarter of a compute unit.
    await leave(grid, 500n, weiFor(NODE_RATE, 2n * MONTH));
    await grid.lookAt(INTERVAL + 1n);
    expect((await contracts.accountOf(grid.userId)).discountPercent).to.equal(60n);
    await report(grid, INTERVAL + 10n, 1n);
    expect((await contracts.accountOf(grid.userId)).discountPercent).to.equal(20n);
    // And not raised when less does.
    await report(grid, INTERVAL + 20n, 1n, { cru: 1n, sru: 0n, mru: 0n });
    expect((await contracts.accountOf(grid.userId)).discountPercent).to.equal(20n);
  });

  it("follows the price of ether from the moment that somebody sees it", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, feed, userId } = grid;
    await deploy(grid, 0n);
    await report(grid, 100n, 1n);
    await feed.setAnswer(ANSWER / 2n, 0n);
    await grid.at(300n);
    await contracts.settleUser(userId);
    await feed.setAnswer(ANSWER * 2n, 0n);
    await grid.at(600n);
    await contracts.settleUser(userId);
    await grid.lookAt(1_000n);
    const spent =
      costOf(NODE_RATE, 200n) + costOf(NODE_RATE, 300n, 0n, ANSWER / 2n) + costOf(NODE_RATE, 400n, 0n, ANSWER * 2n);
    expect(await balanceOf(grid)).to.equal(BALANCE * GRAINS_PER_WEI - spent);
  });

  it("settles at the last good price while the feed is stale, zero, negative, or reverts", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, feed, prices, userId } = grid;
    await deploy(grid, 0n);
    await report(grid, 100n, 1n);
    const bad = [
      () => feed.setAnswer(ANSWER / 2n, 1n),
      () => feed.setAnswer(0n, 0n),
      () => feed.setAnswer(-ANSWER, 0n),
      () => feed.setMood(1n),
      () => feed.setMood(2n),
    ];
    for (const [index, spoil] of bad.entries()) {
      await spoil();
      await grid.at(200n + 100n * BigInt(index));
      await expect(contracts.settleUser(userId)).to.emit(prices, "StalePriceUsed");
    }
    await grid.lookAt(1_000n);
    expect(await balanceOf(grid)).to.equal(BALANCE * GRAINS_PER_WEI - costOf(NODE_RATE, 900n));
  });

  it("bills to the last second that the balance pays, whoever settles when", async () => {
    const { grid, contractId, second } = await running(50n);
    const { contracts, userId } = grid;
    expect((await contracts.accountOf(userId)).fundedUntil).to.equal(grid.start + second + 50n);
    await grid.lookAt(second + 50n);
    expect(await stateOf(grid, contractId)).to.deep.equal([State.Deployed, Cause.None]);
    await grid.at(second + 51n);
    await expect(contracts.settleUser(userId))
      .to.emit(contracts, "OutOfFunds")
      .withArgs(userId, grid.start + second + 50n, grid.start + second + 50n + GRACE_SECONDS);
    expect(await stateOf(grid, contractId)).to.deep.equal([State.GracePeriod, Cause.None]);
    // Less than a second is left, and stays the user's.
    expect(await balanceOf(grid)).to.be.lessThan(costOf(NODE_RATE, 1n));
  });

  it("refuses what begins in grace, and says what it takes to come back", async () => {
    const { grid, contractId, second } = await running(50n);
    const { contracts, user, node, userId } = grid;
    await grid.lookAt(second + 100n);
    const { recoveryCost, fundedUntil } = await contracts.accountOf(userId);
    for (const refused of [
      () => contracts.connect(user).createNameContract("a"),
      () => contracts.connect(user).createRentContract(1n),
      () => contracts.connect(user).createContract(1n, ethers.id("b"), "0x", 0n, LIMITS),
    ]) {
      await expect(refused()).to.be.revertedWithCustomError(contracts, "GridContracts_InGrace");
    }
    expect(fundedUntil).to.equal(grid.start + second + 50n);
    expect(recoveryCost).to.be.greaterThan(weiFor(NODE_RATE, 3_600n));
    // Updates cost nothing.
    await contracts.connect(user).updateContract(contractId, "0x", ethers.id("b"));
    await expect(contracts.connect(node).confirmDeployment(contractId)).to.be.revertedWithCustomError(
      contracts,
      "GridContracts_AlreadyConfirmed",
    );
  });

  it("refuses a confirmation in grace", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, node } = grid;
    await deploy(grid, 0n, { publicIps: 1n, isConfirmed: false });
    await leave(grid, 500n, 1n);
    await grid.lookAt(1_000n);
    await expect(contracts.connect(node).confirmDeployment(1n)).to.be.revertedWithCustomError(
      contracts,
      "GridContracts_InGrace",
    );
  });

  it("keeps what nodes report in grace at a share of its price, as a debt that comes first", async () => {
    const { grid, contractId, second } = await running(50n);
    const { contracts, user, userId } = grid;
    const dust = costOf(NODE_RATE, 0n);
    const kept = await report(grid, second + 200n, contractId, { nru: 10n ** 8n });
    expect(kept.logs).to.not.have.lengthOf(0);
    await grid.lookAt(second + 450n);
    // Half of 400 seconds and an hour of what runs, less what is left.
    const left = await balanceOf(grid);
    const debt = (costOf(NODE_RATE, 400n) * GRACE_SHARE) / 100n;
    const { recoveryCost } = await contracts.accountOf(userId);
    const missing = debt + costOf(NODE_RATE, 3_600n) - left - dust;
    expect(recoveryCost).to.equal((missing + GRAINS_PER_WEI - 1n) / GRAINS_PER_WEI);
    await grid.at(second + 450n + 1n);
    await contracts.connect(user).deposit({ value: recoveryCost });
    expect(await stateOf(grid, contractId)).to.deep.equal([State.GracePeriod, Cause.None]);
    await grid.at(second + 500n);
    const paid = (costOf(NODE_RATE, 450n) * GRACE_SHARE) / 100n;
    await expect(contracts.connect(user).deposit({ value: recoveryCost }))
      .to.emit(contracts, "Recovered")
      .withArgs(userId, paid);
    expect(await balanceOf(grid)).to.equal(left + 2n * recoveryCost * GRAINS_PER_WEI - paid);
    expect(await stateOf(grid, contractId)).to.deep.equal([State.Deployed, Cause.None]);
    // It costs all of its price again, without a report, and the contract has earned its share of the grace period.
    await grid.lookAt(second + 600n);
    expect(await balanceOf(grid)).to.equal(left + 2n * recoveryCost * GRAINS_PER_WEI - paid - costOf(NODE_RATE, 100n));
  });

  it("pays nothing for the grace period of a node that reports nothing", async () => {
    const { grid, contractId, second } = await running(50n);
    const { contracts, user, userId } = grid;
    await grid.lookAt(10n * INTERVAL);
    const lapsedAfter = 4n * INTERVAL - second - 50n;
    const debt = (costOf(NODE_RATE, lapsedAfter) * GRACE_SHARE) / 100n;
    await contracts.connect(user).deposit({ value: 10n ** 17n });
    const { isInGrace } = await contracts.accountOf(userId);
    expect(isInGrace).to.equal(false);
    const late = await report(grid, 11n * INTERVAL, contractId);
    expect(late.logs).to.not.have.lengthOf(0);
    // All that was ever billed: up to the depletion, and then the share until the rate lapsed.
    const billed = costOf(NODE_RATE, second + 50n - 100n) + debt;
    const { unsettledGrains } = await contracts.contractOf(contractId);
    expect(unsettledGrains).to.equal(0n);
    const shared = (await contracts.revenueOf(1n)) + (await contracts.treasuryOf(grid.treasury.address));
    expect(shared + (await contracts.unburnt())).to.be.at.most(billed);
  });

  it("does not bring a contract back that lapsed in grace before the user does", async () => {
    const { grid, contractId } = await running(50n);
    const receipt = await report(grid, 10n * INTERVAL, contractId);
    const [skipped] = receipt.logs
      .map((log) => grid.contracts.interface.parseLog(log))
      .filter((log) => log?.name === "ReportSkipped");
    expect(skipped?.args["outcome"]).to.equal(Outcome.OutOfFunds);
  });

  it("ends all contracts when the grace period ends unpaid, and the debt with them", async () => {
    const { grid, contractId, second } = await running(50n);
    const { contracts, user, userId } = grid;
    const ends = second + 50n + GRACE_SECONDS;
    await grid.lookAt(ends - 1n);
    expect(await stateOf(grid, contractId)).to.deep.equal([State.GracePeriod, Cause.None]);
    await grid.at(ends);
    await expect(contracts.settleUser(userId))
      .to.emit(contracts, "GraceEnded")
      .withArgs(userId, grid.start + ends);
    expect(await stateOf(grid, contractId)).to.deep.equal([State.Deleted, Cause.OutOfFunds]);
    expect((await contracts.contractOf(contractId)).endsAt).to.equal(grid.start + ends);
    const left = await balanceOf(grid);
    await contracts.connect(user).deposit({ value: 10n ** 17n });
    expect(await balanceOf(grid)).to.equal(left + 10n ** 17n * GRAINS_PER_WEI);
    // The farm has earned up to the depletion.
    await contracts.close(contractId);
    await contracts.connect(user).createNameContract("again");
    expect(await stateOf(grid, contractId + 1n)).to.deep.equal([State.Deployed, Cause.None]);
  });

  it("cancels in grace, and its part of the debt is not owed", async () => {
    const { grid, contractId, second } = await running(50n);
    const { contracts, user, userId } = grid;
    await grid.at(second + 500n);
    await contracts.connect(user).cancelContract(contractId);
    expect((await contracts.accountOf(userId)).recoveryCost).to.equal(0n);
    await contracts.connect(user).deposit({ value: 1n });
    expect((await contracts.accountOf(userId)).isInGrace).to.equal(false);
  });

  it("splits what is earned by the shares of the policy, to the grain, for each to take out", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, user, farmer, treasury, stranger } = grid;
    await deploy(grid, 0n);
    await report(grid, 100n, 1n);
    await grid.at(1_100n);
    await contracts.connect(user).cancelContract(1n);
    const cost = costOf(NODE_RATE, 1_000n);
    const [treasured, burnt] = [cost / 5n, cost / 10n];
    expect(await contracts.revenueOf(1n)).to.equal(cost - treasured - burnt);
    expect(await contracts.treasuryOf(treasury.address)).to.equal(treasured);
    expect(await contracts.unburnt()).to.equal(burnt);
    const wei = (grains: bigint) => grains / GRAINS_PER_WEI;
    await expect(contracts.connect(stranger).withdrawRevenue(1n)).to.changeEtherBalance(
      ethers,
      farmer,
      wei(cost - treasured - burnt),
    );
    await expect(contracts.connect(treasury).withdrawTreasury()).to.changeEtherBalance(
      ethers,
      treasury,
      wei(treasured),
    );
    await expect(contracts.connect(stranger).burn()).to.changeEtherBalance(ethers, contracts, -wei(burnt));
    for (const empty of [
      () => contracts.withdrawRevenue(1n),
      () => contracts.withdrawTreasury(),
      () => contracts.burn(),
      () => contracts.withdrawRevenue(7n),
    ]) {
      await expect(empty()).to.be.revertedWithCustomError(contracts, "GridContracts_NothingToWithdraw");
    }
    // What is less than a wei stays.
    expect(await contracts.revenueOf(1n)).to.equal((cost - treasured - burnt) % GRAINS_PER_WEI);
    expect(await contracts.treasuryOf(treasury.address)).to.equal(treasured % GRAINS_PER_WEI);
    expect(await contracts.unburnt()).to.equal(burnt % GRAINS_PER_WEI);
  });

  it("takes deposits of twins alone, and pays out no more than there is", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, user, stranger } = grid;
    await expect(contracts.connect(stranger).deposit({ value: 1n }))
      .to.be.revertedWithCustomError(contracts, "GridContracts_NotATwin")
      .withArgs(stranger.address);
    await expect(contracts.connect(stranger).withdraw(1n)).to.be.revertedWithCustomError(
      contracts,
      "GridContracts_NotATwin",
    );
    await expect(contracts.connect(user).withdraw(BALANCE + 1n))
      .to.be.revertedWithCustomError(contracts, "GridContracts_BalanceTooLow")
      .withArgs(BALANCE + 1n, BALANCE);
    await expect(contracts.connect(user).withdraw(BALANCE)).to.changeEtherBalance(ethers, user, BALANCE);
    const { fundedUntil, grainsPerSecond } = await contracts.accountOf(grid.userId);
    expect([fundedUntil, grainsPerSecond]).to.deep.equal([2n ** 40n - 1n, 0n]);
  });

  it("costs what the recorded figures say, to the unit of 1e-7 USD", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    await deploy(grid, 0n, { publicIps: 1n });
    await report(grid, 2n, 1n);
    await grid.lookAt(3_600n);
    // 2 compute units and half a storage unit for 3,598 seconds, and an IP for an hour.
    const units = (2n * PRICES.cu + PRICES.su / 2n) * 3_598n + PRICES.ipu * 3_600n;
    const spent = BALANCE * GRAINS_PER_WEI - (await balanceOf(grid));
    const unit = costOf(RATE, 3_600n);
    expect((spent + unit / 2n) / unit).to.equal((units + 1_800n) / 3_600n);
  });
});
