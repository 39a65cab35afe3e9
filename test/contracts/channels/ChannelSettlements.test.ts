import { expect } from "chai";
import { concat, id, keccak256, ZeroAddress, ZeroHash } from "ethers";
import { artifacts, network } from "hardhat";

import {
  accuse,
  asApp,
  changesFrom,
  changesRootOf,
  channelOf,
  chunkHashesOf,
  CHUNK,
  consentOf,
  deployHub,
  hashOfSettlement,
  type HubConfig,
  type Made,
  Mode,
  Notice,
  Option,
  peerAt,
  propose,
  punishmentOf,
  settle,
  settlementOf,
  signConsent,
  State,
  votesOf,
  wordOf,
} from "../helpers/channels.ts";
import { named } from "../helpers/grid-registry.ts";

const { ethers, networkHelpers } = await network.create();

const MEMBERS = 3;
const WINDOW = 100n;
/** What must be left before the app is told: 64/63 of its 100,000, and some. */
const LEAST_GAS = 106_587n;
const Hearing = { Refuse: 1, BurnGas: 2, CallHub: 4 } as const;

const fixture = async () => await deployHub(ethers, MEMBERS);
const made = async (config: Partial<HubConfig> = {}): Promise<Made> =>
  await channelOf(await networkHelpers.loadFixture(fixture), MEMBERS, config);
const slotOf = async (self: Made, slot: number): Promise<string> =>
  await ethers.provider.getStorage((await self.hub.channelOf(self.channel)).store, slot);
const stateOf = async (self: Made, proposal: bigint): Promise<bigint> =>
  (await self.hub.proposalOf(self.channel, proposal)).state;

/** A settlement that has passed and whose window is over, with its changes still to be brought. */
async function passed(self: Made, changes: ReturnType<typeof changesFrom>): Promise<bigint> {
  await settle(self, self.peers, { changesRoot: changesRootOf(changes) });
  return await self.hub.proposalCount(self.channel);
}

