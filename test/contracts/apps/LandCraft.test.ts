import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { expect } from "chai";
import { zeroPadValue } from "ethers";
import { network } from "hardhat";

import { accusationOf } from "../../../src/adapters/chain/channels/accusation.ts";
import { proofStruct } from "../../../src/adapters/chain/channels/values.ts";
import { hubProofOf } from "../../../src/channel/hub-proof.ts";
import { exitsSlotOf, ownedSlotOf } from "../../../src/channel/sandbox/protocol-slots.ts";
import { fieldsOfWords, LAND_HEIGHT, LAND_WIDTH, parseLand } from "../../../src/domain/landcraft/land-map.ts";
import { fromHex } from "../../../src/utils/bytes.ts";
import type { LandCraft, LandCraftProgram, World } from "../../../typechain-types/index.ts";
import {
  type AppChannel,
  type AppMember,
  consentTo,
  deployHubScene,
  type HubScene,
  memberOf,
  openAppChannel,
} from "../helpers/app-channel.ts";
import { equivocate } from "../../helpers/equivocation.ts";
import { countKinds, EAST, itemKey, seenOf, WEST, type SeenLand } from "../../helpers/land-channel.ts";

const { ethers, networkHelpers } = await network.create();

const STAKE = ethers.parseEther("1");
const KIT = 4;
const WINDOW_SECONDS = 60;
/** Twice the window and ten minutes, and some more. */
const FREEZE_SECONDS = 800;
const NOTHING = [0, 0, 0, 0, 0];
const BEGIN_KIT = [KIT, KIT, 0, 0, 0];
const LAND = 1n;
/** Four heroes stand in a row, and have trees to the east and west of them. */
const ROWS = ["T....T", "ssi", "g~c"];
const TEXT = Array.from({ length: LAND_HEIGHT }, (_, y) => (ROWS[y] ?? "").padEnd(LAND_WIDTH, "#")).join("\n");
const WORDS = parseLand(TEXT);
const STOCK = [2, 2, 1, 1, 1];

interface Scene {
  readonly scene: HubScene;
  readonly world: World;
  readonly game: LandCraft;
  readonly lord: AppMember;
  readonly others: readonly AppMember[];
}

async function fixture() {
  const scene = await deployHubScene(ethers, "LandCraftProgram");
  const world = await ethers.deployContract("World");
  const game = await ethers.deployContract("LandCraft", [scene.hub, scene.program, world]);
  await world.appoint(game, true);
  const [, ...accounts] = await ethers.getSigners();
  const [lord, ...others] = accounts.slice(0, 5).map(memberOf);
  if (lord === undefined) throw new Error("too few accounts");
  await world.found(lord.account, "Valley", [...WORDS]);
  for (const { account } of [lord, ...others]) await world.connect(account).enlist();
  return { scene, world, game, lord, others };
}

async function begin(): Promise<Scene> {
  return await networkHelpers.loadFixture(fixture);
}

/** With the account's hero and all that it has. */
async function join({ scene, world, game }: Scene, channel: bigint, member: AppMember, value = STAKE) {
  const { account } = member;
  const items = await itemsOf(world, account.address);
  await allow(world, game, account);
  const { consent, signature } = await consentTo(scene, await game.getAddress(), channel, member);
  const heroId = await world.heroOf(account);
  return await game.connect(account).join(channel, consent, signature, heroId, items as never, { value });
}

async function allow(world: World, game: LandCraft, account: HardhatEthersSigner): Promise<void> {
  const { heroes, items } = await tokensOf(world);
  await heroes.connect(account).setApprovalForAll(game, true);
  await items.connect(account).setApprovalForAll(game, true);
}

async function tokensOf(world: World) {
  return {
    lands: await ethers.getContractAt("WorldToken", await world.LANDS()),
    heroes: await ethers.getContractAt("WorldToken", await world.HEROES()),
    items: await ethers.getContractAt("WorldItems", await world.ITEMS()),
  };
}

async function itemsOf(world: World, account: string): Promise<number[]> {
  const { items } = await tokensOf(world);
  const kinds = [1n, 2n, 3n, 4n, 5n];
  return (
    await items.balanceOfBatch(
      kinds.map(() => account),
      kinds,
    )
  ).map(Number);
}

