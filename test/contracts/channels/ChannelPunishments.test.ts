import { expect } from "chai";
import { AbiCoder, ZeroAddress } from "ethers";
import { network } from "hardhat";

import {
  accuse,
  BAN_MS,
  changesFrom,
  channelOf,
  deployHub,
  FINE,
  hashOfPunishment,
  Inbox,
  join,
  type HubConfig,
  type Made,
  Notice,
  OBJECTION_SECONDS,
  Option,
  type Peer,
  peerAt,
  punishmentData,
  punishmentOf,
  Reason,
  settle,
  STAKE,
  State,
  votesOf,
} from "../helpers/channels.ts";

const { ethers, networkHelpers } = await network.create();

const coder = AbiCoder.defaultAbiCoder();

const fixture = async () => await deployHub(ethers, 5);
const made = async (members: number, config: Partial<HubConfig> = {}): Promise<Made> =>
  await channelOf(await networkHelpers.loadFixture(fixture), members, config);
const proof = { votesAreProof: true, stakeWei: STAKE, fineWei: FINE };

async function officeOf({ hub, channel }: Made) {
  const { term, leader } = await hub.channelOf(channel);
  return [term, leader];
}

async function kindsFrom({ hub, channel }: Made, first: bigint) {
  const events = await hub.queryFilter(hub.filters.InboxAdded(channel));
  return events.map(({ args }) => args).filter(({ index }) => index >= first);
}

/** Accuses and brings the votes of others. */
async function accuseWith(self: Made, by: Peer, target: Peer, others: readonly Peer[], parts = {}): Promise<bigint> {
  const punishment = await punishmentOf(self, target, parts);
  const proposal = await accuse(self, by, punishment);
  await self.hub.voteBySignatures(self.channel, proposal, await votesOf(self, others, hashOfPunishment(punishment)));
  return proposal;
}

const execute = async (self: Made, proposal: bigint) => await self.hub.executeProposal(self.channel, proposal, []);
const stateOf = async (self: Made, proposal: bigint): Promise<bigint> =>
  (await self.hub.proposalOf(self.channel, proposal)).state;

