import { expect } from "chai";
import { ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";

import { StateTreeModel } from "../../helpers/state-tree-model.ts";
import { acksOf, tell, type Telling, type Told } from "../helpers/channel-states.ts";
import {
  assetKeyOf,
  type Change,
  changesFrom,
  chunkHashesOf,
  CHUNK,
  createChannel,
  deployHub,
  FINE,
  hashOfSettlement,
  type HubConfig,
  join,
  Kind,
  ledgerChanges,
  ledgerSlot,
  type Made,
  type Peer,
  peerAt,
  propose,
  STAKE,
  State,
  votesOf,
} from "../helpers/channels.ts";

const { ethers, networkHelpers } = await network.create();

const WINDOW = 3_600n;
const EXIT = 2n * WINDOW + 600n;
const BROUGHT = 5n * 10n ** 18n;
const BOND = 10n ** 18n;
const ETHER = assetKeyOf(ZeroAddress);
const DATA = { Records: 0n, Changes: 1n } as const;
const MEMBERS = 4;

const fixture = async () => await deployHub(ethers, 6);

/** Members that brought some ether each; one after the other. */
async function channelWith(config: Partial<HubConfig> = {}, members = MEMBERS): Promise<Made> {
  const base = await networkHelpers.loadFixture(fixture);
  const made = await createChannel(base, { windowSeconds: WINDOW, stakeWei: STAKE, fineWei: FINE, ...config });
  for (let i = 0; i < members; i++) await joinWithEther(made, peerAt(made, i));
  return made;
}

async function joinWithEther(made: Made, peer: Peer): Promise<void> {
  await join(made, peer, { assets: [{ kind: Kind.Ether, token: ZeroAddress, id: 0n, amount: BROUGHT }] });
}

async function pass(made: Made, voters: readonly Peer[], told: Told): Promise<bigint> {
  await made.hub.settle(told.settlement, [], await votesOf(made, voters, hashOfSettlement(told.settlement)));
  return await made.hub.proposalCount(made.channel);
}

async function stateOf({ hub, channel }: Made, proposal: bigint): Promise<bigint> {
  return (await hub.proposalOf(channel, proposal)).state;
}

async function entryAt({ hub, channel }: Made, at: bigint) {
  const [event] = await hub.queryFilter(hub.filters.InboxAdded(channel, at));
  if (event === undefined) throw new Error("no entry");
  const { index, kind, account, timeMs, data } = event.args;
  return { index, kind, account, timeMs, data };
}

async function exitOf(made: Made, peer: Peer) {
  await made.hub.connect(peer.account).requestExit(made.channel);
  return await entryAt(made, (await made.hub.memberOf(made.channel, peer.account)).leftAt);
}

const NO_PROOF = { siblings: [], leafPath: ZeroHash, leafValue: ZeroHash };
const emptyTell = async (made: Made, changes: Change[], telling: Telling = {}) =>
  await tell(made, new StateTreeModel(), changes, telling);

describe("Cartels of a channel", () => {
  describe("members of an old cursor", () => {
    it("should not settle what newer ones brought, nor what would have been without them", async () => {
      for (const windowSeconds of [0n, WINDOW]) {
        const made = await channelWith({ windowSeconds });
        const { hub, channel } = made;
        const first = peerAt(made, 0);
        const theft = ledgerChanges([["exits", first.account.address, ETHER, 4n * BROUGHT]]);
        for (const changes of [theft, []]) {
          // All who were members at the first entry: itself.
          const told = await emptyTell(made, changes, { inboxCursor: 1n, term: 9n });
          const votes = await votesOf(made, [first], hashOfSettlement(told.settlement));
          await expect(hub.settle(told.settlement, changes, votes))
            .to.be.revertedWithCustomError(hub, "ChannelHub_NoQuorum")
            .withArgs(1n, 4n);
          const proposal = await propose(made, first, told.settlement);
          await hub.connect(first.account).vote(channel, proposal, 1n);
          expect(await stateOf(made, proposal)).to.equal(State.Proposed);
          expect((await hub.proposalOf(channel, proposal)).weightCounted).to.equal(4n);
        }
      }
    });

    it("should wait for the window when somebody joined since, even if all of them are for it", async () => {
      const made = await channelWith();
      const { hub, channel } = made;
      const told = await emptyTell(made, ledgerChanges([["exits", peerAt(made, 0).account.address, ETHER, BROUGHT]]));
      await joinWithEther(made, peerAt(made, 4));
      const votes = await votesOf(made, made.peers.slice(0, 4), hashOfSettlement(told.settlement));
      await hub.settle(told.settlement, told.changes, votes);
      expect(await stateOf(made, await hub.proposalCount(channel))).to.equal(State.Pending);
    });

    it("should not bring a fork of their own to a frozen channel", async () => {
      const made = await channelWith();
      const { hub, channel } = made;
      const [first, ...others] = made.peers.slice(0, MEMBERS);
      const honest = others[0];
      if (first === undefined || honest === undefined) throw new Error("no members");
      const truth = ledgerChanges(
        made.peers.slice(0, 4).map(({ account }) => ["owned", account.address, ETHER, BROUGHT]),
      );
      const told = await emptyTell(made, truth);
      const fork = await emptyTell(made, [], { inboxCursor: 1n, term: 9n, to: 99n });
      const entry = await exitOf(made, honest);
      await networkHelpers.time.increase(EXIT);
      await hub.freeze(channel, entry);
      const bring = async (what: Told, by: readonly Peer[]) =>
        await hub.bring(what.settlement, what.headerStruct, await acksOf(made, by, what.header), what.changes);
      await bring(fork, [first]);
      await bring(told, others);
      await expect(bring(fork, [first])).to.be.revertedWithCustomError(hub, "ChannelHub_NotHigher");
      await networkHelpers.time.increase(WINDOW);
      await hub.conclude(channel);
      expect((await hub.headOf(channel)).stateRoot).to.equal(told.settlement.stateRoot);
    });
  });

  describe("a member that accuses falsely", () => {
    it("should not show an omission by chunks in another order", async () => {
      const made = await channelWith();
      const { hub, channel } = made;
      const liar = peerAt(made, 3);
      const state = new StateTreeModel();
      const changes = changesFrom(1, CHUNK + 10);
      const told = await tell(made, state, changes);
      const proposal = await pass(made, made.peers.slice(0, 3), told);
      await hub.connect(liar.account).demandData(channel, proposal, DATA.Changes, 0n, 0n, { value: BOND });
      const swapped = chunkHashesOf(changes).reverse();
      const last = changes.slice(CHUNK);
      await hub.answerChanges(channel, proposal, liar.account, swapped, last);
      const slot = changes[3]?.slot ?? "";
      const part = { chunkHashes: swapped, first: 0n, changes: last };
      await hub.proveOmission(channel, proposal, part, slot, NO_PROOF, state.prove(slot)).catch(() => undefined);
      expect((await hub.memberOf(channel, peerAt(made, 0).account)).stakeWei).to.equal(STAKE);
      expect(await stateOf(made, proposal)).to.equal(State.Pending);
    });

    it("should show an omission in a few transactions, whatever the order of the chunks", async () => {
      for (const isSwapped of [false, true]) {
        const made = await channelWith();
        const { hub, channel } = made;
        const state = new StateTreeModel();
        const changes = changesFrom(1, 2 * CHUNK + 10);
        // Between two chunks.
        const omitted = changes[CHUNK];
        const told = await tell(made, state, changes, { changes: changes.filter((change) => change !== omitted) });
        const proposal = await pass(made, made.peers.slice(0, 3), told);
        const slot = omitted?.slot ?? "";
        let chunks = chunkHashesOf(told.changes).map((hash, i) => ({
          hash,
          of: told.changes.slice(i * CHUNK, (i + 1) * CHUNK),
        }));
        if (isSwapped) chunks = [1, 0, 2].flatMap((i) => chunks[i] ?? []);
        const chunkHashes = chunks.map(({ hash }) => hash);
        const prove = async (at: number, to = at + 1) => {
          const part = { chunkHashes, first: BigInt(at), changes: chunks.slice(at, to).flatMap((chunk) => chunk.of) };
          return await hub.proveOmission(channel, proposal, part, slot, NO_PROOF, state.prove(slot));
        };
        await expect(prove(1)).to.be.revertedWithCustomError(hub, "ChannelHub_NotOfSettlement");
        await prove(0);
        await expect(prove(2)).to.be.revertedWithCustomError(hub, "ChannelHub_NotOfSettlement");
        await prove(1);
        expect(await stateOf(made, proposal)).to.equal(State.Pending);
        await prove(2);
        expect(await stateOf(made, proposal)).to.equal(State.Rejected);
      }
    });

    it("should show an omission within a chunk by that chunk alone", async () => {
      const made = await channelWith();
      const { hub, channel } = made;
      const state = new StateTreeModel();
      const changes = changesFrom(1, 2 * CHUNK + 10);
      const omitted = changes[CHUNK + 5];
      const told = await tell(made, state, changes, { changes: changes.filter((change) => change !== omitted) });
      const proposal = await pass(made, made.peers.slice(0, 3), told);
      const part = {
        chunkHashes: chunkHashesOf(told.changes),
        first: 1n,
        changes: told.changes.slice(CHUNK, 2 * CHUNK),
      };
      const slot = omitted?.slot ?? "";
      await hub.proveOmission(channel, proposal, part, slot, NO_PROOF, state.prove(slot));
      expect(await stateOf(made, proposal)).to.equal(State.Rejected);
    });

    it("should not void a settlement by a list of chunks that nobody has", async () => {
      const made = await channelWith();
      const { hub, channel, stranger } = made;
      const liar = peerAt(made, 3);
      const changes = changesFrom(1, 2 * CHUNK + 10);
      const told = await emptyTell(made, changes);
      const proposal = await pass(made, made.peers.slice(0, 3), told);
      const asking = hub.connect(liar.account);
      const hashes = chunkHashesOf(changes);
      const last = changes.slice(2 * CHUNK);
      await asking.demandData(channel, proposal, DATA.Changes, 0n, 0n, { value: BOND });
      const pair = ethers.solidityPackedKeccak256(["bytes32[]"], [hashes.slice(0, 2).sort()]);
      await hub.answerChanges(channel, proposal, liar.account, [hashes[2] ?? "", pair], last);
      await asking.demandData(channel, proposal, DATA.Changes, 1n, 1n, { value: BOND });
      await hub
        .connect(stranger)
        .answerChanges(channel, proposal, liar.account, hashes, changes.slice(CHUNK, 2 * CHUNK));
      expect((await hub.demandOf(channel, proposal, liar.account)).isOpen).to.equal(false);
      // It had asked for something else, and may ask again as often as before.
      expect((await hub.demandOf(channel, proposal, liar.account)).made).to.equal(1n);
      await asking.demandData(channel, proposal, DATA.Changes, 2n, 2n, { value: BOND });
      await expect(hub.answerChanges(channel, proposal, liar.account, [hashes[2] ?? "", pair], last))
        .to.be.revertedWithCustomError(hub, "ChannelHub_NotOfSettlement")
        .withArgs(channel, proposal);
      await hub.answerChanges(channel, proposal, liar.account, hashes, last);
    });
  });

  it("should give back what a member brought that no settlement has taken", async () => {
    // The only member from before takes nobody in.
    const made = await channelWith({}, 2);
    const { hub, channel } = made;
    const [, newer] = made.peers;
    if (newer === undefined) throw new Error("no members");
    const entry = await exitOf(made, newer);
    const joined = await entryAt(made, (await hub.memberOf(channel, newer.account)).joinedAt);
    await expect(hub.reclaim(channel, joined)).to.be.revertedWithCustomError(hub, "ChannelHub_NotFrozen");
    await networkHelpers.time.increase(EXIT);
    await hub.freeze(channel, entry);
    await expect(hub.reclaim(channel, joined)).to.be.revertedWithCustomError(hub, "ChannelHub_Frozen");
    const first = made.peers.slice(0, 1);
    const truth = new StateTreeModel();
    const owned = ledgerChanges([["owned", first[0]?.account.address ?? "", ETHER, BROUGHT]]);
    const told = await tell(made, truth, owned, { inboxCursor: 1n });
    await hub.bring(told.settlement, told.headerStruct, await acksOf(made, first, told.header), owned);
    await networkHelpers.time.increase(WINDOW);
    await hub.conclude(channel);
    const taken = await entryAt(made, 1n);
    for (const wrong of [taken, entry, { ...joined, account: made.owner.address }]) {
      await expect(hub.reclaim(channel, wrong)).to.be.revertedWithCustomError(hub, "ChannelHub_BadEntry");
    }
    await expect(hub.reclaim(channel, joined)).to.emit(hub, "Reclaimed");
    await expect(hub.reclaim(channel, joined)).to.be.revertedWithCustomError(hub, "ChannelHub_BadEntry");
    const member = newer.account.address;
    const [exits, own] = (["exits", "owned"] as const).map((ledger) => truth.prove(ledgerSlot(ledger, member, ETHER)));
    if (exits === undefined || own === undefined) throw new Error("no proofs");
    await expect(hub.claimByProof(channel, member, ETHER, exits, own)).to.changeEtherBalance(ethers, member, BROUGHT);
    await expect(hub.claimByProof(channel, member, ETHER, exits, own)).to.be.revertedWithCustomError(
      hub,
      "ChannelHub_NothingToClaim",
    );
  });

  it("should not hold an exit up by many false settlements", async () => {
    const made = await channelWith();
    const { hub, channel } = made;
    const cartel = made.peers.slice(0, 3);
    const honest = peerAt(made, 3);
    const state = new StateTreeModel();
    const owned = ledgerChanges(
      made.peers.slice(0, MEMBERS).map(({ account }) => ["owned", account.address, ETHER, BROUGHT] as const),
    );
    const told = await tell(made, state, owned);
    const falseOnes: Told[] = [];
    for (let i = 0n; i < 6n; i++) {
      const theft = ledgerChanges([["exits", cartel[0]?.account.address ?? "", ETHER, 4n * BROUGHT - i]]);
      falseOnes.push(await emptyTell(made, theft, { to: 10n + i }));
    }
    const entry = await exitOf(made, honest);
    await networkHelpers.time.increase(EXIT);
    await hub.freeze(channel, entry);
    const bring = async (what: Told) => {
      await hub.bring(what.settlement, what.headerStruct, await acksOf(made, cartel, what.header), what.changes);
      return await hub.proposalCount(channel);
    };
    await bring(told);
    for (const one of falseOnes) {
      const proposal = await bring(one);
      await hub.connect(honest.account).demandData(channel, proposal, DATA.Records, 4n, 4n, { value: BOND });
    }
    const first = (await hub.freezeOf(channel)).best - 5n;
    await networkHelpers.time.increase(WINDOW + 10n);
    // All at once, from below as from above.
    for (let i = 0n; i < 6n; i++) await hub.resolveDemand(channel, first + i, honest.account);
    await networkHelpers.time.increase(WINDOW);
    await hub.conclude(channel);
    const member = honest.account.address;
    const proofs = (["exits", "owned"] as const).map((ledger) => state.prove(ledgerSlot(ledger, member, ETHER)));
    const [exits, own] = proofs;
    if (exits === undefined || own === undefined) throw new Error("no proofs");
    await expect(hub.claimByProof(channel, member, ETHER, exits, own)).to.changeEtherBalance(ethers, member, BROUGHT);
  });
});
