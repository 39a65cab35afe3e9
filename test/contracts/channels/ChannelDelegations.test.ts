import { expect } from "chai";
import { getBytes, Signature, ZeroAddress } from "ethers";
import fc from "fast-check";
import { network } from "hardhat";

import { candidatesOf } from "../../../src/domain/channel/candidates.ts";
import { countedWeight, NO_MEMBERS, takeEntry, type Membership } from "../../../src/domain/channel/membership.ts";
import { isTaken } from "../../helpers/member-entries.ts";
import { StateTreeModel } from "../../helpers/state-tree-model.ts";
import { acksOf, tell } from "../helpers/channel-states.ts";
import {
  accuse,
  channelOf,
  deployHub,
  hashOfPunishment,
  hashOfSettlement,
  type HubConfig,
  Inbox,
  join,
  type Made,
  Option,
  type Peer,
  peerAt,
  propose,
  punishmentOf,
  settle,
  settlementOf,
  voteOf,
  votesOf,
} from "../helpers/channels.ts";

const { ethers, networkHelpers } = await network.create();

const PEERS = 12;
const WINDOW = 3_600n;
const EXIT = 2n * WINDOW + 600n;

const fixture = async () => await deployHub(ethers, PEERS);
const made = async (members: number, config: Partial<HubConfig> = {}): Promise<Made> =>
  await channelOf(await networkHelpers.loadFixture(fixture), members, config);
const nameOf = (self: Made, index: number): string => peerAt(self, index).account.address;
const first = (self: Made, count: number): Peer[] => self.peers.slice(0, count);
const delegate = async (self: Made, from: number, to: number | undefined) =>
  await self.hub
    .connect(peerAt(self, from).account)
    .delegate(self.channel, to === undefined ? ZeroAddress : nameOf(self, to));

/** What nodes make of the inbox, entry by entry. */
async function membershipsOf({ hub, channel }: Made): Promise<Membership[]> {
  const memberships = [NO_MEMBERS];
  for (const { args } of await hub.queryFilter(hub.filters.InboxAdded(channel))) {
    const { index, kind, account, timeMs, data } = args;
    const entry = {
      index: Number(index),
      kind: Number(kind),
      account: account.toLowerCase(),
      timeMs: Number(timeMs),
      data: getBytes(data),
    };
    memberships.push(takeEntry(memberships.at(-1) ?? NO_MEMBERS, entry));
  }
  return memberships;
}

async function membershipOf(self: Made): Promise<Membership> {
  return (await membershipsOf(self)).at(-1) ?? NO_MEMBERS;
}

/** To whom everybody delegated and what it weighs, on chain and to the nodes. */
async function expectEqual(self: Made): Promise<void> {
  const { members, delegations = new Map<string, readonly string[]>() } = await membershipOf(self);
  for (const { account } of self.peers) {
    const { candidate, weight } = await self.hub.memberOf(self.channel, account);
    const name = account.address.toLowerCase();
    const [target] = [...delegations].find(([, backers]) => backers.includes(name)) ?? [ZeroAddress];
    expect({ name, candidate: candidate.toLowerCase(), weight }).to.deep.equal({
      name,
      candidate: target,
      weight: members.get(name)?.weight ?? 0n,
    });
  }
}

const accountsOf = (membership: Membership): string[] => candidatesOf(membership).map(({ account }) => account);

