import { expect } from "chai";
import { id } from "ethers";
import { network } from "hardhat";

import { INTERVAL, PRICES, RESOURCES } from "../helpers/grid-registry.ts";
import {
  BALANCE,
  balanceOf,
  Cause,
  consumed,
  costOf,
  deploy,
  deployGrid,
  GRACE_SECONDS,
  GRAINS_PER_WEI,
  IP_RATE,
  leave,
  LIMITS,
  mined,
  NODE_RATE,
  RATE,
  report,
  State,
  stateOf,
} from "../helpers/grid.ts";

const { ethers, networkHelpers } = await network.create();

const fixture = async () => await deployGrid(ethers, networkHelpers);
const GIB = 2n ** 30n;
/** The node has 16 compute units; half off. */
const UNITS = 6n * RESOURCES.sru + RESOURCES.hru;
const RENT_RATE = (16n * PRICES.cu * RATE + (UNITS * PRICES.su * RATE) / (1_200n * GIB)) / 2n;

/** The user rents the node at second 0. */
async function rented() {
  const grid = await networkHelpers.loadFixture(fixture);
  await grid.at(0n);
  await grid.contracts.connect(grid.user).createRentContract(1n);
  return grid;
}

describe("GridContracts, rented nodes and names", () => {
  it("rents a whole node at the dedication discount, to the second", async () => {
    const grid = await rented();
    const { contracts, user } = grid;
    const { rate, state } = await contracts.contractOf(1n);
    expect(rate - RENT_RATE).to.be.within(0n, 1n);
    expect(state).to.equal(State.Deployed);
    expect(await contracts.rentContractOf(1n)).to.equal(1n);
    await grid.at(500n);
    await contracts.connect(user).cancelContract(1n);
    expect(await balanceOf(grid)).to.equal(BALANCE * GRAINS_PER_WEI - costOf(rate, 500n));
    expect(await contracts.rentContractOf(1n)).to.equal(0n);
  });

  it("refuses to rent a node twice, one with contracts, one that is not up, and without a twin or funds", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, registry, user, other, node, stranger } = grid;
    await deploy(grid, 0n);
    await expect(contracts.connect(other).createRentContract(1n))
      .to.be.revertedWithCustomError(contracts, "GridContracts_NodeInUse")
      .withArgs(1n, 1n);
    await contracts.connect(user).cancelContract(1n);
    await expect(contracts.connect(stranger).createRentContract(1n)).to.be.revertedWithCustomError(
      contracts,
      "GridContracts_NotATwin",
    );
    await registry.connect(node).setNodeStatus(1n, 1n);
    await expect(contracts.connect(other).createRentContract(1n)).to.be.revertedWithCustomError(
      registry,
      "GridRegistry_NodeNotUp",
    );
    await registry.connect(node).setNodeStatus(1n, 0n);
    await contracts.connect(other).withdraw(BALANCE);
    await expect(contracts.connect(other).createRentContract(1n)).to.be.revertedWithCustomError(
      contracts,
      "GridContracts_BalanceTooLow",
    );
    await contracts.connect(user).createRentContract(1n);
    await expect(contracts.connect(other).createRentContract(1n))
      .to.be.revertedWithCustomError(contracts, "GridContracts_NodeRented")
      .withArgs(1n, 2n);
  });

  it("lets nobody but the renter deploy on a rented node", async () => {
    const grid = await rented();
    await expect(grid.contracts.connect(grid.other).createContract(1n, id("a"), "0x", 0n, LIMITS))
      .to.be.revertedWithCustomError(grid.contracts, "GridContracts_NodeRented")
      .withArgs(1n, 1n);
    const contractId = await deploy(grid, 10n);
    expect((await grid.contracts.contractOf(contractId)).rentContractId).to.equal(1n);
  });

  it("bills contracts under a rent contract for IPs and traffic, not for resources", async () => {
    const grid = await rented();
    const { contracts, node } = grid;
    const contractId = await deploy(grid, 100n, { publicIps: 2n });
    await grid.at(200n);
    await contracts
      .connect(node)
      .addReports(1n, [consumed(grid, 200n, 1n), consumed(grid, 200n, contractId, { nru: 10n ** 6n })]);
    const { rate } = await contracts.contractOf(1n);
    const seconds = 99n;
    // nu x GB x window / 3600, rounded half up at 2^-20.
    const divisor = 10n ** 9n * 3_600n;
    const charge = (10n ** 6n * PRICES.nu * seconds * RATE + divisor / 2n) / divisor;
    await grid.lookAt(300n);
    const spent = costOf(rate, 300n) + costOf(2n * IP_RATE, 200n) + costOf(charge, 3_600n);
    expect(BALANCE * GRAINS_PER_WEI - (await balanceOf(grid))).to.equal(spent);
  });

  it("bills contracts as ordinary ones from the next report on when the rent ends", async () => {
    const grid = await rented();
    const { contracts, user } = grid;
    const contractId = await deploy(grid, 100n);
    await report(grid, 200n, contractId);
    const { rate } = await contracts.contractOf(1n);
    await grid.at(300n);
    await contracts.connect(user).cancelContract(1n);
    expect(await stateOf(grid, contractId)).to.deep.equal([State.Deployed, Cause.None]);
    await report(grid, 400n, contractId);
    await grid.lookAt(500n);
    const spent = costOf(rate, 300n) + costOf(NODE_RATE, 100n);
    expect(await balanceOf(grid)).to.equal(BALANCE * GRAINS_PER_WEI - spent);
  });

  it("costs no more than the node still has", async () => {
    const grid = await rented();
    const { contracts, registry, node } = grid;
    const half = { cru: 8n, sru: RESOURCES.sru / 2n, hru: RESOURCES.hru / 2n, mru: RESOURCES.mru / 2n };
    await registry.connect(node).updateNode(1n, half, 0n, "0x");
    const before = (await contracts.contractOf(1n)).rate;
    await report(grid, 100n, 1n);
    expect((await contracts.contractOf(1n)).rate).to.equal((before + 1n) / 2n);
  });

  it("lapses when the node does not report for it, and is over when the node retires", async () => {
    const grid = await rented();
    const { contracts, registry, node, other } = grid;
    expect((await contracts.contractOf(1n)).billedUntil).to.equal(grid.start + 3n * INTERVAL);
    await registry.connect(node).deleteNode(1n);
    await grid.lookAt(3n * INTERVAL);
    expect(await stateOf(grid, 1n)).to.deep.equal([State.Deleted, Cause.NodeRetired]);
    expect(await contracts.rentContractOf(1n)).to.equal(0n);
    await contracts.connect(other).close(1n);
  });

  it("takes a rent contract into grace with its node contracts, and both back", async () => {
    const grid = await rented();
    const { contracts, user, node } = grid;
    const contractId = await deploy(grid, 100n, { publicIps: 1n });
    await grid.at(200n);
    await mined(contracts.connect(node).addReports(1n, [consumed(grid, 200n, 1n), consumed(grid, 200n, contractId)]));
    await leave(grid, 300n, 0n);
    await grid.lookAt(400n);
    expect(await contracts.statesOf([1n, contractId])).to.deep.equal([State.GracePeriod, State.GracePeriod]);
    const { recoveryCost, graceUntil, fundedUntil } = await contracts.accountOf(grid.userId);
    expect(graceUntil).to.equal(fundedUntil + GRACE_SECONDS);
    await contracts.connect(user).deposit({ value: recoveryCost * 2n });
    expect(await contracts.statesOf([1n, contractId])).to.deep.equal([State.Deployed, State.Deployed]);
  });

  it("leaves a rented node to others when the renter's grace is over", async () => {
    const grid = await rented();
    const { contracts, other } = grid;
    const contractId = await deploy(grid, 100n);
    await leave(grid, 150n, 1n);
    await grid.lookAt(200n + GRACE_SECONDS);
    expect(await stateOf(grid, 1n)).to.deep.equal([State.Deleted, Cause.OutOfFunds]);
    await contracts.close(contractId);
    await contracts.connect(other).createRentContract(1n);
    // Late, and of no concern to the new one.
    await contracts.close(1n);
    expect(await contracts.rentContractOf(1n)).to.equal(3n);
  });

  it("takes names that are DNS labels, and no others", async () => {
    const { contracts, user } = await networkHelpers.loadFixture(fixture);
    const own = contracts.connect(user);
    for (const name of ["a", "0", "a-b", "x".repeat(63), "xn--80ak6aa92e"]) await own.createNameContract(name);
    for (const name of ["", "-a", "a-", "-", "A", "a.b", "a_b", "a b", "ä", "x".repeat(64), "a/", "a:", "a`", "a{"]) {
      await expect(own.createNameContract(name), name)
        .to.be.revertedWithCustomError(contracts, "GridContracts_BadName")
        .withArgs(name);
    }
  });

  it("gives a name to one user until its contract ends", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, user, other, node, stranger } = grid;
    await contracts.connect(user).createNameContract("sprf");
    expect((await contracts.contractOf(1n)).name).to.equal("sprf");
    await expect(contracts.connect(other).createNameContract("sprf"))
      .to.be.revertedWithCustomError(contracts, "GridContracts_NameTaken")
      .withArgs("sprf", 1n);
    for (const by of [other, node, stranger]) {
      await expect(contracts.connect(by).cancelContract(1n)).to.be.revertedWithCustomError(
        contracts,
        "GridContracts_NotYours",
      );
    }
    await expect(contracts.connect(user).updateContract(1n, "0x", id("a")))
      .to.be.revertedWithCustomError(contracts, "GridContracts_NoDeployment")
      .withArgs(1n);
    await expect(contracts.connect(node).confirmDeployment(1n)).to.be.revertedWithCustomError(
      contracts,
      "GridContracts_NoDeployment",
    );
    await contracts.connect(user).cancelContract(1n);
    expect(await contracts.contractOfName("sprf")).to.equal(0n);
    await contracts.connect(other).createNameContract("sprf");
    expect(await contracts.contractOfName("sprf")).to.equal(2n);
  });

  it("bills a name to the second, without a discount, to the treasury, until it is cancelled", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, user, treasury } = grid;
    await grid.at(0n);
    await contracts.connect(user).createNameContract("sprf");
    const second = 40n * 24n * 3_600n;
    await grid.at(second);
    await contracts.connect(user).cancelContract(1n);
    const cost = costOf(PRICES.uniqueName * RATE, second);
    expect(await balanceOf(grid)).to.equal(BALANCE * GRAINS_PER_WEI - cost);
    expect(await contracts.treasuryOf(treasury.address)).to.equal(cost - cost / 10n);
    expect(await contracts.unburnt()).to.equal(cost / 10n);
  });

  it("frees a name when the grace period is over, before anybody closes its contract", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, user, other } = grid;
    await grid.at(0n);
    await contracts.connect(user).createNameContract("sprf");
    await leave(grid, 50n, 0n);
    await grid.lookAt(100n);
    expect(await stateOf(grid, 1n)).to.deep.equal([State.GracePeriod, Cause.None]);
    await grid.at(100n + GRACE_SECONDS);
    await contracts.connect(other).createNameContract("sprf");
    await contracts.close(1n);
    expect(await contracts.contractOfName("sprf")).to.equal(2n);
    expect((await contracts.contractOf(1n)).cause).to.equal(Cause.OutOfFunds);
  });

  it("cancels a name in grace, and its part of the debt with it", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, user } = grid;
    await grid.at(0n);
    await contracts.connect(user).createNameContract("sprf");
    await leave(grid, 50n, 0n);
    await grid.at(1_000n);
    await contracts.connect(user).cancelContract(1n);
    expect((await contracts.accountOf(grid.userId)).recoveryCost).to.equal(0n);
    await contracts.connect(user).deposit({ value: 1n });
    expect((await contracts.accountOf(grid.userId)).isInGrace).to.equal(false);
  });
});
