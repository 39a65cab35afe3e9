import { expect } from "chai";
import { AbiCoder, id, Signature, Wallet, ZeroAddress } from "ethers";
import { network } from "hardhat";

import {
  channelOf,
  createChannel,
  deployHub,
  domainOf,
  hashOfSettlement,
  join,
  type HubConfig,
  type Made,
  OBJECTION_SECONDS,
  Option,
  type Peer,
  peerAt,
  propose,
  punishmentData,
  punishmentOf,
  settle,
  settlementData,
  settlementOf,
  State,
  voteOf,
  votesOf,
} from "../helpers/channels.ts";

const { ethers, networkHelpers } = await network.create();

/** By the number of counted members: how many must be for it. */
const NEEDED = [0, 1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8, 9, 9, 10, 11, 11, 12, 13, 13, 14];
const MANY = NEEDED.length - 1;
const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

const fixture = async () => await deployHub(ethers, 5);
const manyFixture = async () => await deployHub(ethers, MANY);
const made = async (members: number, config: Partial<HubConfig> = {}): Promise<Made> =>
  await channelOf(await networkHelpers.loadFixture(fixture), members, config);
const first = (self: Made, count: number): Peer[] => self.peers.slice(0, count);
const stateOf = async (self: Made, proposal: bigint): Promise<bigint> =>
  (await self.hub.proposalOf(self.channel, proposal)).state;