describe("ChannelHub: delegations", () => {
  describe("a delegation", () => {
    it("is an entry of the inbox, and lets a candidate weigh more and the member nothing", async () => {
      const self = await made(6);
      const { timestamp } = (await ethers.provider.getBlock("latest")) ?? { timestamp: 0 };
      await networkHelpers.time.setNextBlockTimestamp(timestamp + 10);
      const data = ethers.AbiCoder.defaultAbiCoder().encode(["address"], [nameOf(self, 2)]);
      await expect(delegate(self, 5, 2))
        .to.emit(self.hub, "InboxAdded")
        .withArgs(self.channel, 7n, Inbox.Delegate, nameOf(self, 5), BigInt(timestamp + 10) * 1_000n, data);
      await expectEqual(self);
      const { candidate, weight } = await self.hub.memberOf(self.channel, nameOf(self, 5));
      expect([candidate, weight]).to.deep.equal([nameOf(self, 2), 0n]);
      expect((await self.hub.memberOf(self.channel, nameOf(self, 2))).weight).to.equal(2n);
      await delegate(self, 5, 3);
      await expectEqual(self);
      await delegate(self, 5, undefined);
      await expectEqual(self);
      expect((await self.hub.memberOf(self.channel, nameOf(self, 3))).weight).to.equal(1n);
    });

    it("is refused to oneself, to strangers, in chains, beyond the cap, and by who is no member", async () => {
      const self = await made(7);
      const refused = async (from: number, to: number | undefined, error = "ChannelHub_BadDelegation") =>
        await expect(delegate(self, from, to)).to.be.revertedWithCustomError(self.hub, error);
      await refused(0, 0);
      await refused(0, 9);
      await refused(0, undefined);
      await refused(9, 0, "ChannelHub_NotMember");
      await delegate(self, 6, 2);
      // It has a voice that is not its own to pass on, and the other one has none.
      await refused(2, 3);
      await refused(3, 6);
      await expect(delegate(self, 5, 2))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_CandidateFull")
        .withArgs(self.channel, nameOf(self, 2), 1n);
      await self.hub.connect(peerAt(self, 3).account).requestExit(self.channel);
      await refused(3, 4, "ChannelHub_AlreadyLeaving");
      await refused(4, 3);
      await self.app.act(self.hub, 0n, self.hub.interface.encodeFunctionData("close", [self.channel]));
      await refused(4, 5, "ChannelHub_Closed");
    });

    it("has no place where five members are, who all may lead", async () => {
      const self = await made(5);
      await expect(delegate(self, 4, 0))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_CandidateFull")
        .withArgs(self.channel, nameOf(self, 0), 0n);
    });

    it("ends with either member, and waits while the candidate may have fewer", async () => {
      const self = await made(11);
      await delegate(self, 5, 0);
      await delegate(self, 6, 0);
      await delegate(self, 7, 1);
      await expectEqual(self);
      await self.hub.connect(peerAt(self, 10).account).requestExit(self.channel);
      await expectEqual(self);
      expect((await self.hub.memberOf(self.channel, nameOf(self, 0))).weight).to.equal(2n);
      await self.hub.connect(peerAt(self, 5).account).requestExit(self.channel);
      await self.hub.connect(peerAt(self, 1).account).requestExit(self.channel);
      await expectEqual(self);
      expect((await self.hub.memberOf(self.channel, nameOf(self, 0))).weight).to.equal(2n);
      expect((await self.hub.memberOf(self.channel, nameOf(self, 7))).weight).to.equal(1n);
      // Whoever gets their seats begins without backers.
      await settle(self, first(self, 11));
      await join(self, peerAt(self, 11));
      await expectEqual(self);
    });

    it("ends with a ban, and the next leader is a candidate", async () => {
      const self = await made(7, { votesAreProof: true });
      await delegate(self, 1, 6);
      const [leader, reporter] = [peerAt(self, 0), peerAt(self, 1)];
      const punishment = await punishmentOf(self, leader);
      const proposal = await accuse(self, reporter, punishment);
      const votes = await votesOf(self, self.peers.slice(2, 6), hashOfPunishment(punishment));
      await self.hub.voteBySignatures(self.channel, proposal, votes);
      await self.hub.executeProposal(self.channel, proposal, []);
      await expectEqual(self);
      // The reporter gave its voice away.
      expect((await self.hub.channelOf(self.channel)).leader).to.equal(nameOf(self, 2));
    });

    it("leaves the office to the candidate that joined first, or to a reporter that is one", async () => {
      const self = await made(8);
      await delegate(self, 1, 7);
      await self.hub.connect(peerAt(self, 0).account).requestExit(self.channel);
      expect((await self.hub.channelOf(self.channel)).leader).to.equal(nameOf(self, 2));
      expect(accountsOf(await membershipOf(self))).to.include(nameOf(self, 2).toLowerCase());
      const punishment = await punishmentOf(self, peerAt(self, 2));
      const proposal = await accuse(self, peerAt(self, 7), punishment);
      await self.hub.voteBySignatures(
        self.channel,
        proposal,
        await votesOf(self, [peerAt(self, 3)], hashOfPunishment(punishment)),
      );
      await self.hub.executeProposal(self.channel, proposal, []);
      expect((await self.hub.channelOf(self.channel)).leader).to.equal(nameOf(self, 7));
    });
  });

  describe("a vote", () => {
    it("stands for those who delegated and did not vote, and their own replaces it", async () => {
      const self = await made(10);
      for (const [from, to] of [
        [5, 0],
        [6, 1],
        [7, 2],
      ] as const)
        await delegate(self, from, to);
      const settlement = await settlementOf(self);
      const hash = hashOfSettlement(settlement);
      const candidates = await votesOf(self, first(self, 4), hash);
      const settles = async (votes: typeof candidates) => await self.hub.settle.staticCall(settlement, [], votes);
      await settles(candidates);
      const refused = async (votes: typeof candidates, weight: bigint) =>
        await expect(settles(votes))
          .to.be.revertedWithCustomError(self.hub, "ChannelHub_NoQuorum")
          .withArgs(weight, 10n);
      await refused(candidates.slice(0, 3), 6n);
      await refused([...candidates, await voteOf(self, peerAt(self, 5), hash, Option.Against)], 6n);
      await refused([...candidates, await voteOf(self, peerAt(self, 5), hash, Option.Abstain)], 6n);
      // For it as well: counted once.
      await refused([...candidates.slice(0, 3), await voteOf(self, peerAt(self, 5), hash)], 6n);
      await settles([...candidates.slice(0, 3), await voteOf(self, peerAt(self, 8), hash)]);
      // Somebody else's signature in the name of one who delegated is none.
      const forged = { ...(await voteOf(self, peerAt(self, 0), hash)), member: nameOf(self, 5) };
      await expect(settles([...candidates, forged])).to.be.revertedWithCustomError(self.hub, "ChannelHub_BadSignature");
      const { r, s, v } = Signature.from(String(candidates[0]?.signature));
      const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
      const high = `${r}${(order - BigInt(s)).toString(16).padStart(64, "0")}${(55 - v).toString(16)}`;
      await expect(
        settles([{ member: nameOf(self, 0), option: Option.For, signature: high }]),
      ).to.be.revertedWithCustomError(self.hub, "ChannelHub_BadSignature");
    });

    it("is weighed again when a member speaks for itself, and shown with what it stands for", async () => {
      const self = await made(8);
      await delegate(self, 5, 0);
      const proposal = await propose(self, peerAt(self, 0), await settlementOf(self));
      const votes = async (peer: number, option: bigint) =>
        await self.hub.connect(peerAt(self, peer).account).vote(self.channel, proposal, option);
      const weights = async () => {
        const { weightFor, weightAgainst, weightAbstained, weightCounted } = await self.hub.proposalOf(
          self.channel,
          proposal,
        );
        return [weightFor, weightAgainst, weightAbstained, weightCounted];
      };
      await votes(0, Option.Against);
      expect(await weights()).to.deep.equal([0n, 2n, 0n, 8n]);
      await votes(5, Option.For);
      expect(await weights()).to.deep.equal([1n, 1n, 0n, 8n]);
      await votes(1, Option.Abstain);
      await delegate(self, 4, 2);
      await votes(2, Option.For);
      expect(await weights()).to.deep.equal([3n, 1n, 1n, 8n]);
      await delegate(self, 4, undefined);
      expect(await weights()).to.deep.equal([2n, 1n, 1n, 8n]);
    });

    it("of all that may speak for others does not end a window: owners have to sign themselves", async () => {
      const self = await made(10, { windowSeconds: WINDOW });
      for (let i = 5; i < 10; i++) await delegate(self, i, i - 5);
      await settle(self, first(self, 5));
      expect((await self.hub.headOf(self.channel)).height).to.equal(0n);
      expect(await self.hub.proposalCount(self.channel)).to.equal(1n);
      const proposal = await self.hub.proposalOf(self.channel, 1n);
      expect([proposal.weightFor, proposal.finalAt > 0n]).to.deep.equal([10n, true]);
    });
  });

  describe("who is absent", () => {
    it("speaks for nobody and is no candidate, and its share is gone with it", async () => {
      const self = await made(7);
      await delegate(self, 5, 0);
      await delegate(self, 6, 1);
      await setPresent(self, nameOf(self, 0), false);
      await setPresent(self, nameOf(self, 6), false);
      await expectEqual(self);
      const weights = await Promise.all(
        [0, 1, 5].map(async (i) => await self.hub.memberOf(self.channel, nameOf(self, i))),
      );
      expect(weights.map(({ weight }) => weight)).to.deep.equal([1n, 1n, 1n]);
      await self.hub.connect(peerAt(self, 2).account).requestExit(self.channel);
      await setPresent(self, nameOf(self, 0), true);
      await expectEqual(self);
      expect((await self.hub.memberOf(self.channel, nameOf(self, 5))).weight).to.equal(0n);
    });

    it("weighs the same to the hub and the nodes, whatever else happens", async () => {
      const act = fc.tuple(fc.nat(12), fc.nat(PEERS - 1), fc.nat(PEERS - 1));
      await fc.assert(
        fc.asyncProperty(fc.array(act, { minLength: 8, maxLength: 24 }), async (acts) => {
          const self = await made(9);
          for (const [what, who, to] of acts) {
            const isIn = (await membershipOf(self)).members.has(nameOf(self, who).toLowerCase());
            if (what < 10) await live(self, what, who, to);
            else if (isIn) await setPresent(self, nameOf(self, who), what === 10);
            await expectEqual(self);
          }
        }),
        { numRuns: 3 },
      );
    }).timeout(60_000);
  });

  describe("a certificate", () => {
    it("has the weights of its record, and counts nobody's share twice", async () => {
      const self = await made(7, { windowSeconds: WINDOW });
      await delegate(self, 6, 0);
      await delegate(self, 5, 1);
      await delegate(self, 6, undefined);
      await self.hub.connect(peerAt(self, 2).account).requestExit(self.channel);
      await join(self, peerAt(self, 7));
      await delegate(self, 4, 0);
      await freezeBy(self, 3);
      await expectWeightsAtEachEntry(self);
    });

    it("has them whatever happened, and so has the hub (differential, against the nodes)", async () => {
      const act = fc.tuple(fc.nat(11), fc.nat(PEERS - 1), fc.nat(PEERS - 1));
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 6, max: PEERS }), fc.array(act, { maxLength: 24 }), async (n, acts) => {
          const self = await made(n, { windowSeconds: WINDOW });
          for (const [what, who, to] of acts) await live(self, what, who, to);
          await expectEqual(self);
          const { members } = await membershipOf(self);
          const left = self.peers.findIndex(({ account }) => members.has(account.address.toLowerCase()));
          if (left === -1) return;
          await freezeBy(self, left);
          await expectWeightsAtEachEntry(self);
        }),
        { numRuns: 4 },
      );
    }).timeout(60_000);
  });
});