/** Sends a member all that it can claim. */
async function claimAll({ scene, world }: Scene, channel: bigint, member: AppMember, heroId: bigint): Promise<void> {
  const { heroes, items } = await tokensOf(world);
  const keys = [itemKey(await heroes.getAddress(), Number(heroId))];
  for (let kind = 1; kind <= 5; kind += 1) keys.push(itemKey(await items.getAddress(), kind));
  for (const key of keys) await scene.hub.claim(channel, member.account, key).catch(() => undefined);
}

async function look(members: AppChannel): Promise<SeenLand> {
  return seenOf((await members.play.view("look"))[0]);
}

async function storeOf({ scene }: Scene, channel: bigint): Promise<LandCraftProgram> {
  return await ethers.getContractAt("LandCraftProgram", (await scene.hub.channelOf(channel)).store);
}

/** Opens the land, with the lord and these in it. */
async function play(all: Scene, members: readonly AppMember[]): Promise<{ channel: bigint; members: AppChannel }> {
  await all.game.connect(all.lord.account).open(LAND);
  const channel = await all.game.channelOf(LAND);
  for (const member of [all.lord, ...members]) await join(all, channel, member);
  const opened = await openAppChannel(all.scene, channel);
  await opened.takeInbox();
  return { channel, members: opened };
}

/** Walks to an end of the row and digs out the tree there. */
async function fell(members: AppChannel, member: AppMember, direction: number): Promise<void> {
  await members.call(member, "walk", [direction, 99]);
  for (let i = 0; i < 5; i += 1) await members.tick();
  await members.call(member, "dig", [direction]);
  for (let i = 0; i < 3; i += 1) await members.tick();
}

/** Convicted by two records of its own. */
async function ban({ scene, lord }: Scene, channel: bigint, { key }: AppMember): Promise<void> {
  const { hub, domain } = scene;
  const evidence = equivocate(domain, { channel, term: 1, signerKey: ethers.getBytes(key.privateKey) });
  const court = await ethers.getContractAt("IChannelCourt", await hub.court());
  await lord.account.sendTransaction(await accusationOf(court, evidence, ethers.ZeroHash));
}

