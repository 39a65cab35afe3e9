import { expect } from "chai";
import { id } from "ethers";
import { network } from "hardhat";

import { Cause, costOf, deploy, deployGrid, GRAIN, HOUR, LIMITS, RATE, report, State } from "../helpers/grid.ts";

const { ethers, networkHelpers } = await network.create();

/** Of the usual deployment: 2 compute units and half a storage unit. */
const NODE_RATE = (2n * 305_600n + 97_200n) * RATE;
const IP_RATE = 69_400n * RATE;

const standing = async () => await deployGrid(ethers, networkHelpers);

describe("GridContracts, a deployment", () => {
  it("is created, confirmed, reported and cancelled, and costs what it used to the second", async () => {
    const grid = await networkHelpers.loadFixture(standing);
    const contractId = await deploy(grid, 100n, { publicIps: 2n });
    await report(grid, 200n, contractId);
    await grid.at(300n);
    await grid.contracts.connect(grid.user).cancelContract(contractId);
    const cost = costOf(2n * IP_RATE, 200n) + costOf(NODE_RATE, 100n);
    const account = await grid.contracts.accountOf(grid.userTwinId);
    expect(account.balanceGrains).to.equal(10n ** 18n * GRAIN - cost);
    const view = await grid.contracts.contractOf(contractId);
    expect([view.state, view.cause, view.endsAt]).to.deep.equal([State.Deleted, Cause.ByUser, grid.start + 300n]);
    void id; void LIMITS; void HOUR;
  });
});