/** The hub hears from its contract for absences that a member does not answer, or is back. */
async function setPresent({ hub, channel }: Made, account: string, isPresent: boolean): Promise<void> {
  const absence = await hub.absence();
  await networkHelpers.setBalance(absence, 10n ** 18n);
  await networkHelpers.impersonateAccount(absence);
  await hub.connect(await ethers.getSigner(absence)).setPresence(channel, account, !isPresent);
}

/** One more thing that happens to a channel, if it can. */
async function live(self: Made, what: number, who: number, to: number): Promise<void> {
  const { hub, channel } = self;
  const membership = await membershipOf(self);
  const peer = peerAt(self, who);
  const name = peer.account.address.toLowerCase();
  const { gone, joinNumber } = await hub.memberOf(channel, name);
  if (!membership.members.has(name)) {
    // Who comes back consents anew.
    if (gone || joinNumber === 0n) await join(self, peer, { consent: { deadline: 2n ** 40n + joinNumber } });
    return;
  }
  if (what < 7) {
    if (isTaken(membership, name, nameOf(self, to).toLowerCase())) await delegate(self, who, to);
    else await expect(delegate(self, who, to)).to.revert(ethers);
  } else if (what === 7) {
    const isDelegating = [...(membership.delegations?.values() ?? [])].flat().includes(name);
    if (isDelegating) await delegate(self, who, undefined);
  } else if (what < 10) await hub.connect(peer.account).requestExit(channel);
  else {
    const seated = new Set(await hub.membersOf(channel));
    await settle(
      self,
      self.peers.filter(({ account }) => seated.has(account.address)),
    );
  }
}

