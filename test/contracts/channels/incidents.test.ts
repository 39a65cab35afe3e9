import { expect } from "chai";
import { id, Wallet, ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";

import { StateTreeModel } from "../../helpers/state-tree-model.ts";
import { acksOf, tell, type Told } from "../helpers/channel-states.ts";
import {
  accuse,
  assetKeyOf,
  changesFrom,
  changesRootOf,
  channelOf,
  chunkHashesOf,
  CHUNK,
  consentOf,
  createChannel,
  deployHub,
  FINE,
  hashOfSettlement,
  type Hub,
  type HubConfig,
  join,
  Kind,
  ledgerChanges,
  ledgerSlot,
  type Made,
  type Peer,
  peerAt,
  propose,
  punishmentOf,
  settle,
  settlementOf,
  signConsent,
  STAKE,
  State,
  voteOf,
  votesOf,
  wordOf,
} from "../helpers/channels.ts";

const { ethers, networkHelpers } = await network.create();

const WINDOW = 3_600n;
const EXIT = 2n * WINDOW + 600n;
const BROUGHT = 5n * 10n ** 18n;
const ETHER = assetKeyOf(ZeroAddress);
const DATA = { Records: 0n } as const;
const FULL_HOUSE = 64;
const QUORUM_OF_64 = 43;
const CONFIG: Partial<HubConfig> = { windowSeconds: WINDOW, stakeWei: STAKE, fineWei: FINE };

const fixture = async () => await deployHub(ethers, 6);
const hubOf = async (): Promise<Hub> => await networkHelpers.loadFixture(fixture);
const made = async (members = 4, config: Partial<HubConfig> = CONFIG): Promise<Made> =>
  await channelOf(await hubOf(), members, config);

async function membersWithEther(): Promise<Made> {
  const self = await createChannel(await hubOf(), CONFIG);
  for (const peer of self.peers.slice(0, 4)) {
    await join(self, peer, { assets: [{ kind: Kind.Ether, token: ZeroAddress, id: 0n, amount: BROUGHT }] });
  }
  return self;
}

const truthOf = (self: Made) =>
  ledgerChanges(self.peers.slice(0, 4).map(({ account }) => ["owned", account.address, ETHER, BROUGHT] as const));

async function pass(self: Made, told: Told, voters = self.peers.slice(0, 3)): Promise<bigint> {
  await self.hub.settle(told.settlement, [], await votesOf(self, voters, hashOfSettlement(told.settlement)));
  return await self.hub.proposalCount(self.channel);
}

async function stateOf({ hub, channel }: Made, proposal: bigint): Promise<bigint> {
  return (await hub.proposalOf(channel, proposal)).state;
}

/** Asks for a member's leave, and lets the time pass after which its channel can be frozen. */
async function freezeFor(self: Made, peer: Peer): Promise<void> {
  const { hub, channel } = self;
  await hub.connect(peer.account).requestExit(channel);
  const { leftAt } = await hub.memberOf(channel, peer.account);
  const [event] = await hub.queryFilter(hub.filters.InboxAdded(channel, leftAt));
  if (event === undefined) throw new Error("no entry");
  const { index, kind, account, timeMs, data } = event.args;
  await networkHelpers.time.increase(EXIT);
  await hub.freeze(channel, { index, kind, account, timeMs, data });
}

async function bring(self: Made, told: Told, by = self.peers.slice(0, 3)): Promise<void> {
  const acks = await acksOf(self, by, told.header);
  await self.hub.bring(told.settlement, told.headerStruct, acks, told.changes);
}

async function claim(self: Made, peer: Peer, state: StateTreeModel) {
  const [exits, owned] = (["exits", "owned"] as const).map((ledger) =>
    state.prove(ledgerSlot(ledger, peer.account.address, ETHER)),
  );
  if (exits === undefined || owned === undefined) throw new Error("no proofs");
  return await self.hub.claimByProof(self.channel, peer.account.address, ETHER, exits, owned);
}

/** What went wrong elsewhere, by where it was told; see the list of `shared/measured/channels.md`. */
describe("Incidents of other channels, on chain", () => {
  it("nitrolite#846: a sum of weights wraps, and one signature is a quorum", async function () {
    this.timeout(30_000);
    const self = await channelOf(await deployHub(ethers, FULL_HOUSE), FULL_HOUSE);
    const settlement = await settlementOf(self);
    const votes = await votesOf(self, self.peers, hashOfSettlement(settlement));
    for (const few of [1, 22, QUORUM_OF_64 - 1]) {
      await expect(self.hub.settle.staticCall(settlement, [], votes.slice(0, few)))
        .to.be.revertedWithCustomError(self.hub, "ChannelHub_NoQuorum")
        .withArgs(few, FULL_HOUSE);
    }
    await self.hub.settle(settlement, [], votes.slice(0, QUORUM_OF_64));
  });

  it("nitrolite#846: one vote is counted as many", async () => {
    const self = await made(4, {});
    const settlement = await settlementOf(self);
    const [first, second] = [peerAt(self, 0), peerAt(self, 1)];
    const vote = await voteOf(self, first, hashOfSettlement(settlement));
    const other = await voteOf(self, second, hashOfSettlement(settlement));
    await expect(self.hub.settle(settlement, [], [vote, vote, vote, other]))
      .to.be.revertedWithCustomError(self.hub, "ChannelHub_NoQuorum")
      .withArgs(2, 4);
  });

  it("nitrolite#70: what is paid out is altered on its way through a challenge", async () => {
    const self = await membersWithEther();
    const { hub, channel } = self;
    const truth = truthOf(self);
    const told = await tell(self, new StateTreeModel(), truth);
    const proposal = await pass(self, told);
    const altered = truth.map((change, i) => (i === 0 ? { ...change, newValue: wordOf(4n * BROUGHT) } : change));
    await networkHelpers.time.increase(WINDOW);
    await expect(hub.executeProposal(channel, proposal, altered)).to.be.revertedWithCustomError(
      hub,
      "ChannelHub_WrongChanges",
    );
    await hub.executeProposal(channel, proposal, truth);
  });

  it("nitrolite#773: something else is signed while the last one is disputed", async () => {
    const self = await membersWithEther();
    const { hub, channel } = self;
    const told = await tell(self, new StateTreeModel(), truthOf(self));
    const proposal = await pass(self, told);
    const next = await tell(self, new StateTreeModel(), truthOf(self), { to: 8n });
    await expect(pass(self, next))
      .to.be.revertedWithCustomError(hub, "ChannelHub_SettlementInFlight")
      .withArgs(channel, proposal);
  });

  it("peer3to/state-channels-plus#478: an honest one that disputes too late is slashed", async () => {
    const self = await made();
    const { hub, channel } = self;
    const told = await tell(self, new StateTreeModel(), [], { settlement: { stateRoot: id("another") } });
    const proposal = await pass(self, told);
    const [honest, other] = [peerAt(self, 3), peerAt(self, 4)];
    const prove = async ({ account }: Peer) =>
      await hub.connect(account).proveHead(channel, proposal, told.headerStruct, []);
    await prove(other);
    await expect(prove(honest)).to.be.revertedWithCustomError(hub, "ChannelHub_NotChallengeable");
    const { stakeWei, bannedUntilMs } = await hub.memberOf(channel, honest.account);
    expect([stakeWei, bannedUntilMs]).to.deep.equal([STAKE, 0n]);
  });

  it("peer3to/state-channels-plus#478: who accuses wrongly, or votes against, is slashed", async () => {
    const self = await made();
    const { hub, channel } = self;
    const told = await tell(self, new StateTreeModel(), []);
    const honest = peerAt(self, 3);
    const proposal = await pass(self, told);
    await hub.connect(honest.account).vote(channel, proposal, 0n);
    await expect(
      hub.connect(honest.account).proveHead(channel, proposal, told.headerStruct, []),
    ).to.be.revertedWithCustomError(hub, "ChannelHub_NoFault");
    await networkHelpers.time.increase(WINDOW);
    await hub.executeProposal(channel, proposal, []);
    expect((await hub.memberOf(channel, honest.account)).stakeWei).to.equal(STAKE);
  });

  it("peer3to/state-channels-plus#439: any member pauses the channel", async () => {
    const self = await made();
    const { hub, channel } = self;
    const loud = peerAt(self, 3);
    for (let i = 0n; i < 3n; i++) {
      const nonsense = await settlementOf(self, { toHeight: 100n + i, head: id(`nonsense ${i}`) });
      await propose(self, loud, nonsense);
      await accuse(self, loud, await punishmentOf(self, peerAt(self, 0), { height: i }));
    }
    await hub.connect(loud.account).requestExit(channel);
    const told = await tell(self, new StateTreeModel(), []);
    const proposal = await pass(self, told);
    const { finalAt } = await hub.proposalOf(channel, proposal);
    await hub.connect(loud.account).vote(channel, proposal, 0n);
    await networkHelpers.time.increaseTo(finalAt);
    await hub.executeProposal(channel, proposal, []);
    expect((await hub.channelOf(channel)).leader).to.equal(peerAt(self, 0).account.address);
  });

  it("peer3to/state-channels-plus#199: two forks, and nobody knows which one counts", async () => {
    const self = await membersWithEther();
    const lost = await tell(self, new StateTreeModel(), [], { to: 9n, term: 1n });
    const kept = await tell(self, new StateTreeModel(), truthOf(self), { to: 4n, term: 2n });
    await freezeFor(self, peerAt(self, 3));
    await bring(self, kept);
    await expect(bring(self, lost)).to.be.revertedWithCustomError(self.hub, "ChannelHub_NotHigher");
    expect(
      (await self.hub.proposalOf(self.channel, (await self.hub.freezeOf(self.channel)).best)).proposalHash,
    ).to.equal(hashOfSettlement(kept.settlement));
  });

  it("peer3to/state-channels-plus#373: who has left goes on accusing", async () => {
    const self = await made(4, {});
    const { hub, channel } = self;
    const left = peerAt(self, 3);
    await hub.connect(left.account).requestExit(channel);
    await settle(self, self.peers.slice(0, 4));
    const proposal = await propose(self, peerAt(self, 0), await settlementOf(self));
    const acting = hub.connect(left.account);
    for (const act of [
      async () => await accuse(self, left, await punishmentOf(self, peerAt(self, 0))),
      async () => await acting.vote(channel, proposal, 0n),
      async () => await propose(self, left, await settlementOf(self)),
      async () => await acting.keepAlive(channel, []),
    ]) {
      await expect(act()).to.be.revertedWithCustomError(hub, "ChannelHub_NotMember");
    }
  });

  it("helium/HIP#369: disputes of the same thing stall the chain", async () => {
    const self = await made();
    const { hub, channel } = self;
    const told = await tell(self, new StateTreeModel(), [], { settlement: { stateRoot: id("another") } });
    const proposal = await pass(self, told);
    const inboxBefore = (await hub.channelOf(channel)).inboxLength;
    await hub.proveHead(channel, proposal, told.headerStruct, []);
    const inboxAfter = (await hub.channelOf(channel)).inboxLength;
    const prove = async () => await hub.proveHead(channel, proposal, told.headerStruct, []);
    for (let i = 0; i < 3; i++) await expect(prove()).to.be.revertedWithCustomError(hub, "ChannelHub_NotChallengeable");
    // Three bans, and the next term, once.
    expect(inboxAfter - inboxBefore).to.equal(4n);
    expect((await hub.channelOf(channel)).inboxLength).to.equal(inboxAfter);
    for (const { account } of self.peers.slice(0, 3)) {
      expect((await hub.memberOf(channel, account)).stakeWei).to.equal(STAKE - FINE);
    }
  });

  it("hydra#1415, #1773, #188: everything waits for one silent peer", async () => {
    const self = await membersWithEther();
    const { hub, channel } = self;
    const state = new StateTreeModel();
    const proposal = await pass(self, await tell(self, state, truthOf(self)));
    await networkHelpers.time.increase(WINDOW);
    await hub.executeProposal(channel, proposal, truthOf(self));
    // Nor does an exit.
    await freezeFor(self, peerAt(self, 1));
    const { inboxCursor } = await hub.headOf(channel);
    await bring(self, await tell(self, state, [], { to: 9n, inboxCursor }));
    await networkHelpers.time.increase(WINDOW);
    await hub.conclude(channel);
    await expect(claim(self, peerAt(self, 1), state)).to.changeEtherBalance(ethers, peerAt(self, 1).account, BROUGHT);
  });

  it("hydra#2334: an asset that never came in blocks what everybody takes out", async () => {
    const self = await membersWithEther();
    const { hub, channel } = self;
    const [first, second] = [peerAt(self, 0), peerAt(self, 1)];
    const minted = assetKeyOf(first.account.address, 7n);
    const changes = ledgerChanges([
      ["exits", first.account.address, minted, 1n],
      ["exits", second.account.address, ETHER, BROUGHT],
    ]);
    await settle(self, self.peers.slice(0, 4), {}, changes);
    await expect(hub.claim(channel, first.account, minted)).to.be.revertedWithCustomError(
      hub,
      "ChannelHub_NothingToClaim",
    );
    await expect(hub.claim(channel, second.account, ETHER)).to.changeEtherBalance(ethers, second.account, BROUGHT);
  });

  it("hydra#2324: what is settled is too large for a transaction, and stays", async function () {
    this.timeout(30_000);
    const self = await made(4, {});
    const { hub, channel } = self;
    const changes = changesFrom(1, 3 * CHUNK);
    const settlement = await settlementOf(self, { changesRoot: changesRootOf(changes) });
    await hub.settle(settlement, [], await votesOf(self, self.peers.slice(0, 4), hashOfSettlement(settlement)));
    const proposal = await hub.proposalCount(channel);
    const hashes = chunkHashesOf(changes);
    // By anybody, in any order.
    for (const at of [2, 0, 1]) {
      const part = changes.slice(at * CHUNK, (at + 1) * CHUNK);
      await hub.connect(self.stranger).applyChanges(channel, proposal, hashes, at, part);
    }
    expect((await hub.headOf(channel)).height).to.equal(settlement.toHeight);
  });

  it("statechannels/tla-specs ForceMove: whoever is faster each time keeps one's state from the chain", async () => {
    const self = await membersWithEther();
    const { hub, channel } = self;
    const cursor = (await hub.channelOf(channel)).inboxLength;
    const ones: Told[] = [];
    for (let height = 3n; height < 9n; height++) {
      ones.push(await tell(self, new StateTreeModel(), truthOf(self), { to: height, inboxCursor: cursor }));
    }
    const mine = await tell(self, new StateTreeModel(), truthOf(self), { to: 20n, inboxCursor: cursor });
    await freezeFor(self, peerAt(self, 3));
    // However many older ones somebody brings before.
    for (const one of ones) await bring(self, one);
    await bring(self, mine);
    const { best } = await hub.freezeOf(channel);
    expect((await hub.proposalOf(channel, best)).proposalHash).to.equal(hashOfSettlement(mine.settlement));
  });

  it("connext/monorepo#5357: what is in a channel stays there when its servers are gone", async () => {
    const self = await membersWithEther();
    const { hub, channel } = self;
    const state = new StateTreeModel();
    await settle(self, self.peers.slice(0, 4), { stateRoot: stateRootOf(self, state) }, truthOf(self));
    const alone = peerAt(self, 3);
    // Nobody but the member and the chain is there from here on.
    await freezeFor(self, alone);
    await networkHelpers.time.increase(WINDOW);
    await hub.connect(alone.account).conclude(channel);
    await claim(self, alone, state);
    await hub.connect(alone.account).withdrawStake(channel, alone.account);
    expect(await hub.paidTo(channel, alone.account, ETHER)).to.equal(BROUGHT);
  });

  it("xaya/libxayagame#46, #54: a move is written anew through a dispute about what was before it", async () => {
    const self = await membersWithEther();
    const { hub } = self;
    await settle(self, self.peers.slice(0, 4), {}, truthOf(self));
    // What is final is where everything begins.
    for (const fromHeight of [0n, 3n]) {
      const other = await settlementOf(self, { fromHeight, toHeight: 20n });
      await expect(
        hub.settle(other, [], await votesOf(self, self.peers.slice(0, 4), hashOfSettlement(other))),
      ).to.be.revertedWithCustomError(hub, "ChannelHub_WrongHeights");
    }
  });

  describe("go-nitro, nitrolite: what was signed for one place is used in another", () => {
    it("votes, of another channel, hub or chain", async () => {
      const self = await made(4, {});
      const other = { ...self, channel: self.channel + 1n };
      const settlement = await settlementOf(self);
      const hash = hashOfSettlement(settlement);
      const twin = await deployHub(ethers, 4);
      for (const foreign of [other, { ...self, chainId: 1n }, { ...self, hub: twin.hub }]) {
        await expect(
          self.hub.settle(settlement, [], await votesOf(foreign, self.peers.slice(0, 4), hash)),
        ).to.be.revertedWithCustomError(self.hub, "ChannelHub_BadSignature");
      }
    });

    it("acks of another head, term or channel", async () => {
      const self = await membersWithEther();
      const cursor = (await self.hub.channelOf(self.channel)).inboxLength;
      const told = await tell(self, new StateTreeModel(), truthOf(self), { inboxCursor: cursor });
      await freezeFor(self, peerAt(self, 3));
      for (const change of [{ term: 2n }, { height: 2n }, { channel: 9n }, { gasUsed: 1n }]) {
        const acks = await acksOf(self, self.peers.slice(0, 3), { ...told.header, ...change });
        await expect(
          self.hub.bring(told.settlement, told.headerStruct, acks, told.changes),
        ).to.be.revertedWithCustomError(self.hub, "ChannelHub_BadSignature");
      }
    });

    it("consents, and consents that were used", async () => {
      const self = await createChannel(await hubOf());
      const other = await createChannel(self);
      const peer = peerAt(self, 0);
      const consent = await consentOf(self, peer);
      const signature = await signConsent(self, peer.account, consent);
      await expect(join(other, peer, { consent, signature })).to.be.revertedWithCustomError(
        self.hub,
        "ChannelHub_BadConsent",
      );
      await join(self, peer, { consent, signature });
      await self.hub.connect(peer.account).requestExit(self.channel);
      await settle(self, [peer]);
      await expect(join(self, peer, { consent, signature })).to.be.revertedWithCustomError(
        self.hub,
        "ChannelHub_ConsentUsed",
      );
    });

    it("what a key signs that is a member's of another channel", async () => {
      const self = await made();
      const foreign = { account: peerAt(self, 3).account, key: Wallet.createRandom() as unknown as Wallet };
      const settlement = await settlementOf(self);
      await expect(
        self.hub.settle(settlement, [], [await voteOf(self, foreign, hashOfSettlement(settlement))]),
      ).to.be.revertedWithCustomError(self.hub, "ChannelHub_BadSignature");
    });
  });

  it("counterfactual/monorepo#1521, hydra#1792: demands of one member keep the others waiting for ever", async () => {
    const self = await made();
    const { hub, channel } = self;
    const told = await tell(self, new StateTreeModel(), []);
    const proposal = await pass(self, told);
    const asking = hub.connect(peerAt(self, 3).account);
    for (let i = 0; i < 4; i++) {
      await asking.demandData(channel, proposal, DATA.Records, 1n, 1n, { value: STAKE });
      await hub.answerRecords(channel, proposal, peerAt(self, 3).account, [told.record(1n)]);
    }
    await expect(
      asking.demandData(channel, proposal, DATA.Records, 1n, 1n, { value: STAKE }),
    ).to.be.revertedWithCustomError(hub, "ChannelHub_TooManyDemands");
    await networkHelpers.time.increase(WINDOW);
    await hub.executeProposal(channel, proposal, []);
    expect(await stateOf(self, proposal)).to.equal(State.Final);
  });
});

/** The root of what is settled, which the state then has. */
function stateRootOf(self: Made, state: StateTreeModel): string {
  for (const { slot, newValue } of truthOf(self)) state.set(slot, newValue);
  expect(state.root()).to.not.equal(ZeroHash);
  return state.root();
}
