import { expect } from "chai";
import { AbiCoder, ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";

import { StateTreeModel } from "../../helpers/state-tree-model.ts";
import {
  asApp,
  assetKeyOf,
  channelOf,
  createChannel,
  deployHub,
  type Hub,
  join,
  Kind,
  ledgerChanges,
  ledgerSlot,
  type HubConfig,
  type Made,
  Mode,
  peerAt,
  settle,
  STAKE,
  wordOf,
} from "../helpers/channels.ts";
import { named } from "../helpers/grid-registry.ts";

const { ethers, networkHelpers } = await network.create();

const ETHER_KEY = assetKeyOf(ZeroAddress);
const TokenMood = { Honest: 0, TakeFee: 1, Pretend: 2, Overdo: 3, Refuse: 4, Reenter: 5 } as const;
const ActorMood = { Accept: 0, Refuse: 1, Reenter: 2 } as const;
const ASSETS = "tuple(uint8 kind,address token,uint256 id,uint256 amount)[]";

const ether = (amount: bigint) => ({ kind: Kind.Ether, token: ZeroAddress, id: 0n, amount });

/** An app that has some of everything. */
async function fixture() {
  const base = await deployHub(ethers, 3);
  const token = await ethers.deployContract("ScriptedToken");
  const hero = await ethers.deployContract("PlainHero");
  const items = await ethers.deployContract("PlainItems");
  await token.mint(base.app, 1_000n);
  await hero.mint(base.app, 7n);
  await items.mint(base.app, 5n, 30n);
  const at = { token: await token.getAddress(), hero: await hero.getAddress(), items: await items.getAddress() };
  return { ...base, token, hero, items, at };
}
type Scene = Awaited<ReturnType<typeof fixture>>;

async function approveAll(self: Scene & Made): Promise<string> {
  const { vault } = await self.hub.channelOf(self.channel);
  const { app, token, hero, items } = self;
  await app.act(token, 0n, token.interface.encodeFunctionData("approve", [vault, 1_000n]));
  await app.act(hero, 0n, hero.interface.encodeFunctionData("setApprovalForAll", [vault, true]));
  await app.act(items, 0n, items.interface.encodeFunctionData("setApprovalForAll", [vault, true]));
  return vault;
}

async function scene(config: Partial<HubConfig> = {}): Promise<Scene & Made & { vault: string }> {
  const base = await networkHelpers.loadFixture(fixture);
  const self = { ...base, ...(await createChannel(base, config)) };
  return { ...self, vault: await approveAll(self) };
}

const tokens = (self: Scene, amount = 100n) => ({ kind: Kind.ERC20, token: self.at.token, id: 0n, amount });
const heroes = (self: Scene, tokenId = 7n) => ({ kind: Kind.ERC721, token: self.at.hero, id: tokenId, amount: 1n });
const things = (self: Scene, amount = 20n) => ({ kind: Kind.ERC1155, token: self.at.items, id: 5n, amount });

describe("ChannelVault", () => {
  describe("takes in", () => {
    it("ether and tokens of all kinds with a join, and the channel is told what came", async () => {
      const self = await scene({ stakeWei: STAKE });
      const assets = [ether(9n), tokens(self), heroes(self), things(self)];
      await join(self, peerAt(self, 0), { assets });
      expect(await ethers.provider.getBalance(self.vault)).to.equal(STAKE + 9n);
      expect(await self.token.balanceOf(self.vault)).to.equal(100n);
      expect(await self.hero.ownerOf(7n)).to.equal(self.vault);
      expect(await self.items.balanceOf(self.vault, 5n)).to.equal(20n);
      const [entry] = await self.hub.queryFilter(self.hub.filters.InboxAdded(self.channel));
      const [, , told] = AbiCoder.defaultAbiCoder().decode(["address", "uint64", ASSETS], entry?.args.data ?? "0x");
      const given = assets.map(({ kind, token, id, amount }) => [kind, token, id, amount]);
      expect((told as { toArray(): unknown[] }[]).map((asset) => asset.toArray())).to.deep.equal(given);
      for (const { kind, token, id, amount } of assets) {
        const held = await self.hub.assetOf(self.channel, assetKeyOf(token, BigInt(id)));
        expect(named(held)).to.deep.equal({ kind, token, id, amount });
      }
    });

    it("what a token that keeps a fee lets come, and no more than was asked for of one that gives more", async () => {
      const self = await scene();
      await self.token.setMood(TokenMood.TakeFee, ZeroAddress, "0x");
      await join(self, peerAt(self, 0), { assets: [tokens(self)] });
      const key = assetKeyOf(self.at.token);
      expect((await self.hub.assetOf(self.channel, key)).amount).to.equal(90n);
      await self.token.setMood(TokenMood.Overdo, ZeroAddress, "0x");
      await join(self, peerAt(self, 1), { assets: [tokens(self)] });
      expect((await self.hub.assetOf(self.channel, key)).amount).to.equal(190n);
      expect(await self.token.balanceOf(self.vault)).to.equal(290n);
    });

    it("nothing from a token that pretends or refuses, or that has no such asset", async () => {
      const self = await scene();
      const peer = peerAt(self, 0);
      const vault = await ethers.getContractAt("ChannelVault", self.vault);
      await self.token.setMood(TokenMood.Pretend, ZeroAddress, "0x");
      await expect(join(self, peer, { assets: [tokens(self)] }))
        .to.be.revertedWithCustomError(vault, "ChannelVault_NotReceived")
        .withArgs(Object.values(tokens(self)));
      await self.token.setMood(TokenMood.Refuse, ZeroAddress, "0x");
      await expect(join(self, peer, { assets: [tokens(self)] })).to.be.revertedWithCustomError(
        self.token,
        "ScriptedToken_Refused",
      );
      for (const asset of [
        { ...tokens(self), id: 1n },
        { ...heroes(self), amount: 2n },
      ]) {
        await expect(join(self, peer, { assets: [asset] }))
          .to.be.revertedWithCustomError(vault, "ChannelVault_BadAsset")
          .withArgs(Object.values(asset));
      }
      await expect(join(self, peer, { assets: [heroes(self, 8n)] })).to.revert(ethers);
      await expect(join(self, peer, { assets: [{ ...tokens(self), token: self.owner.address }] })).to.revert(ethers);
      expect(await self.hub.membersOf(self.channel)).to.deep.equal([]);
    });

    it("no asset twice, of two kinds, of nothing, or ether that is a token", async () => {
      const self = await scene();
      const peer = peerAt(self, 0);
      for (const assets of [
        [tokens(self), tokens(self)],
        [ether(1n), ether(1n)],
        [ether(0n)],
        [tokens(self, 0n)],
        [{ ...ether(1n), id: 1n }],
        [{ ...ether(1n), token: self.owner.address }],
        [{ ...tokens(self), token: ZeroAddress }],
        Array.from({ length: 25 }, (_, i) => ({ ...things(self), id: BigInt(i) })),
      ]) {
        await expect(
          join(self, peer, { assets }),
          JSON.stringify(assets.map(({ kind }) => Number(kind))),
        ).to.be.revertedWithCustomError(self.hub, "ChannelHub_BadAssets");
      }
      await join(self, peer, { assets: [tokens(self)] });
      await expect(join(self, peerAt(self, 1), { assets: [{ ...tokens(self), kind: Kind.ERC1155 }] })).to.revert(
        ethers,
      );
    });

    it("no asset as another kind than it came as first", async () => {
      const self = await scene();
      await self.hero.mint(self.app, 0n);
      // A token of ERC-721 moves by the same call as one of ERC-20: the app's own fault.
      await join(self, peerAt(self, 0), { assets: [{ ...heroes(self, 0n), kind: Kind.ERC20, amount: 7n }] });
      await expect(join(self, peerAt(self, 1), { assets: [heroes(self, 0n)] })).to.be.revertedWithCustomError(
        self.hub,
        "ChannelHub_BadAssets",
      );
    });

    it("no call of the token back into the hub", async () => {
      const self = await scene();
      const call = self.hub.interface.encodeFunctionData("close", [self.channel]);
      await self.token.setMood(TokenMood.Reenter, self.hub, call);
      await join(self, peerAt(self, 0), { assets: [tokens(self)] });
      expect(await self.token.reentered()).to.equal(false);
    });

    it("no tokens that nobody asked for, and ether by `fund` alone", async () => {
      const self = await scene();
      const vault = await ethers.getContractAt("ChannelVault", self.vault);
      await self.items.mint(self.owner, 5n, 3n);
      const { address } = self.owner;
      await expect(self.items.safeTransferFrom(address, self.vault, 5n, 1n, "0x"))
        .to.be.revertedWithCustomError(vault, "ChannelVault_Unexpected")
        .withArgs(address);
      await expect(self.items.safeBatchTransferFrom(address, self.vault, [5n], [1n], "0x"))
        .to.be.revertedWithCustomError(vault, "ChannelVault_Unexpected")
        .withArgs(address);
      await expect(self.owner.sendTransaction({ to: self.vault, value: 1n })).to.revert(ethers);
      await vault.fund({ value: 1n });
      expect(await ethers.provider.getBalance(self.vault)).to.equal(1n);
      expect(await vault.supportsInterface("0x4e2312e0")).to.equal(true);
      expect(await vault.supportsInterface("0x01ffc9a7")).to.equal(true);
      expect(await vault.supportsInterface("0xffffffff")).to.equal(false);
    });

    it("and gives out by the hub alone", async () => {
      const self = await scene();
      const vault = await ethers.getContractAt("ChannelVault", self.vault);
      for (const call of [() => vault.take(tokens(self), self.app), () => vault.pay(ether(1n), self.owner)]) {
        await expect(call())
          .to.be.revertedWithCustomError(vault, "ChannelVault_NotTheHub")
          .withArgs(await self.hub.getAddress(), self.owner.address);
      }
      const own = await vaultOfOwner(self);
      for (const asset of [ether(1n), tokens(self, 0n)]) {
        await expect(own.take(asset, self.app)).to.be.revertedWithCustomError(vault, "ChannelVault_BadAsset");
      }
      await expect(own.take({ ...things(self), kind: Kind.Ether }, self.app)).to.be.revertedWithCustomError(
        vault,
        "ChannelVault_BadAsset",
      );
    });
  });

  describe("pays", () => {
    it("what left the channel for an account, as it grows, to whom it belongs or wants", async () => {
      const self = await scene();
      const peer = peerAt(self, 0);
      const own = self.hub.connect(peer.account);
      await join(self, peer, { assets: [ether(100n), tokens(self), heroes(self), things(self)] });
      const keys = {
        token: assetKeyOf(self.at.token),
        hero: assetKeyOf(self.at.hero, 7n),
        item: assetKeyOf(self.at.items, 5n),
      };
      const { address } = peer.account;
      await settle(
        self,
        [peer],
        {},
        ledgerChanges([
          ["exits", address, ETHER_KEY, 60n],
          ["owned", address, ETHER_KEY, 40n],
          ["exits", address, keys.token, 100n],
          ["exits", address, keys.hero, 1n],
          ["exits", self.owner.address, keys.item, 20n],
        ]),
      );
      await expect(self.hub.claim(self.channel, address, ETHER_KEY))
        .to.emit(self.hub, "Claimed")
        .withArgs(self.channel, address, ETHER_KEY, 60n);
      expect(await self.hub.paidTo(self.channel, address, ETHER_KEY)).to.equal(60n);
      expect(await ethers.provider.getBalance(self.vault)).to.equal(40n);
      await expect(self.hub.claim(self.channel, address, ETHER_KEY))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NothingToClaim")
        .withArgs(self.channel, address, ETHER_KEY);
      expect(await own.claimTo.staticCall(self.channel, keys.token, self.stranger)).to.equal(100n);
      await own.claimTo(self.channel, keys.token, self.stranger);
      expect(await self.token.balanceOf(self.stranger)).to.equal(100n);
      await self.hub.claim(self.channel, address, keys.hero);
      expect(await self.hero.ownerOf(7n)).to.equal(address);
      // An account that never joined, but that the program let something leave for.
      await self.hub.claim(self.channel, self.owner, keys.item);
      expect(await self.items.balanceOf(self.owner, 5n)).to.equal(20n);

      await settle(self, [peer], {}, ledgerChanges([["exits", address, ETHER_KEY, 70n]]));
      await expect(own.claimTo(self.channel, ETHER_KEY, self.stranger)).to.changeEtherBalance(
        ethers,
        self.stranger,
        10n,
      );
    });

    it("also what an account owns, once the channel is closed", async () => {
      const self = await scene();
      const peer = peerAt(self, 0);
      const { address } = peer.account;
      await join(self, peer, { assets: [ether(100n)] });
      await settle(
        self,
        [peer],
        {},
        ledgerChanges([
          ["exits", address, ETHER_KEY, 10n],
          ["owned", address, ETHER_KEY, 40n],
        ]),
      );
      await self.hub.claim(self.channel, address, ETHER_KEY);
      await asApp(self, 0n, "close", [self.channel]);
      await settle(self, [peer]);
      await expect(self.hub.claim(self.channel, address, ETHER_KEY)).to.changeEtherBalance(ethers, peer.account, 40n);
    });

    it("no more of an asset than came in, and nothing of the stakes", async () => {
      const self = await scene({ stakeWei: STAKE });
      const [a, b] = [peerAt(self, 0), peerAt(self, 1)];
      await join(self, a, { assets: [ether(100n)] });
      await join(self, b);
      await settle(
        self,
        [a, b],
        {},
        ledgerChanges([
          ["exits", a.account.address, ETHER_KEY, 80n],
          ["exits", b.account.address, ETHER_KEY, 2n ** 255n],
        ]),
      );
      await expect(self.hub.claim(self.channel, b.account, ETHER_KEY)).to.changeEtherBalance(ethers, b.account, 100n);
      await expect(self.hub.claim(self.channel, a.account, ETHER_KEY)).to.be.revertedWithCustomError(
        self.hub,
        "ChannelHub_NothingToClaim",
      );
      expect(await ethers.provider.getBalance(self.vault)).to.equal(2n * STAKE);
    });

    it("nothing of another channel's, of the same token", async () => {
      const self = await scene();
      const other = { ...self, ...(await createChannel(self)) };
      await approveAll(other);
      const key = assetKeyOf(self.at.token);
      await join(self, peerAt(self, 0), { assets: [tokens(self)] });
      await join(other, peerAt(self, 1), { assets: [tokens(self, 1n)] });
      const { address } = peerAt(self, 1).account;
      await settle(other, [peerAt(self, 1)], {}, ledgerChanges([["exits", address, key, 100n]]));
      await self.hub.claim(other.channel, address, key);
      expect(await self.token.balanceOf(address)).to.equal(1n);
      expect(await self.token.balanceOf(self.vault)).to.equal(100n);
    });

    it("others although one refuses, or calls back, and that one where it says", async () => {
      const self = await scene({ stakeWei: 10n });
      const keeper = peerAt(self, 0);
      const account = await ethers.deployContract("ContractAccount", [keeper.account.address]);
      const member = await account.getAddress();
      await join(self, keeper, { member, consent: { member }, assets: [ether(100n), heroes(self)] });
      await join(self, peerAt(self, 1));
      const heroKey = assetKeyOf(self.at.hero, 7n);
      await settle(
        self,
        [keeper, peerAt(self, 1)].map((peer, i) =>
          i === 0 ? { ...peer, account: { address: member } as never } : peer,
        ),
        {},
        ledgerChanges([
          ["exits", member, ETHER_KEY, 50n],
          ["exits", member, heroKey, 1n],
          ["exits", peerAt(self, 1).account.address, ETHER_KEY, 5n],
        ]),
      );
      await account.setMood(ActorMood.Refuse, ZeroAddress, "0x");
      await expect(self.hub.claim(self.channel, member, ETHER_KEY)).to.revert(ethers);
      await self.hub.claim(self.channel, peerAt(self, 1).account, ETHER_KEY);
      // It has no way to refuse a token of ERC-721.
      await self.hub.claim(self.channel, member, heroKey);
      expect(await self.hero.ownerOf(7n)).to.equal(member);
      const again = self.hub.interface.encodeFunctionData("claim", [self.channel, member, ETHER_KEY]);
      await account.setMood(ActorMood.Reenter, self.hub, again);
      await self.hub.claim(self.channel, member, ETHER_KEY);
      expect([await account.attempts(), await account.reentered()]).to.deep.equal([1n, false]);
      expect(await ethers.provider.getBalance(member)).to.equal(50n);
    });
  });

  describe("pays by proof", () => {
    const state = (self: Hub, entries: readonly (readonly ["exits" | "owned", string, bigint])[]) =>
      treeOf(entries.map(([ledger, who, amount]) => [ledgerSlot(ledger, who, ETHER_KEY), wordOf(amount)]));

    it("what left, and what is owned once the channel is closed, in the mode of roots", async () => {
      const self = await scene({ mode: Mode.Root });
      const peer = peerAt(self, 0);
      const { address } = peer.account;
      await join(self, peer, { assets: [ether(100n)] });
      const tree = state(self, [
        ["exits", address, 30n],
        ["owned", address, 50n],
        ["owned", self.owner.address, 20n],
      ]);
      const [exits, owned] = [
        tree.prove(ledgerSlot("exits", address, ETHER_KEY)),
        tree.prove(ledgerSlot("owned", address, ETHER_KEY)),
      ];
      await settle(self, [peer], { stateRoot: tree.root() });
      await expect(self.hub.claim(self.channel, address, ETHER_KEY))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongMode")
        .withArgs(self.channel);
      await expect(self.hub.claimByProof(self.channel, address, ETHER_KEY, owned, owned)).to.revert(ethers);
      const altered = { ...exits, leafValue: wordOf(31n) };
      await expect(self.hub.claimByProof(self.channel, address, ETHER_KEY, altered, owned)).to.revert(ethers);
      const claim = () => self.hub.claimByProof(self.channel, address, ETHER_KEY, exits, owned);
      await expect(claim()).to.changeEtherBalance(ethers, peer.account, 30n);
      await expect(claim()).to.be.revertedWithCustomError(self.hub, "ChannelHub_NothingToClaim");

      await asApp(self, 0n, "close", [self.channel]);
      await settle(self, [peer], { stateRoot: tree.root() });
      const own = self.hub.connect(peer.account);
      await expect(own.claimByProofTo(self.channel, ETHER_KEY, self.stranger, exits, owned)).to.changeEtherBalance(
        ethers,
        self.stranger,
        50n,
      );
      // The owner has no exits: that it has none is proven too.
      const none = tree.prove(ledgerSlot("exits", self.owner.address, ETHER_KEY));
      const some = tree.prove(ledgerSlot("owned", self.owner.address, ETHER_KEY));
      expect(await self.hub.claimByProof.staticCall(self.channel, self.owner, ETHER_KEY, none, some)).to.equal(20n);
    });

    it("is there in the mode of slots too, and pays nothing twice", async () => {
      const self = await scene();
      const peer = peerAt(self, 0);
      const { address } = peer.account;
      await join(self, peer, { assets: [ether(100n)] });
      const tree = state(self, [["exits", address, 30n]]);
      const changes = ledgerChanges([["exits", address, ETHER_KEY, 30n]]);
      await settle(self, [peer], { stateRoot: tree.root() }, changes);
      const proof = tree.prove(ledgerSlot("exits", address, ETHER_KEY));
      await self.hub.claimByProof(self.channel, address, ETHER_KEY, proof, proof);
      await expect(self.hub.claim(self.channel, address, ETHER_KEY)).to.be.revertedWithCustomError(
        self.hub,
        "ChannelHub_NothingToClaim",
      );
    });
  });

  describe("materialising", () => {
    it("writes slots of the settled state that are proven, in the mode of roots", async () => {
      const self = await channelOf(await networkHelpers.loadFixture(fixture), 1, { mode: Mode.Root });
      const [count, ticks, none] = [wordOf(0n), wordOf(1n), wordOf(2n)];
      const tree = treeOf([
        [count, wordOf(5n)],
        [ticks, wordOf(6n)],
      ]);
      await settle(self, self.peers.slice(0, 1), { stateRoot: tree.root() });
      const { store } = await self.hub.channelOf(self.channel);
      const program = await ethers.getContractAt("CounterProgram", store);
      const slots = [count, ticks, none];
      const proofs = slots.map((slot) => tree.prove(slot));
      const write = (values: string[], some = proofs) => self.hub.materialise(self.channel, slots, values, some);
      await expect(write([wordOf(5n), wordOf(7n), ZeroHash]))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_BadProof")
        .withArgs(ticks);
      for (const uneven of [() => write([wordOf(5n)]), () => write([wordOf(5n), wordOf(6n), ZeroHash], [])]) {
        await expect(uneven()).to.be.revertedWithCustomError(self.hub, "ChannelHub_TooMany").withArgs(3n);
      }
      await expect(write([wordOf(5n), wordOf(6n), ZeroHash]))
        .to.emit(self.hub, "Materialised")
        .withArgs(self.channel, slots);
      expect([await program.count(), await program.ticks()]).to.deep.equal([5n, 6n]);
    });

    it("is not of the mode of slots", async () => {
      const self = await channelOf(await networkHelpers.loadFixture(fixture), 1);
      await expect(self.hub.materialise(self.channel, [], [], []))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongMode")
        .withArgs(self.channel);
    });
  });
});

function treeOf(state: readonly (readonly [string, string])[]): StateTreeModel {
  const tree = new StateTreeModel();
  for (const [slot, value] of state) tree.set(slot, value);
  return tree;
}

/** A vault whose hub is the owner of the tests. */
async function vaultOfOwner(self: Scene & Made & { vault: string }) {
  const code = await ethers.provider.getCode(self.vault);
  const hub = (await self.hub.getAddress()).slice(2).toLowerCase();
  const address = peerAt(self, 2).key.address;
  await networkHelpers.setCode(address, code.replaceAll(hub, self.owner.address.slice(2).toLowerCase()));
  return await ethers.getContractAt("ChannelVault", address);
}