describe("ChannelHub: settlements", () => {
  it("are final at once without a window, and write what changed into the store", async () => {
    const self = await made();
    const changes = changesFrom(0, 2, 7n);
    const settlement = await settlementOf(self, { changesRoot: changesRootOf(changes) });
    const votes = await votesOf(self, self.peers, hashOfSettlement(settlement));
    await expect(self.hub.settle(settlement, changes, votes))
      .to.emit(self.hub, "Settled")
      .withArgs(self.channel, 0n, settlement.toHeight, settlement.head, settlement.stateRoot, settlement.inboxCursor);
    const head = await self.hub.headOf(self.channel);
    expect(named(head)).to.deep.equal({
      height: settlement.toHeight,
      timeMs: settlement.timeMs,
      inboxCursor: settlement.inboxCursor,
      locked: false,
      recordHash: settlement.head,
      stateRoot: settlement.stateRoot,
    });
    // CounterProgram keeps its count in slot 0.
    const { store } = await self.hub.channelOf(self.channel);
    expect(await (await ethers.getContractAt("CounterProgram", store)).count()).to.equal(7n);
    expect(await slotOf(self, 1)).to.equal(wordOf(7n));
    expect(await self.hub.proposalCount(self.channel)).to.equal(0n);
  });

  it("follow one on the other, each from where the last one ended", async () => {
    const self = await made();
    const heights: bigint[] = [];
    for (let i = 0; i < 3; i++) {
      await settle(self, self.peers, {}, changesFrom(0, 1, BigInt(i + 1)));
      heights.push((await self.hub.headOf(self.channel)).height);
    }
    expect(heights).to.deep.equal([10n, 20n, 30n]);
    expect(await slotOf(self, 0)).to.equal(wordOf(3n));
    const old = await settlementOf(self, { fromHeight: 0n, toHeight: 40n });
    await expect(self.hub.settle(old, [], await votesOf(self, self.peers, hashOfSettlement(old))))
      .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongHeights")
      .withArgs(30n, 0n, 40n);
  });

  it("are refused with other changes than were voted for", async () => {
    const self = await made();
    const changes = changesFrom(1, 3);
    const root = changesRootOf(changes);
    for (const wrong of [
      changes.slice(1),
      [...changes, ...changesFrom(9, 1)],
      changes.map((change) => ({ ...change, newValue: wordOf(2n) })),
      changes.map((change) => ({ ...change, oldValue: wordOf(2n) })),
    ]) {
      await expect(settle(self, self.peers, { changesRoot: root }, wrong))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongChanges")
        .withArgs(root, changesRootOf(wrong));
    }
    const none = settle(self, self.peers, { changesRoot: ZeroHash }, changes);
    await expect(none).to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongChanges").withArgs(ZeroHash, root);
  });

  it("are refused with slots that are not in ascending order, or twice there", async () => {
    const self = await made();
    const errors = { interface: new ethers.Interface((await artifacts.readArtifact("ChannelProposals")).abi) };
    for (const [changes, slot] of [
      [changesFrom(1, 3).reverse(), wordOf(2n)],
      [[...changesFrom(1, 1), ...changesFrom(1, 1)], wordOf(1n)],
    ] as const) {
      await expect(settle(self, self.peers, {}, changes))
        .to.be.revertedWithCustomError(errors, "ChangeSets_Unsorted")
        .withArgs(slot);
    }
  });

  it("are refused when what they come with is cut off", async () => {
    const self = await made();
    const settlement = await settlementOf(self);
    const votes = await votesOf(self, self.peers, hashOfSettlement(settlement));
    const data = self.hub.interface.encodeFunctionData("settle", [settlement, [], votes]);
    for (const bytes of [4, 4 + 320, 4 + 12 * 32, 4 + 20 * 32]) {
      await expect(self.owner.sendTransaction({ to: self.hub, data: data.slice(0, 2 + 2 * bytes) })).to.revert(ethers);
    }
    await self.owner.sendTransaction({ to: self.hub, data });
    expect((await self.hub.headOf(self.channel)).height).to.equal(10n);
  });

  it("in the mode of roots write nothing, and take no changes", async () => {
    const self = await made({ mode: Mode.Root });
    const changes = changesFrom(0, 2);
    await expect(settle(self, self.peers, {}, changes))
      .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongMode")
      .withArgs(self.channel);
    await settle(self, self.peers, { changesRoot: changesRootOf(changes) });
    expect((await self.hub.headOf(self.channel)).height).to.equal(10n);
    expect(await slotOf(self, 0)).to.equal(ZeroHash);
  });

  it("give back what was proposed when they are executed", async () => {
    const self = await made();
    const changes = changesFrom(0, 1);
    const settlement = await settlementOf(self, { changesRoot: changesRootOf(changes) });
    const proposal = await propose(self, peerAt(self, 0), settlement);
    await self.hub.voteBySignatures(
      self.channel,
      proposal,
      await votesOf(self, self.peers, hashOfSettlement(settlement)),
    );
    const action = await self.hub.executeProposal.staticCall(self.channel, proposal, changes);
    expect(action.proposalType).to.equal(1n);
    expect(named(action.settlement)).to.deep.equal(settlement);
    await self.hub.executeProposal(self.channel, proposal, changes);
    expect(await stateOf(self, proposal)).to.equal(State.Final);
    expect((await self.hub.proposalOf(self.channel, proposal)).weightFor).to.equal(3n);
  });

  describe("a window", () => {
    const LONE_MEMBERS = 4;
    const windowed = async () =>
      await channelOf(await deployHub(ethers, LONE_MEMBERS), LONE_MEMBERS, { windowSeconds: WINDOW });

    it("is waited for after a quorum, and skipped when all are for it", async () => {
      const self = await networkHelpers.loadFixture(windowed);
      const changes = changesFrom(0, 1);
      await settle(self, self.peers.slice(0, 3), {}, changes);
      const finalAt = BigInt(await networkHelpers.time.latest()) + WINDOW;
      const view = await self.hub.proposalOf(self.channel, 1n);
      expect([view.state, view.finalAt, view.weightFor]).to.deep.equal([State.Pending, finalAt, 3n]);
      await networkHelpers.time.setNextBlockTimestamp(finalAt - 1n);
      await expect(self.hub.executeProposal(self.channel, 1n, changes))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongState")
        .withArgs(self.channel, 1n, State.Pending);
      await expect(settle(self, self.peers, {}, changes))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_SettlementInFlight")
        .withArgs(self.channel, 1n);
      await networkHelpers.time.setNextBlockTimestamp(finalAt);
      await self.hub.executeProposal(self.channel, 1n, changes);
      expect(await stateOf(self, 1n)).to.equal(State.Final);

      await settle(self, self.peers, {}, changes);
      expect((await self.hub.headOf(self.channel)).height).to.equal(20n);
    });

    it("ends with the last member's vote", async () => {
      const self = await networkHelpers.loadFixture(windowed);
      await settle(self, self.peers.slice(0, 3));
      expect(await stateOf(self, 1n)).to.equal(State.Pending);
      await expect(self.hub.connect(peerAt(self, 3).account).vote(self.channel, 1n, Option.For)).to.emit(
        self.hub,
        "ProposalPassed",
      );
      await self.hub.executeProposal(self.channel, 1n, []);
      expect(await stateOf(self, 1n)).to.equal(State.Final);
    });

    it("does not begin again with another vote, and stays with one against", async () => {
      const self = await networkHelpers.loadFixture(windowed);
      await settle(self, self.peers.slice(0, 3));
      const { finalAt } = await self.hub.proposalOf(self.channel, 1n);
      await networkHelpers.time.increase(10n);
      await self.hub.connect(peerAt(self, 3).account).vote(self.channel, 1n, Option.Against);
      const view = await self.hub.proposalOf(self.channel, 1n);
      expect([view.state, view.finalAt]).to.deep.equal([State.Pending, finalAt]);
    });
  });

  describe("by parts", () => {
    it("lock what is read until the last one, and take whole chunks", async () => {
      const self = await made();
      const changes = changesFrom(0, 2 * CHUNK + 3, 9n);
      const chunks = chunkHashesOf(changes);
      const proposal = await passed(self, changes);
      expect(await stateOf(self, proposal)).to.equal(State.Passed);
      const apply = (first: number, part: readonly [number, number]) =>
        self.hub.applyChanges(self.channel, proposal, chunks, first, changes.slice(...part));
      await expect(apply(3, [CHUNK, 2 * CHUNK]))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongChunk")
        .withArgs(0n, 3n);
      await expect(apply(0, [0, CHUNK - 1])).to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongChanges");
      await expect(apply(0, [0, 0]))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongChunk")
        .withArgs(0n, 0n);
      const others = self.hub.applyChanges(self.channel, proposal, chunks.slice(1), 0, changes.slice(0, CHUNK));
      await expect(others).to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongChanges");

      await expect(apply(0, [0, CHUNK]))
        .to.emit(self.hub, "ChangesApplied")
        .withArgs(self.channel, proposal, 0n, 1n);
      expect((await self.hub.headOf(self.channel)).locked).to.equal(true);
      expect((await self.hub.proposalOf(self.channel, proposal)).chunksApplied).to.equal(1n);
      const { store } = await self.hub.channelOf(self.channel);
      const program = await ethers.getContractAt("CounterProgram", store);
      await expect(program.count()).to.revert(ethers);
      const key = id("asset");
      await expect(self.hub.claim(self.channel, self.owner, key))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_Locked")
        .withArgs(self.channel);
      const proof = { siblings: [], leafPath: ZeroHash, leafValue: ZeroHash };
      await expect(self.hub.claimByProof(self.channel, self.owner, key, proof, proof))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_Locked")
        .withArgs(self.channel);
      await expect(self.hub.executeProposal(self.channel, proposal, changes))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_Locked")
        .withArgs(self.channel);
      await apply(0, [0, CHUNK]);
      expect((await self.hub.proposalOf(self.channel, proposal)).chunksApplied).to.equal(1n);

      await expect(apply(1, [CHUNK, changes.length])).to.emit(self.hub, "Settled");
      expect((await self.hub.headOf(self.channel)).locked).to.equal(false);
      expect(await program.count()).to.equal(9n);
      expect(await slotOf(self, 2 * CHUNK + 2)).to.equal(wordOf(9n));
      await expect(apply(1, [CHUNK, changes.length]))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongState")
        .withArgs(self.channel, proposal, State.Final);
    });

    it("refuse more than there is", async () => {
      const self = await made();
      const changes = changesFrom(0, CHUNK);
      const proposal = await passed(self, changes);
      await expect(
        self.hub.applyChanges(self.channel, proposal, chunkHashesOf(changes), 0, [
          ...changes,
          ...changesFrom(CHUNK, 1),
        ]),
      ).to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongChunk");
      await self.hub.applyChanges(self.channel, proposal, chunkHashesOf(changes), 0, changes);
    });

    it("go on whatever order a stranger brings chunks in, and end when each was there", async () => {
      const self = await made();
      const changes = changesFrom(0, 3 * CHUNK + 3, 9n);
      const chunks = chunkHashesOf(changes) as [string, string, string, string];
      const [a, b, c, d] = chunks;
      const proposal = await passed(self, changes);
      const apply = (list: readonly string[], first: number, chunk: number) =>
        self.hub.applyChanges(
          self.channel,
          proposal,
          [...list],
          first,
          changes.slice(chunk * CHUNK, (chunk + 1) * CHUNK),
        );
      // The same root, of pairs that are turned and of an inner node that is given for a chunk.
      await apply([d, c, b, a], 0, 3);
      await apply([b, a, c, d], 0, 1);
      const inner = keccak256(concat(c < d ? [c, d] : [d, c]));
      await apply([a, b, inner], 1, 1);
      await apply([a, b, inner], 0, 0);
      const head = await self.hub.headOf(self.channel);
      expect(head.locked).to.equal(true);
      expect((await self.hub.proposalOf(self.channel, proposal)).chunksApplied).to.equal(3n);
      await expect(apply([a, b, inner], 0, 0)).not.to.emit(self.hub, "Settled");
      await expect(apply(chunks, 2, 2)).to.emit(self.hub, "Settled");
      for (const at of [0, CHUNK, 2 * CHUNK, 3 * CHUNK + 2]) expect(await slotOf(self, at)).to.equal(wordOf(9n));
    });

    it("are of the mode of slots, and of settlements", async () => {
      const self = await made({ mode: Mode.Root });
      await expect(self.hub.applyChanges(self.channel, 1n, [], 0, []))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongMode")
        .withArgs(self.channel);
    });
  });

  describe("with a chunk that does not ascend", () => {
    /** Two chunks, the second one turned round. */
    const unsorted = () => [...changesFrom(0, CHUNK, 9n), ...changesFrom(CHUNK, 3, 9n).reverse()];
    const refute = (self: Made, proposal: bigint, changes: ReturnType<typeof changesFrom>, index: number) =>
      self.hub.refuteChanges(
        self.channel,
        proposal,
        chunkHashesOf(changes),
        index,
        changes.slice(index * CHUNK, (index + 1) * CHUNK),
      );

    it("are void once anybody shows it, stay void with the same votes, and block nobody", async () => {
      const self = await made();
      const changes = unsorted();
      const settlement = await settlementOf(self, { changesRoot: changesRootOf(changes) });
      const hash = hashOfSettlement(settlement);
      const votes = await votesOf(self, self.peers, hash);
      await self.hub.settle(settlement, [], votes);
      const proposal = await self.hub.proposalCount(self.channel);
      await expect(self.hub.executeProposal(self.channel, proposal, changes)).to.revert(ethers);
      await expect(settle(self, self.peers)).to.be.revertedWithCustomError(self.hub, "ChannelHub_SettlementInFlight");
      await expect(refute({ ...self, hub: self.hub.connect(self.stranger) }, proposal, changes, 1))
        .to.emit(self.hub, "ProposalRejected")
        .withArgs(self.channel, proposal);
      expect(await stateOf(self, proposal)).to.equal(State.Rejected);
      for (const late of [
        () => self.hub.voteBySignatures(self.channel, proposal, votes),
        () => self.hub.applyChanges(self.channel, proposal, chunkHashesOf(changes), 0, changes.slice(0, CHUNK)),
        () => refute(self, proposal, changes, 1),
      ]) {
        await expect(late())
          .to.be.revertedWithCustomError(self.hub, "ChannelHub_WrongState")
          .withArgs(self.channel, proposal, State.Rejected);
      }
      await expect(self.hub.settle(settlement, [], votes))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_Voided")
        .withArgs(self.channel, hash);
      const again = await propose(self, peerAt(self, 0), settlement);
      expect(await stateOf(self, again)).to.equal(State.Rejected);

      const sorted = changesFrom(0, CHUNK + 3, 9n);
      await settle(self, self.peers, {}, sorted);
      expect((await self.hub.headOf(self.channel)).height).to.equal(10n);
    });

    it("are void also while their window runs", async () => {
      const self = await channelOf(await networkHelpers.loadFixture(fixture), 2, { windowSeconds: WINDOW });
      const changes = changesFrom(0, 2).reverse();
      const accusation = await accuse(self, peerAt(self, 1), await punishmentOf(self, peerAt(self, 0)));
      await self.hub.executeProposal(self.channel, accusation, []);
      await settle(self, [peerAt(self, 1)], { changesRoot: changesRootOf(changes) });
      const proposal = await self.hub.proposalCount(self.channel);
      expect(await stateOf(self, proposal)).to.equal(State.Pending);
      await refute(self, proposal, changes, 0);
      expect(await stateOf(self, proposal)).to.equal(State.Rejected);
    });

    it("are not void for a chunk that ascends, is another one, or none", async () => {
      const self = await made();
      const changes = changesFrom(0, CHUNK + 2, 9n);
      const proposal = await passed(self, changes);
      const hashes = chunkHashesOf(changes);
      for (const index of [0, 1]) {
        await expect(refute(self, proposal, changes, index))
          .to.be.revertedWithCustomError(self.hub, "ChannelHub_NotRefuted")
          .withArgs(self.channel, proposal);
      }
      const { hub, channel } = self;
      await expect(hub.refuteChanges(channel, proposal, hashes, 1, changes.slice(CHUNK).reverse()))
        .to.be.revertedWithCustomError(hub, "ChannelHub_WrongChanges")
        .withArgs(hashes[1], chunkHashesOf(changes.slice(CHUNK).reverse())[0]);
      await expect(hub.refuteChanges(channel, proposal, hashes.slice(1), 0, changes.slice(CHUNK)))
        .to.be.revertedWithCustomError(hub, "ChannelHub_WrongChanges")
        .withArgs(changesRootOf(changes), hashes[1]);
      for (const [index, part] of [
        [2, changes.slice(CHUNK)],
        [0, []],
        [0, changes],
      ] as const) {
        await expect(hub.refuteChanges(channel, proposal, hashes, index, [...part]))
          .to.be.revertedWithCustomError(hub, "ChannelHub_WrongChunk")
          .withArgs(0n, BigInt(index));
      }
      await expect(refute(self, proposal + 1n, changes, 0)).to.be.revertedWithCustomError(
        hub,
        "ChannelHub_UnknownProposal",
      );
      const rooted = await made({ mode: Mode.Root });
      await expect(refute(rooted, 1n, changes, 0)).to.be.revertedWithCustomError(hub, "ChannelHub_WrongMode");
    });

    it("end with the rest as it is, where a part of them is in the store already", async () => {
      const self = await made();
      const changes = unsorted();
      const chunks = chunkHashesOf(changes);
      const proposal = await passed(self, changes);
      const errors = { interface: new ethers.Interface((await artifacts.readArtifact("ChannelProposals")).abi) };
      await expect(
        self.hub.applyChanges(self.channel, proposal, chunks, 1, changes.slice(CHUNK)),
      ).to.be.revertedWithCustomError(errors, "ChangeSets_Unsorted");
      await self.hub.applyChanges(self.channel, proposal, chunks, 0, changes.slice(0, CHUNK));
      await expect(refute(self, proposal, changes, 1))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_Locked")
        .withArgs(self.channel);
      await expect(self.hub.applyChanges(self.channel, proposal, chunks, 1, changes.slice(CHUNK))).to.emit(
        self.hub,
        "Settled",
      );
      expect((await self.hub.headOf(self.channel)).locked).to.equal(false);
    });
  });

  describe("the app", () => {
    it("hears of each, of who left, and of the end", async () => {
      const self = await made();
      await self.hub.connect(peerAt(self, 1).account).requestExit(self.channel);
      await settle(self, self.peers);
      await asApp(self, 0n, "close", [self.channel]);
      await settle(self, [peerAt(self, 0), peerAt(self, 2)]);
      const heard = (await self.app.heard()).map(({ notice, member, height }) => [notice, member, height]);
      const [a, b, c] = self.peers.map(({ account }) => account.address);
      expect(heard).to.deep.equal([
        [Notice.Settled, ZeroAddress, 10n],
        [Notice.MemberLeft, b, 10n],
        [Notice.Settled, ZeroAddress, 20n],
        [Notice.MemberLeft, a, 20n],
        [Notice.MemberLeft, c, 20n],
        [Notice.Closed, ZeroAddress, 20n],
      ]);
    });

    it("changes nothing by refusing to hear, by using up its gas, and by calling back", async () => {
      const self = await made();
      const call = self.hub.interface.encodeFunctionData("close", [self.channel]);
      for (const hearing of [Hearing.Refuse, Hearing.BurnGas]) {
        await self.app.setHearing(hearing, "0x");
        await expect(settle(self, self.peers)).to.emit(self.hub, "NoticeFailed").withArgs(self.channel, Notice.Settled);
      }
      await self.app.setHearing(Hearing.CallHub, call);
      await settle(self, self.peers);
      expect(await self.app.hubCalled()).to.equal(false);
      expect((await self.hub.headOf(self.channel)).height).to.equal(30n);
    });

    it("cannot be kept from hearing by too little gas", async () => {
      const self = await made();
      const settlement = await settlementOf(self);
      const votes = await votesOf(self, self.peers, hashOfSettlement(settlement));
      const enough = await self.hub.settle.estimateGas(settlement, [], votes);
      await expect(self.hub.settle.staticCall(settlement, [], votes, { gasLimit: enough - 20_000n }))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_TooLittleGas")
        .withArgs(LEAST_GAS);
    });

    it("may be an account that hears nothing", async () => {
      const base = await networkHelpers.loadFixture(fixture);
      const { config } = await (await channelOf(base, 0)).hub.channelOf(1n);
      await base.hub.create(base.program, "0x", named(config) as never, []);
      const self = { ...base, channel: 2n };
      const peer = peerAt(self, 0);
      const consent = { ...(await consentOf(self, peer)), app: self.owner.address };
      await self.hub.join(2n, peer.account, consent, await signConsent(self, peer.account, consent), []);
      await settle(self, [peer]);
      await self.hub.close(2n);
      await settle(self, [peer]);
      expect((await self.hub.channelOf(2n)).closed).to.equal(true);
    });
  });
});
