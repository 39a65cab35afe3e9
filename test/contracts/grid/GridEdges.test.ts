import { expect } from "chai";
import { network } from "hardhat";

import { INTERVAL } from "../helpers/grid-registry.ts";
import {
  ANSWER,
  BALANCE,
  balanceOf,
  costOf,
  deploy,
  deployGrid,
  eventsIn,
  GRACE_SECONDS,
  GRAINS_PER_WEI,
  leave,
  mined,
  NODE_RATE,
  report,
} from "../helpers/grid.ts";

const { ethers, networkHelpers } = await network.create();

const MONTH = 30n * 24n * 3_600n;

const fixture = async () => await deployGrid(ethers, networkHelpers);

describe("GridContracts, at the edges", () => {
  it("bills the least rate that there is, takes it out again, and lets it lapse", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, user, userId } = grid;
    await deploy(grid, 0n);
    // A byte of SSD costs 2^-20 of 1e-7 USD an hour.
    const least = { cru: 0n, sru: 1n, hru: 0n, mru: 0n };
    await report(grid, 100n, 1n, least);
    expect((await contracts.contractOf(1n)).rate).to.equal(1n);
    await grid.lookAt(200n);
    expect((await contracts.contractOf(1n)).unsettledGrains).to.equal(costOf(1n, 100n));
    await report(grid, 300n, 1n, { ...least, sru: 0n });
    expect((await contracts.accountOf(userId)).nodeRate).to.equal(0n);
    await report(grid, 400n, 1n, least);
    await grid.lookAt(10n * INTERVAL);
    expect((await contracts.accountOf(userId)).nodeRate).to.equal(0n);
    await report(grid, 11n * INTERVAL, 1n, least);
    await contracts.connect(user).cancelContract(1n);
    expect((await contracts.accountOf(userId)).nodeRate).to.equal(0n);
  });

  it("bills the least charge for traffic that there is", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    await deploy(grid, 0n);
    // Of a byte in a hundred seconds.
    const receipt = await report(grid, 101n, 1n, { cru: 0n, sru: 0n, mru: 0n, nru: 1n });
    expect(eventsIn(grid, receipt, "ConsumptionReported")[0]?.["trafficGrains"]).to.equal(costOf(1n, 3_600n));
    expect(await balanceOf(grid)).to.equal(BALANCE * GRAINS_PER_WEI - costOf(1n, 3_600n));
  });

  it("keeps a discount for its interval when a report changes nothing, however low the balance falls", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, userId } = grid;
    await deploy(grid, 0n);
    await report(grid, 100n, 1n);
    // A minute more than one and a half months when the interval begins, and less ten minutes later.
    await leave(grid, 500n, (costOf(NODE_RATE, (3n * MONTH) / 2n + INTERVAL - 440n) + GRAINS_PER_WEI) / GRAINS_PER_WEI);
    await report(grid, INTERVAL + 600n, 1n);
    expect((await contracts.accountOf(userId)).discountPercent).to.equal(20n);
    await report(grid, 2n * INTERVAL + 10n, 1n);
    expect((await contracts.accountOf(userId)).discountPercent).to.equal(0n);
  });

  it("ends a balance at the prices of its own time, however much later it is settled", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, feed, prices, userId } = grid;
    await deploy(grid, 0n);
    await report(grid, 100n, 1n);
    await leave(grid, 200n, (costOf(NODE_RATE, 50n) + GRAINS_PER_WEI) / GRAINS_PER_WEI);
    // Twice the price after thirty seconds: what is left for twenty more pays ten.
    for (const [second, answer] of [
      [230n, ANSWER / 2n],
      [400n, ANSWER],
    ] as const) {
      await feed.setAnswer(answer, 0n);
      await grid.at(second);
      await prices.touch();
    }
    await grid.at(500n);
    await expect(contracts.settleUser(userId))
      .to.emit(contracts, "OutOfFunds")
      .withArgs(userId, grid.start + 240n, grid.start + 240n + GRACE_SECONDS);
  });

  it("settles what a contract earned once, whoever asks again", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts } = grid;
    await deploy(grid, 0n);
    await report(grid, 100n, 1n);
    await grid.at(600n);
    const first = await mined(contracts.settleContracts([1n]));
    await grid.at(700n);
    const second = await mined(contracts.settleContracts([1n, 1n]));
    expect([first, second].map((receipt) => eventsIn(grid, receipt, "ContractSettled"))).to.deep.equal([
      [{ contractId: 1n, grains: costOf(NODE_RATE, 500n) }],
      [{ contractId: 1n, grains: costOf(NODE_RATE, 100n) }],
    ]);
  });

  it("says nothing of a contract that has earned nothing", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, user } = grid;
    await deploy(grid, 0n);
    await grid.at(200n);
    const settled = await mined(contracts.settleContracts([1n]));
    const closed = await mined(contracts.connect(user).cancelContract(1n));
    for (const receipt of [settled, closed]) {
      expect(eventsIn(grid, receipt, "ContractSettled")).to.have.lengthOf(0);
      expect(eventsIn(grid, receipt, "RevenueShared")).to.have.lengthOf(0);
    }
  });

  it("rents a node to nobody when its rent contract is closed, whatever the first contract is", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, user, other } = grid;
    await contracts.connect(user).createNameContract("first");
    await contracts.connect(user).createRentContract(1n);
    await contracts.connect(user).cancelContract(2n);
    expect(await contracts.rentContractOf(1n)).to.equal(0n);
    await contracts.connect(other).createRentContract(1n);
    expect(await contracts.rentContractOf(1n)).to.equal(3n);
  });
});
