import { expect } from "chai";
import { AbiCoder, keccak256, ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";

import { consentTo, deployHubScene, memberOf, openAppChannel } from "../helpers/app-channel.ts";
import { hashSettlement, signVote } from "../../../src/wire/channel/settlement.ts";
import { fromHex } from "../../../src/utils/bytes.ts";

const { ethers, networkHelpers } = await network.create();
const coder = AbiCoder.defaultAbiCoder();

const Kind = { Ether: 0n, ERC20: 1n, ERC721: 2n, ERC1155: 3n } as const;
const Mood = { Honest: 0n, TakeFee: 1n, Reenter: 5n } as const;
const CONFIG = {
  mode: 0n,
  readAccess: 0n,
  votesAreProof: false,
  maxMembers: 8n,
  tickMs: 0n,
  maxCatchUpTicks: 0n,
  windowSeconds: 0n,
  aliveSeconds: 0n,
  answerSeconds: 0n,
  stakeWei: 3n,
  fineWei: 0n,
};

async function fixture() {
  const scene = await deployHubScene(ethers, "FeatureProgram");
  const app = await ethers.deployContract("PlainApp", [scene.hub]);
  const [gold, heroes, items] = [
    await ethers.deployContract("ScriptedToken"),
    await ethers.deployContract("PlainHero"),
    await ethers.deployContract("PlainItems"),
  ];
  const [, one, two] = await ethers.getSigners();
  if (one === undefined || two === undefined) throw new Error("the network has too few accounts");
  const alice = memberOf(one);
  await app.open(scene.program, "0x", CONFIG, []);
  await gold.mint(one, 1_000n);
  await heroes.mint(one, 7n);
  await items.mint(one, 4n, 50n);
  await gold.connect(one).approve(app, 1_000n);
  await heroes.connect(one).setApprovalForAll(app, true);
  await items.connect(one).setApprovalForAll(app, true);
  const { vault } = await scene.hub.channelOf(1n);
  return { scene, app, gold, heroes, items, alice, two, vault, channel: 1n };
}

function keyOf(token: string, tokenId: bigint): string {
  return keccak256(coder.encode(["address", "uint256"], [token, tokenId]));
}

async function begin() {
  const base = await networkHelpers.loadFixture(fixture);
  const { gold, heroes, items } = base;
  const assets = [
    { kind: Kind.Ether, token: ZeroAddress, id: 0n, amount: 11n },
    { kind: Kind.ERC20, token: await gold.getAddress(), id: 0n, amount: 100n },
    { kind: Kind.ERC721, token: await heroes.getAddress(), id: 7n, amount: 1n },
    { kind: Kind.ERC1155, token: await items.getAddress(), id: 4n, amount: 20n },
  ];
  const { consent, signature } = await consentTo(base.scene, await base.app.getAddress(), base.channel, base.alice);
  const join = async (brought = assets, value = 14n) =>
    await base.app.connect(base.alice.account).join(base.channel, consent, signature, brought, { value });
  return { ...base, assets, join };
}

describe("ChannelApp", () => {
  it("should bring in assets of every kind, keep none, and let their owner have them back", async () => {
    const { scene, app, gold, heroes, items, alice, vault, channel, assets, join } = await begin();
    await join();
    expect(await gold.balanceOf(vault)).to.equal(100n);
    expect(await heroes.ownerOf(7n)).to.equal(vault);
    expect(await items.balanceOf(vault, 4n)).to.equal(20n);
    for (const balance of [
      await ethers.provider.getBalance(app),
      await gold.balanceOf(app),
      await gold.allowance(app, vault),
      await items.balanceOf(app, 4n),
    ]) {
      expect(balance).to.equal(0n);
    }
    expect(await items.isApprovedForAll(app, vault)).to.equal(false);

    const members = await openAppChannel(scene, channel);
    await members.takeInbox();
    for (const { token, id, amount } of assets) {
      expect(await members.play.view("ownedOf", [alice.account.address, keyOf(token, id)])).to.deep.equal([amount]);
    }
    await app.connect(alice.account).quit(channel);
    await members.takeInbox();
    await members.settle([alice]);
    expect(await app.lastNotice()).to.equal(1n);
    expect(await app.lastMember()).to.equal(alice.account.address);

    for (const { token, id } of assets) await scene.hub.claim(channel, alice.account.address, keyOf(token, id));
    expect(await gold.balanceOf(alice.account)).to.equal(1_000n);
    expect(await heroes.ownerOf(7n)).to.equal(alice.account.address);
    expect(await items.balanceOf(alice.account, 4n)).to.equal(50n);
    expect(await gold.balanceOf(vault)).to.equal(0n);
    await expect(scene.hub.claim(channel, alice.account.address, keyOf(ZeroAddress, 0n))).to.be.revertedWithCustomError(
      scene.hub,
      "ChannelHub_NothingToClaim",
    );
  });

  it("should bring in as much as arrives of a token that keeps a fee", async () => {
    const { scene, gold, alice, vault, channel, assets, join } = await begin();
    await gold.setMood(Mood.TakeFee, ZeroAddress, "0x");
    await join(assets.slice(1, 2), 3n);
    // A tenth is kept on the way to the app, and another one on the way to the vault.
    expect(await gold.balanceOf(vault)).to.equal(81n);
    const members = await openAppChannel(scene, channel);
    await members.takeInbox();
    const key = keyOf(await gold.getAddress(), 0n);
    expect(await members.play.view("ownedOf", [alice.account.address, key])).to.deep.equal([81n]);
  });

  it("should leave everything where it is when a join is refused", async () => {
    const { app, gold, heroes, alice, assets, join } = await begin();
    await expect(join(assets, 13n)).to.be.revert(ethers);
    expect(await gold.balanceOf(alice.account)).to.equal(1_000n);
    expect(await heroes.ownerOf(7n)).to.equal(alice.account.address);
    expect(await ethers.provider.getBalance(app)).to.equal(0n);
  });

  it("should not be entered again by a token that it pulls", async () => {
    const { app, gold, channel, assets, alice, join, scene } = await begin();
    const { consent, signature } = await consentTo(scene, await app.getAddress(), channel, alice);
    const again = app.interface.encodeFunctionData("join", [channel, consent, signature, []]);
    await gold.setMood(Mood.Reenter, app, again);
    await join(assets.slice(1, 2), 3n);
    expect(await gold.reentered()).to.equal(false);
  });

  it("should hear of its channels from the hub alone", async () => {
    const { scene, app, two, channel } = await begin();
    await expect(app.connect(two).onChannelNotice(channel, 0n, ZeroAddress, 1n))
      .to.be.revertedWithCustomError(app, "ChannelApp_NotHub")
      .withArgs(await scene.hub.getAddress(), two.address);
  });

  it("should execute what its members passed, and know what it was", async () => {
    const { scene, app, alice, two, channel, join } = await begin();
    await join();
    const members = await openAppChannel(scene, channel);
    await members.takeInbox();
    const { settlement, changes } = await members.settlement();
    const type =
      "tuple(uint256 channel,uint64 fromHeight,uint64 toHeight,uint64 timeMs,bytes32 head,bytes32 recordsRoot,bytes32 stateRoot,bytes32 changesRoot,uint64 inboxCursor,uint8 mode)";
    await scene.hub.connect(alice.account).createProposal(channel, 1n, coder.encode([type], [settlement]));
    const proposalHash = hashSettlement(settlement);
    const signature = signVote(scene.domain, { channel, proposalHash, option: 1 }, fromHex(alice.key.privateKey));
    await scene.hub.voteBySignatures(channel, 1n, [{ member: alice.account.address, option: 1n, signature }]);
    const action = await app.execute.staticCall(channel, 1n, [...changes]);
    expect(action.settlement.toHeight).to.equal(BigInt(settlement.toHeight));
    await app.connect(two).execute(channel, 1n, [...changes]);
    expect(await app.lastAction()).to.equal(1n);
    expect([await app.lastNotice(), await app.lastHeight()]).to.deep.equal([0n, BigInt(settlement.toHeight)]);
    expect((await scene.hub.headOf(channel)).stateRoot).not.to.equal(ZeroHash);
  });

  it("should close", async () => {
    const { scene, app, alice, channel, join } = await begin();
    await join();
    const members = await openAppChannel(scene, channel);
    await app.close(channel);
    await members.takeInbox();
    await members.settle([alice]);
    expect((await scene.hub.channelOf(channel)).closed).to.equal(true);
    // What it owned is its own now, though it never left.
    await scene.hub.claim(channel, alice.account.address, keyOf(ZeroAddress, 0n));
  });
});