describe("LandCraft", () => {
  it("should take a land out of its world and bring it back as it is then, with what is left of its stock", async function () {
    this.timeout(120_000);
    const all = await begin();
    const { scene, world, game, lord, others } = all;
    const [alice] = others as [AppMember];
    const { lands, heroes } = await tokensOf(world);
    expect(await lands.ownerOf(LAND)).to.equal(await world.getAddress());
    expect(await itemsOf(world, await world.getAddress())).to.deep.equal(STOCK);

    const { channel, members } = await play(all, [alice]);
    const { vault } = await scene.hub.channelOf(channel);
    expect(await scene.hub.getLabel(channel, await game.WORLD_LABEL())).to.equal(
      zeroPadValue((await world.getAddress()).toLowerCase(), 32),
    );
    expect(await lands.ownerOf(LAND)).to.equal(await game.getAddress());
    expect((await world.landOf(LAND)).game).to.equal(await game.getAddress());
    expect(await itemsOf(world, await world.getAddress())).to.deep.equal(NOTHING);
    // The land's, and two kits.
    expect(await itemsOf(world, vault)).to.deep.equal([10, 10, 1, 1, 1]);
    expect(await heroes.ownerOf(await world.heroOf(lord.account))).to.equal(vault);

    // The lord is on one side of alice.
    let seen = await look(members);
    const xOf = (member: AppMember): number =>
      seen.heroes.find(({ owner }) => owner === member.account.address)?.x ?? -1;
    const side = xOf(lord) < xOf(alice) ? EAST : WEST;
    await fell(members, alice, side);
    await members.call(alice, "put", [side, 2]);
    await members.tick();
    seen = await look(members);
    expect(seen.stock).to.deep.equal([1, 3, 1, 1, 1]);
    await members.settle([lord, alice]);
    const store = await storeOf(all, channel);
    expect(seenOf(await store.look()).fields).to.deep.equal(seen.fields);
    await expect(game.bringBack(channel)).to.be.revertedWithCustomError(game, "LandCraft_Open");

    // Who leaves takes out what it has then.
    await game.connect(alice.account).quit(channel);
    await members.takeInbox();
    await members.settle([lord, alice]);
    await claimAll(all, channel, alice, await game.heroOf(channel, alice.account));
    expect(await itemsOf(world, alice.account.address)).to.deep.equal([5, 3, 0, 0, 0]);
    expect(await heroes.ownerOf(await world.heroOf(alice.account))).to.equal(alice.account.address);
    await expect(scene.hub.connect(alice.account).withdrawStake(channel, alice.account)).to.changeEtherBalance(
      ethers,
      alice.account,
      STAKE,
    );

    await expect(game.connect(alice.account).close(channel))
      .to.be.revertedWithCustomError(game, "LandCraft_NotLord")
      .withArgs(lord.account, alice.account);
    await game.connect(lord.account).close(channel);
    await members.takeInbox();
    await members.settle([lord]);
    // Somebody else has claimed a part of it before.
    await scene.hub.claim(channel, game, itemKey(await world.ITEMS(), 2));
    await game.bringBack(channel);
    await claimAll(all, channel, lord, await game.heroOf(channel, lord.account));
    expect(await lands.ownerOf(LAND)).to.equal(await world.getAddress());
    const land = await world.landOf(LAND);
    expect(fieldsOfWords([...land.fields])).to.deep.equal(seen.fields);
    expect(land.game).to.equal(ethers.ZeroAddress);
    expect(await itemsOf(world, await world.getAddress())).to.deep.equal([1, 3, 1, 1, 1]);
    expect(await itemsOf(world, lord.account.address)).to.deep.equal(BEGIN_KIT);
    expect(await itemsOf(world, vault)).to.deep.equal(NOTHING);
    expect(await itemsOf(world, await game.getAddress())).to.deep.equal(NOTHING);

    // Again does nothing, and the next one begins with the land as it is.
    await game.bringBack(channel);
    const next = await play(all, []);
    expect((await look(next.members)).fields).to.deep.equal(seen.fields);
    expect((await look(next.members)).stock).to.deep.equal([1, 3, 1, 1, 1]);
  });

  it("should give four players what the last final state says, also one that is banned, and to all when it closes", async function () {
    this.timeout(120_000);
    const all = await begin();
    const { scene, world, game, lord, others } = all;
    const [alice, bob, carol] = others as [AppMember, AppMember, AppMember];
    const players = [lord, alice, bob, carol];
    const { channel, members } = await play(all, [alice, bob, carol]);
    // Heroes fill the row: those at its ends have a tree each.
    const seen = await look(members);
    expect(seen.heroes).to.have.length(4);
    const at = (x: number): AppMember =>
      players.find(({ account }) => seen.heroes.some(({ owner, x: its }) => owner === account.address && its === x))!;
    const [first, last] = [at(1), at(4)];
    for (const [member, direction] of [
      [first, WEST],
      [last, EAST],
    ] as const) {
      await members.call(member, "dig", [direction]);
    }
    for (let i = 0; i < 3; i += 1) await members.tick();
    const owned = new Map((await look(members)).heroes.map(({ owner, items }) => [owner, items]));
    expect(owned.get(first.account.address)).to.deep.equal([KIT + 1, KIT, 0, 0, 0]);

    // One of those who dug is thrown out.
    const banned = first === lord ? last : first;
    const rest = players.filter((each) => each !== banned);
    await members.settle(players);
    await ban(all, channel, banned);
    await members.takeInbox();
    expect((await members.call(banned, "walk", [EAST, 1])).status).to.equal(0);
    expect((await look(members)).heroes.map(({ owner }) => owner)).not.to.include(banned.account.address);
    // Who was banned has no vote and still owns: there is time to object.
    const { changes } = await members.settlement();
    await members.settle(rest);
    await networkHelpers.time.increase(WINDOW_SECONDS + 1);
    await game.execute(channel, 1n, [...changes]);
    await claimAll(all, channel, banned, await game.heroOf(channel, banned.account));
    expect(await itemsOf(world, banned.account.address)).to.deep.equal(owned.get(banned.account.address));

    // The others play on: one walks into the place that is free now.
    const free = banned === first ? 1 : 4;
    const walker = at(free === 1 ? 2 : 3);
    await members.call(walker, "walk", [free === 1 ? WEST : EAST, 1]);
    await members.tick();
    const end = await look(members);
    expect(end.heroes.map(({ x }) => x)).to.include(free);
    await game.connect(lord.account).close(channel);
    await members.takeInbox();
    await members.settle(rest);
    for (const member of rest) {
      await claimAll(all, channel, member, await game.heroOf(channel, member.account));
      expect(await itemsOf(world, member.account.address)).to.deep.equal(owned.get(member.account.address));
    }
    await game.bringBack(channel);
    expect(await itemsOf(world, await world.getAddress())).to.deep.equal([0, 2, 1, 1, 1]);
    expect(countKinds(fieldsOfWords([...(await world.landOf(LAND)).fields]))).to.deep.equal([0, 2, 1, 1, 1]);
    expect(await itemsOf(world, (await scene.hub.channelOf(channel)).vault)).to.deep.equal(NOTHING);
  });

  it("should bring a land back out of a frozen channel by proofs, which are its lord's to bring", async function () {
    this.timeout(120_000);
    const all = await begin();
    const { scene, world, game, lord, others } = all;
    const { hub } = scene;
    const [alice] = others as [AppMember];
    const { channel, members } = await play(all, [alice]);
    await members.settle([lord, alice]);
    // The lord's node settles nothing any more.
    await game.connect(alice.account).quit(channel);
    const [left] = await hub.queryFilter(hub.filters.InboxAdded(channel), -1);
    const { index, kind, account, timeMs, data } = left!.args;
    await networkHelpers.time.increase(FREEZE_SECONDS);
    await hub.freeze(channel, { index, kind, account, timeMs, data });
    await expect(game.bringBack(channel)).to.be.revertedWithCustomError(game, "LandCraft_Open");
    await networkHelpers.time.increase(FREEZE_SECONDS);
    await hub.conclude(channel);
    await expect(game.connect(alice.account).bringBack(channel))
      .to.be.revertedWithCustomError(game, "LandCraft_NotLord")
      .withArgs(lord.account, alice.account);
    const items = await world.ITEMS();
    const landAccount = (await game.getAddress()).toLowerCase();
    for (let each = 1; each <= STOCK.length; each += 1) {
      const key = itemKey(items, each);
      const [exits, owned] = [exitsSlotOf, ownedSlotOf].map((slotOf) => {
        return proofStruct(hubProofOf(members.play.sandbox.prove(slotOf(landAccount, fromHex(key)))));
      });
      await hub.claimByProof(channel, game, key, exits!, owned!);
    }
    await game.connect(lord.account).bringBack(channel);
    expect([...(await world.landOf(LAND)).fields]).to.deep.equal([...WORDS]);
    expect(await itemsOf(world, await world.getAddress())).to.deep.equal(STOCK);
  });

  it("should let nobody in before the lord, and the lord alone open and close", async () => {
    const all = await begin();
    const { scene, world, game, lord, others } = all;
    const [alice] = others as [AppMember];
    await expect(game.connect(alice.account).open(LAND))
      .to.be.revertedWithCustomError(game, "LandCraft_NotLord")
      .withArgs(lord.account, alice.account);
    // There is no second land.
    await expect(game.connect(alice.account).open(LAND + 1n)).to.be.revertedWithCustomError(game, "LandCraft_NotLord");
    await game.connect(lord.account).open(LAND);
    const channel = await game.channelOf(LAND);
    await expect(join(all, channel, alice))
      .to.be.revertedWithCustomError(game, "LandCraft_LordFirst")
      .withArgs(lord.account, alice.account);
    await expect(game.connect(lord.account).open(LAND))
      .to.be.revertedWithCustomError(game, "LandCraft_Open")
      .withArgs(LAND, channel);
    await expect(join(all, channel, lord, 0n)).to.be.revertedWithCustomError(scene.hub, "ChannelHub_WrongValue");
    await expect(game.bringBack(channel + 1n)).to.be.revertedWithCustomError(game, "LandCraft_NoLand");
    // Nobody came: the land comes back as it was, and another one is opened.
    await game.connect(lord.account).close(channel);
    await game.connect(lord.account).open(LAND);
    expect(await game.channelOf(LAND)).to.equal(channel + 1n);
    expect((await game.sessionOf(channel)).isOver).to.equal(true);
    expect([...(await world.landOf(LAND)).fields]).to.deep.equal([...WORDS]);
    await expect(game.sessionOf(channel + 2n)).to.be.revertedWithCustomError(game, "LandCraft_NoLand");
  });

  it("should take heroes and things from their owners alone", async () => {
    const all = await begin();
    const { scene, world, game, lord, others } = all;
    const [alice, bob] = others as [AppMember, AppMember];
    const { channel } = await play(all, []);
    await allow(world, game, alice.account);
    const { consent, signature } = await consentTo(scene, await game.getAddress(), channel, alice);
    await allow(world, game, bob.account);
    const { heroes, items } = await tokensOf(world);
    const joinWith = (heroId: bigint, amounts: readonly number[]) =>
      game.connect(alice.account).join(channel, consent, signature, heroId, amounts as never, { value: STAKE });
    await expect(joinWith(await world.heroOf(bob.account), NOTHING)).to.be.revertedWithCustomError(
      heroes,
      "ERC721IncorrectOwner",
    );
    await expect(joinWith(await world.heroOf(alice.account), [KIT + 1, 0, 0, 0, 0])).to.be.revertedWithCustomError(
      items,
      "ERC1155InsufficientBalance",
    );
    // Without a hero one looks on, and takes out what one brought.
    await joinWith(0n, [1, 0, 0, 0, 0]);
    const members = await openAppChannel(scene, channel);
    await members.takeInbox();
    expect((await look(members)).heroes.map(({ owner }) => owner)).to.deep.equal([lord.account.address]);
    expect((await members.call(alice, "goHome")).status).to.equal(0);
    await game.connect(alice.account).quit(channel);
    await members.takeInbox();
    await members.settle([lord, alice]);
    await claimAll(all, channel, alice, 0n);
    expect(await itemsOf(world, alice.account.address)).to.deep.equal(BEGIN_KIT);
  });
});

