import { expect } from "chai";
import { ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";

import { StateTreeModel } from "../../helpers/state-tree-model.ts";
import {
  type Change,
  changesFrom,
  changesRootOf,
  channelOf,
  CHUNK,
  chunkHashesOf,
  deployHub,
  hashOfSettlement,
  Inbox,
  join,
  type Made,
  Mode,
  peerAt,
  propose,
  requestSlot,
  settle,
  settlementOf,
  votesOf,
  wordOf,
} from "../helpers/channels.ts";

const { ethers, networkHelpers } = await network.create();

const EMPTY = { siblings: [], leafPath: ZeroHash, leafValue: ZeroHash };

async function fixture() {
  return await deployHub(ethers, 4);
}

async function made(members: number, mode: bigint = Mode.Slots): Promise<Made> {
  return await channelOf(await networkHelpers.loadFixture(fixture), members, { mode });
}

const asked = (account: string, newValue = wordOf(1n)): Change => ({
  slot: requestSlot(account),
  oldValue: newValue === ZeroHash ? wordOf(1n) : ZeroHash,
  newValue,
});

/** A state in which these are asked for, zero being the channel's end. */
function stateOf(...accounts: string[]): StateTreeModel {
  const tree = new StateTreeModel();
  tree.set(wordOf(0n), wordOf(6n));
  for (const account of accounts) tree.set(requestSlot(account), wordOf(1n));
  return tree;
}

const isRefused = async (call: Promise<unknown>, { hub }: Made, name: string): Promise<void> =>
  await expect(call).to.be.revertedWithCustomError(hub, name);

const lastEntryOf = async ({ hub, channel }: Made) => {
  const { kind, account, data } = (await hub.queryFilter(hub.filters.InboxAdded(channel))).at(-1)!.args;
  return [kind, account, data];
};

describe("ChannelHub, of what programs ask for,", () => {
  describe("in the mode of slots", () => {
    it("takes a leave that the settled store asks for, from anybody, once", async () => {
      const self = await made(3);
      const [first, second, third] = [peerAt(self, 0), peerAt(self, 1), peerAt(self, 2)];
      const { address } = second.account;
      const leave = (who = address) => self.hub.connect(self.stranger).leaveByRequest(self.channel, who);
      // Nothing is settled yet, then something that does not ask for it.
      for (const changes of [[], changesFrom(0, 2)]) {
        await isRefused(leave(), self, "ChannelHub_NotRequested");
        await settle(self, [first, second, third], {}, changes);
      }
      await expect(leave())
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NotRequested")
        .withArgs(self.channel, address);
      await settle(self, [first, second, third], {}, [asked(address)]);
      await isRefused(leave(first.account.address), self, "ChannelHub_NotRequested");
      await expect(leave()).to.emit(self.hub, "InboxAdded");
      expect(await lastEntryOf(self)).to.deep.equal([Inbox.Leave, address, "0x"]);
      expect((await self.hub.memberOf(self.channel, second.account)).leftAt).to.equal(4n);
      await isRefused(leave(), self, "ChannelHub_AlreadyLeaving");
      await settle(self, [first, second, third]);
      // Also when the flag stays where the program should have taken it back.
      await isRefused(leave(), self, "ChannelHub_NotMember");
    });

    it("lets a member that came back stay until it is asked for again", async () => {
      const self = await made(4);
      const second = peerAt(self, 1);
      const all = self.peers.slice(0, 4);
      const others = all.filter((peer) => peer !== second);
      const { address } = second.account;
      const leave = () => self.hub.leaveByRequest(self.channel, address);
      await settle(self, all, {}, [asked(address)]);
      await leave();
      await settle(self, all, {}, [asked(address, ZeroHash)]);
      // The program asks for the leave of who is not in; then it joins again.
      await settle(self, others, {}, [asked(address)]);
      await isRefused(leave(), self, "ChannelHub_NotMember");
      await join(self, second, { consent: { deadline: 2n ** 40n + 1n } });
      await isRefused(leave(), self, "ChannelHub_NotRequested");
      // A settlement that did not take the join knows nothing of it; the one that did has the flag cleared.
      const { inboxLength } = await self.hub.channelOf(self.channel);
      await settle(self, others, { inboxCursor: inboxLength - 1n });
      await isRefused(leave(), self, "ChannelHub_NotRequested");
      await settle(self, all, {}, [asked(address, ZeroHash)]);
      await isRefused(leave(), self, "ChannelHub_NotRequested");
      await settle(self, all, {}, [asked(address)]);
      await leave();
      expect(await lastEntryOf(self)).to.deep.equal([Inbox.Leave, address, "0x"]);
    });

    it("starts the next term with the leave of the leader", async () => {
      const self = await made(2);
      const [first, second] = [peerAt(self, 0), peerAt(self, 1)];
      await settle(self, [first, second], {}, [asked(first.account.address)]);
      await expect(self.hub.leaveByRequest(self.channel, first.account.address))
        .to.emit(self.hub, "TermStarted")
        .withArgs(self.channel, 2n, second.account.address);
    });

    it("takes the channel's end that the settled store asks for, from anybody, once", async () => {
      const self = await made(2);
      const [first, second] = [peerAt(self, 0), peerAt(self, 1)];
      const close = () => self.hub.connect(self.stranger).closeByRequest(self.channel);
      await isRefused(close(), self, "ChannelHub_NotRequested");
      await settle(self, [first, second], {}, [asked(first.account.address)]);
      await expect(close())
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NotRequested")
        .withArgs(self.channel, ZeroAddress);
      await settle(self, [first, second], {}, [asked(ZeroAddress)]);
      // Nobody's leave is asked for with that.
      await isRefused(self.hub.leaveByRequest(self.channel, ZeroAddress), self, "ChannelHub_NotMember");
      await close();
      expect(await lastEntryOf(self)).to.deep.equal([Inbox.Close, self.stranger.address, "0x"]);
      await isRefused(close(), self, "ChannelHub_Closed");
      await settle(self, [first, second]);
      expect((await self.hub.channelOf(self.channel)).closed).to.equal(true);
      await isRefused(self.hub.leaveByRequest(self.channel, first.account.address), self, "ChannelHub_Closed");
    });

    it("waits while changes are applied by parts", async () => {
      const self = await made(2);
      const [first, second] = [peerAt(self, 0), peerAt(self, 1)];
      const { address } = second.account;
      await settle(self, [first, second], {}, [asked(address), asked(ZeroAddress)].sort(bySlot));
      const changes = changesFrom(0, CHUNK + 1);
      const settlement = await settlementOf(self, { changesRoot: changesRootOf(changes) });
      const proposal = await propose(self, first, settlement);
      const votes = await votesOf(self, [first, second], hashOfSettlement(settlement));
      await self.hub.voteBySignatures(self.channel, proposal, votes);
      const hashes = chunkHashesOf(changes);
      await self.hub.applyChanges(self.channel, proposal, hashes, 0n, changes.slice(0, CHUNK));
      for (const locked of [
        () => self.hub.leaveByRequest(self.channel, address),
        () => self.hub.leaveByProof(self.channel, address, EMPTY),
        () => self.hub.closeByRequest(self.channel),
        () => self.hub.closeByProof(self.channel, EMPTY),
      ]) {
        await isRefused(locked(), self, "ChannelHub_Locked");
      }
      await self.hub.applyChanges(self.channel, proposal, hashes, 1n, changes.slice(CHUNK));
      await self.hub.leaveByRequest(self.channel, address);
      await self.hub.closeByRequest(self.channel);
    });
  });

  describe("in the mode of roots", () => {
    it("takes a leave by a proof under the settled root alone", async () => {
      const self = await made(3, Mode.Root);
      const [first, second, third] = [peerAt(self, 0), peerAt(self, 1), peerAt(self, 2)];
      const { address } = second.account;
      const leave = (proof = EMPTY as ReturnType<StateTreeModel["prove"]>) =>
        self.hub.connect(self.stranger).leaveByProof(self.channel, address, proof);
      const state = stateOf(address, third.account.address);
      const proof = state.prove(requestSlot(address));
      await isRefused(leave(), self, "ChannelHub_NotRequested");
      await expect(leave(proof)).to.revert(ethers);
      const before = stateOf();
      await settle(self, [first, second, third], { stateRoot: before.root() });
      await isRefused(leave(before.prove(requestSlot(address))), self, "ChannelHub_NotRequested");
      await settle(self, [first, second, third], { stateRoot: state.root() });
      await isRefused(self.hub.leaveByRequest(self.channel, address), self, "ChannelHub_WrongMode");
      await expect(leave(state.prove(requestSlot(third.account.address)))).to.revert(ethers);
      await expect(leave({ ...proof, leafValue: wordOf(2n) })).to.revert(ethers);
      await leave(proof);
      expect(await lastEntryOf(self)).to.deep.equal([Inbox.Leave, address, "0x"]);
      await isRefused(leave(proof), self, "ChannelHub_AlreadyLeaving");
      await settle(self, [first, second, third], { stateRoot: state.root() });
      await join(self, second, { consent: { deadline: 2n ** 40n + 1n } });
      await isRefused(leave(proof), self, "ChannelHub_NotRequested");
    });

    it("takes the channel's end by a proof under the settled root alone", async () => {
      const self = await made(1, Mode.Root);
      const close = (proof: ReturnType<StateTreeModel["prove"]>) => self.hub.closeByProof(self.channel, proof);
      const [other, state] = [stateOf(peerAt(self, 0).account.address), stateOf(ZeroAddress)];
      await settle(self, [peerAt(self, 0)], { stateRoot: other.root() });
      await isRefused(close(other.prove(requestSlot(ZeroAddress))), self, "ChannelHub_NotRequested");
      await expect(close(state.prove(requestSlot(ZeroAddress)))).to.revert(ethers);
      await settle(self, [peerAt(self, 0)], { stateRoot: state.root() });
      await isRefused(self.hub.closeByRequest(self.channel), self, "ChannelHub_WrongMode");
      await close(state.prove(requestSlot(ZeroAddress)));
      expect((await lastEntryOf(self))[0]).to.equal(Inbox.Close);
      await isRefused(close(state.prove(requestSlot(ZeroAddress))), self, "ChannelHub_Closed");
    });
  });

  it("takes proofs in the mode of slots too", async () => {
    const self = await made(2);
    const [first, second] = [peerAt(self, 0), peerAt(self, 1)];
    const state = stateOf(second.account.address, ZeroAddress);
    await settle(self, [first, second], { stateRoot: state.root() });
    await self.hub.leaveByProof(self.channel, second.account, state.prove(requestSlot(second.account.address)));
    await self.hub.closeByProof(self.channel, state.prove(requestSlot(ZeroAddress)));
    expect((await self.hub.channelOf(self.channel)).inboxLength).to.equal(4n);
  });
});

function bySlot(a: Change, b: Change): number {
  return a.slot < b.slot ? -1 : 1;
}
