import { expect } from "chai";
import { network } from "hardhat";

import Channels from "../../ignition/modules/Channels.ts";
import { DEFAULT_UNBONDING_SECONDS } from "../../src/devnet/channel-settings.ts";

const { ethers, ignition } = await network.create();

describe("ignition/modules Channels", function () {
  this.timeout(120_000);

  it("should deploy a hub and the pool that belongs to it", async () => {
    const deployed = await ignition.deploy(Channels);
    const hub = await ethers.getContractAt("ChannelHub", await deployed.hub.getAddress());
    const pool = await ethers.getContractAt("StakingPool", await deployed.pool.getAddress());
    expect(await hub.pool()).to.equal(await pool.getAddress());
    expect(await pool.hub()).to.equal(await hub.getAddress());
    expect(await pool.unbondingSeconds()).to.equal(DEFAULT_UNBONDING_SECONDS);
  });

  it("should take another time as a parameter", async () => {
    const parameters = { Channels: { unbondingSeconds: 60n } };
    const { pool } = await ignition.deploy(Channels, { parameters });
    const deployed = await ethers.getContractAt("StakingPool", await pool.getAddress());
    expect(await deployed.unbondingSeconds()).to.equal(60n);
  });
});