describe("World", () => {
  it("should make lands, heroes and things for nobody but whom it should", async () => {
    const { world, game, lord, others } = await begin();
    const [alice] = others as [AppMember];
    const { lands, items } = await tokensOf(world);
    await expect(world.connect(alice.account).enlist())
      .to.be.revertedWithCustomError(world, "World_Enlisted")
      .withArgs(alice.account, 2n);
    const stranger = world.connect(alice.account);
    await expect(stranger.found(alice.account, "", [...WORDS])).to.be.revertedWithCustomError(
      world,
      "OwnableUnauthorizedAccount",
    );
    await expect(stranger.appoint(alice.account, true)).to.be.revertedWithCustomError(
      world,
      "OwnableUnauthorizedAccount",
    );
    await expect(stranger.takeLand(LAND)).to.be.revertedWithCustomError(world, "World_NotGame");
    await expect(lands.mint(alice.account, 9n)).to.be.revertedWithCustomError(lands, "WorldToken_NotWorld");
    await expect(items.mint(alice.account, 1n, 9n)).to.be.revertedWithCustomError(items, "WorldItems_NotWorld");
    // A field that is none.
    await expect(world.found(lord.account, "", [6n, 0n, 0n, 0n, 0n, 0n, 0n, 0n]))
      .to.be.revertedWithCustomError(world, "LandMap_BadField")
      .withArgs(0n, 6n);
    await world.appoint(alice.account, true);
    for (const none of [0n, 2n]) {
      await expect(stranger.takeLand(none)).to.be.revertedWithCustomError(world, "World_NotThere");
    }
    await stranger.takeLand(LAND);
    await expect(game.connect(lord.account).open(LAND)).to.be.revertedWithCustomError(world, "World_NotThere");
  });

  it("should show of a land that comes back no more than came with it, and give its lord what has no field", async () => {
    const { world, lord, others } = await begin();
    const [alice] = others as [AppMember];
    const asGame = world.connect(alice.account);
    await world.appoint(alice.account, true);
    await asGame.takeLand(LAND);
    const { lands, items } = await tokensOf(world);
    await lands.connect(alice.account).setApprovalForAll(world, true);
    await items.connect(alice.account).setApprovalForAll(world, true);
    const grass = "." as const;
    const changed = parseLand(TEXT.replace("i", "T").replace("c", grass));
    await expect(world.returnLand(LAND, [...changed], [0n, 0n, 0n, 0n, 0n])).to.be.revertedWithCustomError(
      world,
      "World_NotThere",
    );
    // Of three trees one came, and of the rest more than has a field.
    await asGame.returnLand(LAND, [...changed], [1n, 2n, 1n, 1n, 1n]);
    const fields = fieldsOfWords([...(await world.landOf(LAND)).fields]);
    expect(countKinds(fields)).to.deep.equal([1, 2, 0, 1, 0]);
    expect(fields[0]).to.equal("wood");
    expect(fields[5]).to.equal("grass");
    expect(fields.filter((field) => field === "water")).to.have.length(1);
    expect(await itemsOf(world, await world.getAddress())).to.deep.equal([1, 2, 0, 1, 0]);
    expect(await itemsOf(world, lord.account.address)).to.deep.equal([KIT, KIT, 1, 0, 1]);
    await expect(asGame.returnLand(LAND, [...changed], [0n, 0n, 0n, 0n, 0n])).to.be.revertedWithCustomError(
      world,
      "World_NotThere",
    );
  });
});