/** Lets a member leave, and nobody settle. */
async function freezeBy(self: Made, index: number): Promise<void> {
  const { hub, channel } = self;
  const account = peerAt(self, index).account;
  await hub.connect(account).requestExit(channel);
  const { leftAt } = await hub.memberOf(channel, account);
  const [event] = await hub.queryFilter(hub.filters.InboxAdded(channel, leftAt));
  if (event === undefined) throw new Error("no entry");
  const { index: at, kind, account: who, timeMs, data } = event.args;
  await networkHelpers.time.increase(EXIT);
  await hub.freeze(channel, { index: at, kind, account: who, timeMs, data });
}

/** The hub says what an ack weighs by refusing a certificate that is too light. */
async function expectWeightsAtEachEntry(self: Made): Promise<void> {
  const { hub, channel } = self;
  const memberships = await membershipsOf(self);
  const { inboxCursor: settled } = await hub.headOf(channel);
  for (const [cursor, membership] of memberships.entries()) {
    if (cursor < settled || membership.members.size < 4) continue;
    const told = await tell(self, new StateTreeModel(), [], {
      inboxCursor: BigInt(cursor),
      to: (await hub.headOf(channel)).height + 1n,
    });
    for (const peer of self.peers) {
      const member = membership.members.get(peer.account.address.toLowerCase());
      if (member === undefined) continue;
      const acks = await acksOf(self, [peer], told.header);
      await expect(
        hub.bring.staticCall(told.settlement, told.headerStruct, [...acks, ...acks], []),
        `${member.account} at ${cursor}`,
      )
        .to.be.revertedWithCustomError(hub, "ChannelHub_NoQuorum")
        .withArgs(member.weight, countedWeight(membership));
    }
  }
}
