import { expect } from "chai";
import { Interface, ZeroAddress } from "ethers";
import { network } from "hardhat";

import { createChannel, deployHub, join, peerAt, settle, STAKE, UNBONDING_SECONDS } from "../helpers/channels.ts";

const { ethers, networkHelpers } = await network.create();

const ETHER_ERRORS = new Interface(["error Ether_TransferFailed(address account, uint256 amount)"]);
const YEAR_SECONDS = 365n * 24n * 3_600n;

async function fixture() {
  const base = await deployHub(ethers, 3);
  const peer = peerAt(base, 0);
  await base.pool.connect(peer.account).deposit(peer.account.address, { value: 3n * STAKE });
  return { ...base, peer };
}

describe("StakingPool", () => {
  it("belongs to the first hub that takes it, and to no other", async () => {
    const { hub, pool, stranger } = await networkHelpers.loadFixture(fixture);
    expect(await pool.hub()).to.equal(await hub.getAddress());
    expect(await hub.pool()).to.equal(await pool.getAddress());
    await expect(pool.attachHub())
      .to.be.revertedWithCustomError(pool, "StakingPool_AlreadyAttached")
      .withArgs(await hub.getAddress());
    for (const call of [
      () => pool.connect(stranger).reserve(stranger, 1n, 0n),
      () => pool.connect(stranger).release(stranger, 1n),
      () => pool.connect(stranger).slash(stranger, 1n, 1n, stranger),
    ]) {
      await expect(call())
        .to.be.revertedWithCustomError(pool, "StakingPool_NotTheHub")
        .withArgs(await hub.getAddress(), stranger.address);
    }
  });

  it("refuses an unbonding of nothing or over a year", async () => {
    const { pool } = await networkHelpers.loadFixture(fixture);
    const factory = await ethers.getContractFactory("StakingPool");
    for (const seconds of [0n, YEAR_SECONDS + 1n]) {
      await expect(factory.deploy(seconds))
        .to.be.revertedWithCustomError(pool, "StakingPool_BadUnbonding")
        .withArgs(1n, YEAR_SECONDS, seconds);
    }
    expect(await pool.unbondingSeconds()).to.equal(UNBONDING_SECONDS);
  });

  it("pays out what is free, after the time that this takes, to any account", async () => {
    const { pool, peer, stranger } = await networkHelpers.loadFixture(fixture);
    const own = pool.connect(peer.account);
    await expect(own.withdraw(stranger))
      .to.be.revertedWithCustomError(pool, "StakingPool_NothingToWithdraw")
      .withArgs(peer.account.address);
    await own.unbond(STAKE);
    await networkHelpers.time.increase(UNBONDING_SECONDS - 10n);
    await own.unbond(STAKE);
    const [amount, until] = await pool.unbondingOf(peer.account);
    expect([amount, await pool.freeOf(peer.account)]).to.deep.equal([2n * STAKE, STAKE]);
    await expect(own.unbond(STAKE + 1n))
      .to.be.revertedWithCustomError(pool, "StakingPool_TooLittleFree")
      .withArgs(peer.account.address, STAKE, STAKE + 1n);
    await networkHelpers.time.setNextBlockTimestamp(until - 1n);
    await expect(own.withdraw(stranger))
      .to.be.revertedWithCustomError(pool, "StakingPool_StillUnbonding")
      .withArgs(peer.account.address, until);
    await networkHelpers.time.setNextBlockTimestamp(until);
    await expect(own.withdraw(stranger)).to.changeEtherBalances(ethers, [pool, stranger], [-2n * STAKE, 2n * STAKE]);
  });

  it("says when the receiver refuses, and keeps what it could not pay", async () => {
    const { pool, peer, hub } = await networkHelpers.loadFixture(fixture);
    await pool.connect(peer.account).unbond(STAKE);
    await networkHelpers.time.increase(UNBONDING_SECONDS);
    await expect(pool.connect(peer.account).withdraw(hub))
      .to.be.revertedWithCustomError({ interface: ETHER_ERRORS }, "Ether_TransferFailed")
      .withArgs(await hub.getAddress(), STAKE);
    expect((await pool.unbondingOf(peer.account))[0]).to.equal(STAKE);
  });

  it("reserves for each channel what its stake is, no more than is free, and frees it when the member is out", async () => {
    const base = await networkHelpers.loadFixture(fixture);
    const { pool, peer } = base;
    const consent = { stakeSource: await pool.getAddress() };
    const first = await createChannel(base, { stakeWei: STAKE });
    const second = await createChannel(base, { stakeWei: STAKE });
    const third = await createChannel(base, { stakeWei: STAKE });
    await join(first, peer, { consent });
    await join(second, peer, { consent });
    expect(await pool.reservedOf(peer.account)).to.equal(2n * STAKE);
    expect(await pool.reservationOf(peer.account, first.channel)).to.equal(STAKE);
    expect((await base.hub.memberOf(first.channel, peer.account)).stakeSource).to.equal(await pool.getAddress());
    await pool.connect(peer.account).unbond(1n);
    await expect(join(third, peer, { consent }))
      .to.be.revertedWithCustomError(pool, "StakingPool_TooLittleFree")
      .withArgs(peer.account.address, STAKE - 1n, STAKE);

    await base.hub.connect(peer.account).requestExit(first.channel);
    await expect(settle(first, [peer]))
      .to.emit(pool, "Released")
      .withArgs(peer.account.address, first.channel, STAKE);
    expect(await pool.reservationOf(peer.account, first.channel)).to.equal(0n);
    expect(await pool.reservedOf(peer.account)).to.equal(STAKE);
    expect(await pool.freeOf(peer.account)).to.equal(2n * STAKE - 1n);
    await join(first, peer, { consent: { ...consent, deadline: 2n ** 41n } });
    expect(await pool.reservationOf(peer.account, first.channel)).to.equal(STAKE);
  });

  it("reserves nothing where nothing is staked", async () => {
    const base = await networkHelpers.loadFixture(fixture);
    const made = await createChannel(base);
    await join(made, base.peer, { consent: { stakeSource: await base.pool.getAddress() } });
    expect(await base.pool.reservedOf(base.peer.account)).to.equal(0n);
    expect((await base.hub.memberOf(made.channel, base.peer.account)).stakeSource).to.equal(ZeroAddress);
  });

  describe("a hub of its own", () => {
    it("is not paid more than was reserved, and reserves once", async () => {
      const { peer, stranger } = await networkHelpers.loadFixture(fixture);
      const pool = await ethers.deployContract("StakingPool", [1n]);
      const asHub = pool.connect(stranger);
      await asHub.attachHub();
      const vault = await ethers.deployContract("ChannelVault");
      await pool.deposit(peer.account, { value: STAKE });
      await asHub.reserve(peer.account, 1n, STAKE / 2n);
      await expect(asHub.reserve(peer.account, 1n, 1n))
        .to.be.revertedWithCustomError(pool, "StakingPool_AlreadyReserved")
        .withArgs(peer.account.address, 1n, STAKE / 2n);
      await expect(asHub.slash(peer.account, 1n, STAKE, vault)).to.changeEtherBalance(ethers, vault, STAKE / 2n);
      await expect(asHub.slash(peer.account, 1n, STAKE, vault)).to.changeEtherBalance(ethers, vault, 0n);
      await asHub.release(peer.account, 1n);
      expect(await pool.freeOf(peer.account)).to.equal(STAKE / 2n);
      expect(await pool.reservedOf(peer.account)).to.equal(0n);
    });
  });
});