describe("ChannelHub: punishments", () => {
  describe("of one member", () => {
    it("are none: nobody accuses itself", async () => {
      const self = await made(1);
      const data = punishmentData(await punishmentOf(self, peerAt(self, 0)));
      await expect(self.hub.connect(peerAt(self, 0).account).createProposal(self.channel, 2n, data))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NotMember")
        .withArgs(self.channel, peerAt(self, 0).account.address);
    });
  });

  describe("of two members", () => {
    it("remove the leader by the other one's word, for five minutes and without a fine", async () => {
      const self = await made(2, proof);
      const [leader, other] = [peerAt(self, 0), peerAt(self, 1)];
      const proposal = await accuse(self, other, await punishmentOf(self, leader));
      expect(await stateOf(self, proposal)).to.equal(State.Passed);
      const action = await self.hub.executeProposal.staticCall(self.channel, proposal, []);
      expect([action.proposalType, action.punishment.target]).to.deep.equal([2n, leader.account.address]);
      const sent = execute(self, proposal);
      await expect(sent)
        .to.emit(self.hub, "MemberBanned")
        .withArgs(self.channel, proposal, leader.account.address, (value: bigint) => value > 0n, 0n);
      const untilMs = BigInt(await networkHelpers.time.latest()) * 1_000n + BAN_MS;
      expect(await officeOf(self)).to.deep.equal([2n, other.account.address]);
      const entries = await kindsFrom(self, 3n);
      expect(entries.map(({ kind, account, data }) => [kind, account, data])).to.deep.equal([
        [Inbox.Ban, leader.account.address, coder.encode(["uint64", "address"], [untilMs, other.account.address])],
        [Inbox.Term, other.account.address, coder.encode(["uint64", "address"], [2n, other.account.address])],
      ]);
      const member = await self.hub.memberOf(self.channel, leader.account);
      expect([member.bannedUntilMs, member.leftAt, member.stakeWei, member.gone]).to.deep.equal([
        untilMs,
        3n,
        STAKE,
        false,
      ]);
      expect((await self.app.heard()).map(({ notice, member: who }) => [notice, who])).to.deep.equal([
        [Notice.MemberBanned, leader.account.address],
      ]);
      expect(await stateOf(self, proposal)).to.equal(State.Final);

      // It has no vote any more, its stake is free once the ban is final, and it may come back then.
      await expect(settle(self, [leader, other])).to.be.revertedWithCustomError(self.hub, "ChannelHub_NotMember");
      await settle(self, [other]);
      const last = await self.hub.proposalCount(self.channel);
      await networkHelpers.time.increase(OBJECTION_SECONDS);
      await execute(self, last);
      expect(await self.hub.creditOf(self.channel, leader.account)).to.equal(STAKE);
      await join(self, leader, { consent: { deadline: 2n ** 41n } });
      expect(await officeOf(self)).to.deep.equal([2n, other.account.address]);
    });

    it("let nobody take all by its word alone: without a window too there is time to object", async () => {
      const self = await made(2);
      const [leader, other] = [peerAt(self, 0), peerAt(self, 1)];
      await execute(self, await accuse(self, other, await punishmentOf(self, leader)));
      const changes = changesFrom(0, 1);
      await settle(self, [other], {}, changes);
      const last = await self.hub.proposalCount(self.channel);
      const finalAt = BigInt(await networkHelpers.time.latest()) + OBJECTION_SECONDS;
      const view = await self.hub.proposalOf(self.channel, last);
      expect([view.state, view.finalAt]).to.deep.equal([State.Pending, finalAt]);
      await networkHelpers.time.setNextBlockTimestamp(finalAt - 1n);
      await expect(self.hub.executeProposal(self.channel, last, changes))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongState")
        .withArgs(self.channel, last, State.Pending);
      await networkHelpers.time.setNextBlockTimestamp(finalAt);
      await self.hub.executeProposal(self.channel, last, changes);
      // Gone with it: who is left is all again.
      await settle(self, [other]);
      expect((await self.hub.headOf(self.channel)).height).to.equal(20n);
    });

    it("leave who was banned the window's time, although all who vote are for a settlement", async () => {
      const self = await made(2, { windowSeconds: 100n });
      const [leader, other] = [peerAt(self, 0), peerAt(self, 1)];
      await execute(self, await accuse(self, other, await punishmentOf(self, leader)));
      await settle(self, [other]);
      const last = await self.hub.proposalCount(self.channel);
      expect(await stateOf(self, last)).to.equal(State.Pending);
      expect((await self.hub.headOf(self.channel)).height).to.equal(0n);
      await networkHelpers.time.increase(100n);
      await execute(self, last);
      // Gone with it: all who vote are all again.
      await settle(self, [other]);
      expect(await self.hub.proposalCount(self.channel)).to.equal(last);
    });

    it("are not the leader's to make against the other one", async () => {
      const self = await made(2);
      const data = punishmentData(await punishmentOf(self, peerAt(self, 1)));
      await expect(self.hub.connect(peerAt(self, 0).account).createProposal(self.channel, 2n, data))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_BadPunishment")
        .withArgs(self.channel);
      const strict = await made(2, proof);
      const proposal = await accuse(strict, peerAt(strict, 0), await punishmentOf(strict, peerAt(strict, 1)));
      await expect(execute(strict, proposal))
        .to.be.revertedWithCustomError(strict.hub, "ChannelHub_WrongState")
        .withArgs(strict.channel, proposal, State.Proposed);
    });
  });

  describe("of three and more members", () => {
    it("need time to object where those who are left are no quorum of all that own, and none where they are", async () => {
      for (const [members, waits] of [
        [3, true],
        [4, false],
        [5, false],
      ] as const) {
        const self = await made(members, proof);
        const [leader, ...others] = self.peers.slice(0, members) as [Peer, ...Peer[]];
        const punishment = await punishmentOf(self, leader);
        const proposal = await accuse(self, others[0]!, punishment);
        const votes = await votesOf(self, others.slice(1), hashOfPunishment(punishment));
        await self.hub.voteBySignatures(self.channel, proposal, votes);
        await execute(self, proposal);
        const { bannedUntilMs } = await self.hub.memberOf(self.channel, leader.account);
        await settle(self, others);
        expect((await self.hub.headOf(self.channel)).height, `${members} members`).to.equal(waits ? 0n : 10n);
        if (waits) continue;
        // Gone, and back when its time is over.
        const consent = { deadline: 2n ** 41n };
        await networkHelpers.time.setNextBlockTimestamp(bannedUntilMs / 1_000n - 1n);
        await expect(join(self, leader, { consent }))
          .to.be.revertedWithCustomError(self.hub, "ChannelHub_Banned")
          .withArgs(self.channel, leader.account.address, bannedUntilMs);
        await networkHelpers.time.setNextBlockTimestamp(bannedUntilMs / 1_000n);
        await join(self, leader, { consent });
      }
    });

    for (const members of [3, 4, 5]) {
      it(`suspend the leader of ${members} by two of the others, and ban nobody`, async () => {
        const self = await made(members, { stakeWei: STAKE, fineWei: FINE });
        const [leader, reporter, other] = [peerAt(self, 0), peerAt(self, 2), peerAt(self, 1)];
        const punishment = await punishmentOf(self, leader);
        const proposal = await accuse(self, reporter, punishment);
        await expect(execute(self, proposal))
          .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongState")
          .withArgs(self.channel, proposal, State.Proposed);
        const votes = await votesOf(self, [other], hashOfPunishment(punishment));
        await self.hub.voteBySignatures(self.channel, proposal, votes);
        await execute(self, proposal);
        expect(await officeOf(self)).to.deep.equal([2n, reporter.account.address]);
        const { leftAt, bannedUntilMs, stakeWei } = await self.hub.memberOf(self.channel, leader.account);
        expect([leftAt, bannedUntilMs, stakeWei]).to.deep.equal([0n, 0n, STAKE]);
        expect((await kindsFrom(self, BigInt(members + 1))).map(({ kind }) => kind)).to.deep.equal([Inbox.Term]);
        expect(await stateOf(self, proposal)).to.equal(State.Final);
        // What was said of one term says nothing of the next one.
        const data = punishmentData(punishment);
        await expect(self.hub.connect(reporter.account).createProposal(self.channel, 2n, data))
          .to.be.revertedWithCustomError(self.hub, "ChannelHub_BadPunishment")
          .withArgs(self.channel);
      });
    }

    it("do not listen to the accused, nor to votes against", async () => {
      const self = await made(4);
      const [leader, reporter, other] = [peerAt(self, 0), peerAt(self, 1), peerAt(self, 2)];
      const punishment = await punishmentOf(self, leader);
      const proposal = await accuse(self, reporter, punishment);
      const hash = hashOfPunishment(punishment);
      await expect(self.hub.voteBySignatures(self.channel, proposal, await votesOf(self, [leader], hash)))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NotMember")
        .withArgs(self.channel, leader.account.address);
      await self.hub.voteBySignatures(self.channel, proposal, await votesOf(self, [other], hash, Option.Against));
      expect(await stateOf(self, proposal)).to.equal(State.Proposed);
    });

    it("ban and fine by a quorum of the others where votes are proof, and the others share the fine", async () => {
      const self = await made(5, { ...proof, fineWei: 10n ** 17n + 3n });
      const [leader, reporter, ...others] = self.peers as [Peer, Peer, ...Peer[]];
      const punishment = await punishmentOf(self, leader);
      const proposal = await accuse(self, reporter, punishment);
      const votes = await votesOf(self, others, hashOfPunishment(punishment));
      await self.hub.voteBySignatures(self.channel, proposal, votes.slice(0, 1));
      await execute(self, proposal);
      expect(await officeOf(self)).to.deep.equal([2n, reporter.account.address]);
      // Two of four suspend, three ban.
      expect(await stateOf(self, proposal)).to.equal(State.Proposed);
      await self.hub.voteBySignatures(self.channel, proposal, votes.slice(1, 2));
      await expect(execute(self, proposal))
        .to.emit(self.hub, "MemberBanned")
        .withArgs(self.channel, proposal, leader.account.address, (value: bigint) => value > 0n, 10n ** 17n + 3n);
      expect(await officeOf(self)).to.deep.equal([2n, reporter.account.address]);
      const share = 10n ** 17n / 4n;
      const credits = await Promise.all(
        self.peers.map(async ({ account }) => await self.hub.creditOf(self.channel, account)),
      );
      expect(credits).to.deep.equal([0n, share + 3n, share, share, share]);
      expect((await self.hub.memberOf(self.channel, leader.account)).stakeWei).to.equal(STAKE - 10n ** 17n - 3n);
      await settle(self, self.peers.slice(1));
      expect(await self.hub.creditOf(self.channel, leader.account)).to.equal(STAKE - 10n ** 17n - 3n);
      for (const { account } of self.peers)
        await self.hub.connect(account).withdrawStake(self.channel, account.address);
      const { vault } = await self.hub.channelOf(self.channel);
      // The stakes of the four that are still there.
      expect(await ethers.provider.getBalance(vault)).to.equal(4n * STAKE);
    });

    it("fine no more than the stake, from the pool where it is from", async () => {
      const self = await made(2, { ...proof, fineWei: 5n * STAKE });
      const target = peerAt(self, 2);
      await self.pool.deposit(target.account, { value: 3n * STAKE });
      await join(self, target, { consent: { stakeSource: await self.pool.getAddress() } });
      const { vault } = await self.hub.channelOf(self.channel);
      const proposal = await accuseWith(self, peerAt(self, 0), target, [peerAt(self, 1)]);
      await expect(execute(self, proposal)).to.changeEtherBalances(ethers, [self.pool, vault], [-STAKE, STAKE]);
      expect(await self.pool.reservationOf(target.account, self.channel)).to.equal(0n);
      expect(await self.pool.freeOf(target.account)).to.equal(2n * STAKE);
      for (const { account } of self.peers.slice(0, 2)) {
        expect(await self.hub.creditOf(self.channel, account)).to.equal(STAKE / 2n);
      }
      await settle(self, self.peers.slice(0, 2));
      expect(await self.hub.creditOf(self.channel, target.account)).to.equal(0n);
    });

    it("ban the leader and start a term at once when the votes come together", async () => {
      const self = await made(3, { ...proof, fineWei: 0n });
      const proposal = await accuseWith(self, peerAt(self, 1), peerAt(self, 0), [peerAt(self, 2)]);
      await execute(self, proposal);
      expect((await kindsFrom(self, 4n)).map(({ kind }) => kind)).to.deep.equal([Inbox.Ban, Inbox.Term]);
      expect(await officeOf(self)).to.deep.equal([2n, peerAt(self, 1).account.address]);
    });

    it("of a leader give the office to the eldest when the reporter is leaving", async () => {
      const self = await made(4);
      const [leader, eldest, reporter, other] = self.peers as [Peer, Peer, Peer, Peer];
      const proposal = await accuseWith(self, reporter, leader, [other]);
      await self.hub.connect(reporter.account).requestExit(self.channel);
      await execute(self, proposal);
      expect(await officeOf(self)).to.deep.equal([2n, eldest.account.address]);
    });

    it("keep the entry of a leave that was before the ban", async () => {
      const self = await made(4, proof);
      const target = peerAt(self, 3);
      await self.hub.connect(target.account).requestExit(self.channel);
      const proposal = await accuseWith(self, peerAt(self, 0), target, [peerAt(self, 1), peerAt(self, 2)]);
      await execute(self, proposal);
      expect((await self.hub.memberOf(self.channel, target.account)).leftAt).to.equal(5n);
    });

    it("do not count an accuser that was banned itself", async () => {
      const self = await made(4, proof);
      const [leader, b, c, d] = self.peers as [Peer, Peer, Peer, Peer];
      const against = await accuseWith(self, b, leader, [c]);
      await execute(self, await accuseWith(self, leader, c, [b, d]));
      expect(await stateOf(self, against)).to.equal(State.Proposed);
    });
  });

  describe("an accusation", () => {
    it("is of a member that is in, of this channel and a term that was, for a reason", async () => {
      const self = await made(3);
      const [leader, reporter, other] = self.peers as [Peer, Peer, Peer];
      const own = self.hub.connect(reporter.account);
      for (const wrong of [
        { target: self.owner.address },
        { target: ZeroAddress },
        { target: other.account.address },
        { term: 65_538n },
        { term: 2n ** 63n },
        { term: 0n },
        { reason: 0n },
        { reason: Reason.Equivocation + 1n },
      ]) {
        const data = punishmentData(await punishmentOf(self, leader, wrong));
        await expect(own.createProposal(self.channel, 2n, data), JSON.stringify(Object.keys(wrong)))
          .to.be.revertedWithCustomError(self.hub, "ChannelHub_BadPunishment")
          .withArgs(self.channel);
      }
      const foreign = punishmentData(await punishmentOf(self, leader, { channel: self.channel + 1n }));
      await expect(own.createProposal(self.channel, 2n, foreign)).to.be.revertedWithCustomError(
        self.hub,
        "ChannelHub_NotOfChannel",
      );
      await expect(self.hub.createProposal(self.channel, 2n, punishmentData(await punishmentOf(self, leader))))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NotMember")
        .withArgs(self.channel, self.owner.address);
    });

    it("may be of whoever leads a term that the members have elected, and the next term is after that", async () => {
      const self = await made(4);
      const [leader, reporter, target, other] = self.peers as [Peer, Peer, Peer, Peer];
      const proposal = await accuse(self, reporter, await punishmentOf(self, target, { term: 65_537n }));
      await self.hub.connect(leader.account).vote(self.channel, proposal, Option.For);
      // Two take the office from whom the hub knows to have it, and from nobody else.
      expect(await stateOf(self, proposal)).to.equal(State.Proposed);
      await self.hub.connect(other.account).vote(self.channel, proposal, Option.For);
      await execute(self, proposal);
      expect(await officeOf(self)).to.deep.equal([65_538n, reporter.account.address]);
      expect((await self.hub.memberOf(self.channel, target.account)).bannedUntilMs).to.equal(0n);
    });

    it("of two members takes such an office, and bans nobody whom the hub does not know to lead", async () => {
      const self = await made(2, proof);
      const [leader, other] = [peerAt(self, 0), peerAt(self, 1)];
      const proposal = await accuse(self, leader, await punishmentOf(self, other, { term: 4n }));
      await execute(self, proposal);
      expect(await officeOf(self)).to.deep.equal([5n, leader.account.address]);
      expect((await self.hub.memberOf(self.channel, other.account)).bannedUntilMs).to.equal(0n);
    });

    it("is void once somebody else has a seat of those who voted, and can be made again", async () => {
      const self = await made(4);
      const [leader, reporter, other, leaver] = self.peers as [Peer, Peer, Peer, Peer];
      const punishment = await punishmentOf(self, leader);
      const proposal = await accuse(self, reporter, punishment);
      await self.hub.connect(leaver.account).requestExit(self.channel);
      await settle(self, self.peers.slice(0, 4));
      expect(await stateOf(self, proposal)).to.equal(State.Rejected);
      const votes = await votesOf(self, [other], hashOfPunishment(punishment));
      await expect(self.hub.voteBySignatures(self.channel, proposal, votes))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongState")
        .withArgs(self.channel, proposal, State.Rejected);
      const again = await accuse(self, reporter, punishment);
      await self.hub.voteBySignatures(self.channel, again, votes);
      await execute(self, again);
      expect(await officeOf(self)).to.deep.equal([2n, reporter.account.address]);
    });

    it("of who was banned is void, and does not fine twice", async () => {
      const self = await made(4, proof);
      const [leader, b, c, d] = self.peers as [Peer, Peer, Peer, Peer];
      const punishment = await punishmentOf(self, leader);
      const [one, two] = [await accuse(self, b, punishment), await accuse(self, c, punishment)];
      const votes = await votesOf(self, [b, c, d], hashOfPunishment(punishment));
      await self.hub.voteBySignatures(self.channel, one, votes);
      await self.hub.voteBySignatures(self.channel, two, votes);
      await execute(self, one);
      expect(await stateOf(self, two)).to.equal(State.Rejected);
      await expect(execute(self, two)).to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongState");
      const data = punishmentData(punishment);
      await expect(self.hub.connect(b.account).createProposal(self.channel, 2n, data))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_BadPunishment")
        .withArgs(self.channel);
      // A settlement needs the quorum of those who are left.
      await expect(settle(self, [b, c]))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NoQuorum")
        .withArgs(2n, 3n);
      await settle(self, [b, c, d]);
      expect((await self.hub.memberOf(self.channel, leader.account)).gone).to.equal(true);
    });
  });
});