describe("ChannelHub: votes", () => {
  describe("a quorum", () => {
    it(`is strictly more than two thirds of 1 to ${MANY} members`, async () => {
      const self = await createChannel(await networkHelpers.loadFixture(manyFixture));
      for (let n = 1; n <= MANY; n++) {
        await join(self, peerAt(self, n - 1));
        const settlement = await settlementOf(self);
        const votes = await votesOf(self, first(self, n), hashOfSettlement(settlement));
        const needed = NEEDED[n] ?? 0;
        await expect(self.hub.settle.staticCall(settlement, [], votes.slice(0, needed - 1)), `${n}`)
          .to.be.revertedWithCustomError(self.hub, "ChannelHub_NoQuorum")
          .withArgs(needed - 1, n);
        await self.hub.settle(settlement, [], votes.slice(0, needed));
        expect((await self.hub.headOf(self.channel)).height, `${n}`).to.equal(settlement.toHeight);
      }
    });

    it("is of nobody never reached", async () => {
      const self = await made(0);
      await expect(settle(self, [])).to.be.revertedWithCustomError(self.hub, "ChannelHub_NoQuorum").withArgs(0n, 0n);
    });

    it("is of those who joined later too, though they have no vote", async () => {
      const self = await made(5);
      for (const [cursor, voters] of [
        [1n, 1],
        [2n, 2],
        [3n, 3],
      ] as const) {
        await expect(settle(self, first(self, voters), { inboxCursor: cursor }))
          .to.be.revertedWithCustomError(self.hub, "ChannelHub_NoQuorum")
          .withArgs(voters, 5n);
      }
      await settle(self, first(self, 4), { inboxCursor: 4n });
    });

    it("has no use for votes of members who joined later", async () => {
      const self = await made(3);
      await expect(settle(self, first(self, 3), { inboxCursor: 2n }))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NotMember")
        .withArgs(self.channel, peerAt(self, 2).account.address);
    });

    it("counts who abstains and who is silent, and not who is absent", async () => {
      const self = await made(4, { aliveSeconds: 60n });
      const settlement = await settlementOf(self);
      const hash = hashOfSettlement(settlement);
      const [a, b, c, d] = [peerAt(self, 0), peerAt(self, 1), peerAt(self, 2), peerAt(self, 3)];
      const two = await votesOf(self, [a, b], hash);
      await expect(self.hub.settle.staticCall(settlement, [], two))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NoQuorum")
        .withArgs(2n, 4n);
      await networkHelpers.time.increase(61n);
      for (const { account } of [a, b, c]) await self.hub.connect(account).keepAlive(self.channel, []);
      const refused = expect(self.hub.settle.staticCall(settlement, [], two));
      await refused.to.be.revertedWithCustomError(self.hub, "ChannelHub_NoQuorum").withArgs(2n, 3n);
      const abstained = await voteOf(self, c, hash, Option.Abstain);
      await expect(self.hub.settle.staticCall(settlement, [], [...two, abstained]))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NoQuorum")
        .withArgs(2n, 3n);
      // Who says something is there, whatever became of its heartbeat.
      const late = await voteOf(self, d, hash, Option.Against);
      await expect(self.hub.settle.staticCall(settlement, [], [...two, late]))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NoQuorum")
        .withArgs(2n, 4n);
      await self.hub.settle(settlement, [], [...two, await voteOf(self, c, hash)]);
      expect((await self.hub.headOf(self.channel)).height).to.equal(settlement.toHeight);
    });

    it("is reached by members becoming absent, who get time to object also where there is no window", async () => {
      const self = await made(3, { aliveSeconds: 60n });
      const settlement = await settlementOf(self);
      const proposal = await propose(self, peerAt(self, 0), settlement);
      for (const { account } of first(self, 2))
        await self.hub.connect(account).vote(self.channel, proposal, Option.For);
      await expect(self.hub.executeProposal(self.channel, proposal, []))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongState")
        .withArgs(self.channel, proposal, State.Proposed);
      await networkHelpers.time.increase(61n);
      await expect(self.hub.executeProposal(self.channel, proposal, []))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongState")
        .withArgs(self.channel, proposal, State.Pending);
      await self.hub.voteBySignatures(self.channel, proposal, []);
      expect(await stateOf(self, proposal)).to.equal(State.Pending);
      await networkHelpers.time.increase(OBJECTION_SECONDS);
      await self.hub.executeProposal(self.channel, proposal, []);
      expect(await stateOf(self, proposal)).to.equal(State.Final);
    });
  });

  describe("a vote", () => {
    it("is the member's or its signer's, once, and shows it alive", async () => {
      const self = await made(3, { aliveSeconds: 60n });
      const [a, b] = [peerAt(self, 0), peerAt(self, 1)];
      const proposal = await propose(self, a, await settlementOf(self));
      await networkHelpers.time.increase(61n);
      await expect(self.hub.connect(a.account).vote(self.channel, proposal, Option.For))
        .to.emit(self.hub, "Voted")
        .withArgs(self.channel, proposal, a.account.address, Option.For);
      expect((await self.hub.memberOf(self.channel, a.account)).absent).to.equal(false);
      await expect(self.hub.connect(a.account).vote(self.channel, proposal, Option.Against))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_AlreadyVoted")
        .withArgs(proposal, a.account.address);
      const signer = b.key.connect(ethers.provider);
      await networkHelpers.setBalance(signer.address, 10n ** 18n);
      await self.hub.connect(signer).vote(self.channel, proposal, Option.Abstain);
      const view = await self.hub.proposalOf(self.channel, proposal);
      expect([view.weightFor, view.weightAgainst, view.weightAbstained, view.weightCounted]).to.deep.equal([
        1n,
        0n,
        1n,
        2n,
      ]);
    });

    it("is refused of strangers, for no option, and of proposals that are none", async () => {
      const self = await made(2);
      const proposal = await propose(self, peerAt(self, 0), await settlementOf(self));
      await expect(self.hub.vote(self.channel, proposal, Option.For))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NotMember")
        .withArgs(self.channel, self.owner.address);
      const own = self.hub.connect(peerAt(self, 0).account);
      await expect(own.vote(self.channel, proposal, 3n))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_BadVote")
        .withArgs(3n);
      for (const unknown of [
        () => own.vote(self.channel, proposal + 1n, Option.For),
        () => own.voteBySignatures(self.channel, proposal + 1n, []),
        () => own.executeProposal(self.channel, proposal + 1n, []),
        () => own.applyChanges(self.channel, proposal + 1n, [], 0n, []),
        () => self.hub.proposalOf(self.channel, proposal + 1n),
      ]) {
        await expect(unknown())
          .to.be.revertedWithCustomError(self.hub, "ChannelHub_UnknownProposal")
          .withArgs(self.channel, proposal + 1n);
      }
    });

    it("of a member that joined after the settlement's cursor is refused", async () => {
      const self = await made(2);
      const proposal = await propose(self, peerAt(self, 0), await settlementOf(self));
      await join(self, peerAt(self, 2));
      await expect(self.hub.connect(peerAt(self, 2).account).vote(self.channel, proposal, Option.For))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NotMember")
        .withArgs(self.channel, peerAt(self, 2).account.address);
    });

    it("against, where it is the last that could have made a quorum, ends the proposal", async () => {
      const self = await made(3);
      const proposal = await propose(self, peerAt(self, 0), await settlementOf(self));
      await expect(self.hub.connect(peerAt(self, 1).account).vote(self.channel, proposal, Option.Against))
        .to.emit(self.hub, "ProposalRejected")
        .withArgs(self.channel, proposal);
      expect(await stateOf(self, proposal)).to.equal(State.Rejected);
      for (const late of [
        () => self.hub.connect(peerAt(self, 2).account).vote(self.channel, proposal, Option.For),
        () => self.hub.voteBySignatures(self.channel, proposal, []),
        () => self.hub.executeProposal(self.channel, proposal, []),
      ]) {
        await expect(late())
          .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongState")
          .withArgs(self.channel, proposal, State.Rejected);
      }
    });
  });

  describe("signed votes", () => {
    it("count as those that members bring themselves, each once", async () => {
      const self = await made(4);
      const settlement = await settlementOf(self);
      const proposal = await propose(self, peerAt(self, 0), settlement);
      const hash = hashOfSettlement(settlement);
      expect((await self.hub.proposalOf(self.channel, proposal)).proposalHash).to.equal(hash);
      const votes = await votesOf(self, first(self, 2), hash);
      await self.hub.connect(self.stranger).voteBySignatures(self.channel, proposal, [...votes, ...votes]);
      // What is on its way when a member votes itself harms nobody; what was said first counts.
      const against = await voteOf(self, peerAt(self, 0), hash, Option.Against);
      await self.hub.voteBySignatures(self.channel, proposal, [against, ...votes]);
      const view = await self.hub.proposalOf(self.channel, proposal);
      expect([view.weightFor, view.weightAgainst, view.state]).to.deep.equal([2n, 0n, State.Proposed]);
      await expect(
        self.hub.voteBySignatures(self.channel, proposal, [await voteOf(self, peerAt(self, 2), hash)]),
      ).to.emit(self.hub, "ProposalPassed");
    });

    it("do not count twice towards a quorum", async () => {
      const self = await made(3);
      const settlement = await settlementOf(self);
      const votes = await votesOf(self, first(self, 2), hashOfSettlement(settlement));
      await expect(self.hub.settle(settlement, [], [...votes, ...votes]))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NoQuorum")
        .withArgs(2n, 3n);
    });

    it("are refused when they were made for something else, or by somebody else", async () => {
      const self = await made(2);
      const other = await createChannel(self);
      for (const peer of first(self, 2)) await join(other, peer);
      const settlement = await settlementOf(self);
      const hash = hashOfSettlement(settlement);
      const [a, b] = [peerAt(self, 0), peerAt(self, 1)];
      const domain = await domainOf(self);
      const types = {
        Vote: [
          { name: "channel", type: "uint256" },
          { name: "proposalHash", type: "bytes32" },
          { name: "option", type: "uint8" },
        ],
      };
      const value = { channel: self.channel, proposalHash: hash, option: Option.For };
      const good = await a.key.signTypedData(domain, types, value);
      const { r, s, v } = Signature.from(good);
      const highS = CURVE_ORDER - BigInt(s);
      const signatures = {
        "another member": await b.key.signTypedData(domain, types, value),
        "the account, which is not its signer": await a.account.signTypedData(domain, types, value),
        "a stranger": await Wallet.createRandom().signTypedData(domain, types, value),
        "another channel": await a.key.signTypedData(domain, types, { ...value, channel: other.channel }),
        "another chain": await a.key.signTypedData({ ...domain, chainId: 1n }, types, value),
        "another hub": await a.key.signTypedData({ ...domain, verifyingContract: self.owner.address }, types, value),
        "another option": await a.key.signTypedData(domain, types, { ...value, option: Option.Against }),
        "another proposal": await a.key.signTypedData(domain, types, { ...value, proposalHash: id("other") }),
        "a high s": `${r}${highS.toString(16).padStart(64, "0")}${v === 27 ? "1c" : "1b"}`,
        "v of 0 and 1": `${r}${s.slice(2)}0${v - 27}`,
        "a compact form": Signature.from(good).compactSerialized,
        nothing: "0x",
      };
      for (const [name, signature] of Object.entries(signatures)) {
        const votes = [{ member: a.account.address, option: Option.For, signature }, await voteOf(self, b, hash)];
        await expect(self.hub.settle.staticCall(settlement, [], votes), name).to.be.revertedWithCustomError(
          self.hub,
          "ChannelHub_BadSignature",
        );
      }
      const rest = { member: a.account.address, signature: good };
      await expect(self.hub.settle.staticCall(settlement, [], [{ ...rest, option: 3n }]))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_BadVote")
        .withArgs(3n);
      await expect(self.hub.settle.staticCall(settlement, [], [{ ...rest, member: ZeroAddress, option: Option.For }]))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NotMember")
        .withArgs(self.channel, ZeroAddress);
      // The same bytes are good for what they were made for.
      await self.hub.settle(settlement, [], [{ ...rest, option: Option.For }, await voteOf(self, b, hash)]);
    });
  });

  describe("a proposal", () => {
    it("is a member's, of a known type, with the data of that type", async () => {
      const self = await made(3);
      const settlement = settlementData(await settlementOf(self));
      const punishment = punishmentData(await punishmentOf(self, peerAt(self, 0)));
      await expect(self.hub.createProposal(self.channel, 1n, settlement))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NotMember")
        .withArgs(self.channel, self.owner.address);
      const own = self.hub.connect(peerAt(self, 1).account);
      for (const [type, data] of [
        [0n, settlement],
        [3n, settlement],
        [1n, punishment],
        [2n, settlement],
        [1n, "0x"],
        [2n, "0x"],
      ] as const) {
        await expect(own.createProposal(self.channel, type, data))
          .to.be.revertedWithCustomError(self.hub, "ChannelHub_BadProposal")
          .withArgs(self.channel, type);
      }
      const changes = AbiCoder.defaultAbiCoder().encode(["tuple(bytes32,bytes32,bytes32)[]"], [[]]);
      await own.createProposal(self.channel, 1n, `${settlement}${changes.slice(2)}`);
      expect(await self.hub.proposalCount(self.channel)).to.equal(1n);
    });

    it("of a settlement continues what is final, in this channel and its mode", async () => {
      const self = await made(3);
      await settle(self, first(self, 3));
      const good = await settlementOf(self);
      const head = await self.hub.headOf(self.channel);
      const own = self.hub.connect(peerAt(self, 0).account);
      const least = head.timeMs;
      for (const [wrong, error, values] of [
        [{ channel: self.channel + 1n }, "NotOfChannel", [self.channel]],
        [{ mode: 1n }, "NotOfChannel", [self.channel]],
        [{ fromHeight: 9n }, "WrongHeights", [10n, 9n, good.toHeight]],
        [{ fromHeight: 11n }, "WrongHeights", [10n, 11n, good.toHeight]],
        [{ toHeight: 10n }, "WrongHeights", [10n, 10n, 10n]],
        [{ timeMs: least - 1n }, "WrongTime", [least, least - 1n]],
        [{ inboxCursor: 2n }, "WrongCursor", [3n, 3n, 2n]],
        [{ inboxCursor: 4n }, "WrongCursor", [3n, 3n, 4n]],
      ] as const) {
        await expect(own.createProposal(self.channel, 1n, settlementData({ ...good, ...wrong })), error)
          .to.be.revertedWithCustomError(self.hub, `ChannelHub_${error}`)
          .withArgs(...values);
      }
    });

    it("is void when another one became final first, and one waits for another that passed", async () => {
      const self = await made(3, { windowSeconds: 100n });
      const [one, other] = [await settlementOf(self), await settlementOf(self, { stateRoot: id("other") })];
      const firstId = await propose(self, peerAt(self, 0), one);
      const secondId = await propose(self, peerAt(self, 1), other);
      await self.hub.voteBySignatures(
        self.channel,
        firstId,
        await votesOf(self, first(self, 3), hashOfSettlement(one)),
      );
      await self.hub.voteBySignatures(
        self.channel,
        secondId,
        await votesOf(self, first(self, 3), hashOfSettlement(other)),
      );
      expect([await stateOf(self, firstId), await stateOf(self, secondId)]).to.deep.equal([
        State.Passed,
        State.Proposed,
      ]);
      await expect(propose(self, peerAt(self, 0), one))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_SettlementInFlight")
        .withArgs(self.channel, firstId);
      await expect(self.hub.executeProposal(self.channel, secondId, []))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongState")
        .withArgs(self.channel, secondId, State.Proposed);
      await self.hub.executeProposal(self.channel, firstId, []);
      expect([await stateOf(self, firstId), await stateOf(self, secondId)]).to.deep.equal([
        State.Final,
        State.Rejected,
      ]);
      await expect(self.hub.executeProposal(self.channel, firstId, []))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongState")
        .withArgs(self.channel, firstId, State.Final);
    });
  });
});
