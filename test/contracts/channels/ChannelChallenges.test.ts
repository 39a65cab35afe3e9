import { expect } from "chai";
import { id, ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";

import { StateTreeModel } from "../../helpers/state-tree-model.ts";
import { acksOf, tell, type Telling, type Told } from "../helpers/channel-states.ts";
import {
  assetKeyOf,
  channelOf,
  chunkHashesOf,
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
  STAKE,
  State,
  votesOf,
  wordOf,
} from "../helpers/channels.ts";

const { ethers, networkHelpers } = await network.create();

const WINDOW = 3_600n;
const EXIT = 2n * WINDOW + 600n;
const BROUGHT = 5n * 10n ** 18n;
const BOND = 10n ** 18n;
const ETHER = assetKeyOf(ZeroAddress);
const CONFIG: Partial<HubConfig> = { windowSeconds: WINDOW, stakeWei: STAKE, fineWei: FINE };
const DATA = { Records: 0n, Changes: 1n } as const;

const fixture = async () => await deployHub(ethers, 5);

/** Four members; the first three are the cartel, the last one is honest. Each brought some ether. */
interface Scene extends Made {
  cartel: Peer[];
  honest: Peer;
  /** The state in which each owns what it brought. */
  truth: () => StateTreeModel;
  changes: ReturnType<typeof ledgerChanges>;
}

async function sceneOf(): Promise<Scene> {
  const made = await createChannel(await networkHelpers.loadFixture(fixture), CONFIG);
  const peers = made.peers.slice(0, 4);
  for (const peer of peers) {
    await join(made, peer, { assets: [{ kind: Kind.Ether, token: ZeroAddress, id: 0n, amount: BROUGHT }] });
  }
  const changes = ledgerChanges(peers.map(({ account }) => ["owned", account.address, ETHER, BROUGHT] as const));
  return { ...made, cartel: peers.slice(0, 3), honest: peerAt(made, 3), truth: () => new StateTreeModel(), changes };
}

/** A settlement that the cartel votes for; it waits for its window. */
async function pass(scene: Scene, told: Told): Promise<bigint> {
  const votes = await votesOf(scene, scene.cartel, hashOfSettlement(told.settlement));
  await scene.hub.settle(told.settlement, [], votes);
  return await scene.hub.proposalCount(scene.channel);
}

/** The cartel gives one of its own what all brought. */
async function theft(scene: Scene, telling: Telling = {}): Promise<Told> {
  const thief = scene.cartel[0];
  if (thief === undefined) throw new Error("no cartel");
  const changes = ledgerChanges([["exits", thief.account.address, ETHER, 4n * BROUGHT]]);
  return await tell(scene, new StateTreeModel(), changes, telling);
}

const partOf = (told: Told) => ({ chunkHashes: chunkHashesOf(told.changes), first: 0n, changes: told.changes });
const NO_PROOF = { siblings: [], leafPath: ZeroHash, leafValue: ZeroHash };

async function stateOf({ hub, channel }: Made, proposal: bigint): Promise<bigint> {
  return (await hub.proposalOf(channel, proposal)).state;
}

/** The inbox entry of a member's leave. */
async function exitOf(scene: Scene, peer: Peer) {
  const { hub, channel } = scene;
  await hub.connect(peer.account).requestExit(channel);
  const { leftAt } = await hub.memberOf(channel, peer.account);
  const [event] = await hub.queryFilter(hub.filters.InboxAdded(channel, leftAt));
  if (event === undefined) throw new Error("no entry");
  const { index, kind, account, timeMs, data } = event.args;
  return { index, kind, account, timeMs, data };
}

describe("IChannelChallenges", () => {
  describe("proveHead", () => {
    it("should undo a settlement whose root is not its record's, and ban and fine who voted for it", async () => {
      const scene = await sceneOf();
      const { hub, channel, cartel, honest } = scene;
      const told = await tell(scene, scene.truth(), scene.changes, { settlement: { stateRoot: id("another") } });
      const proposal = await pass(scene, told);
      const hash = hashOfSettlement(told.settlement);
      await expect(hub.connect(honest.account).proveHead(channel, proposal, told.headerStruct, []))
        .to.emit(hub, "SettlementVoided")
        .withArgs(channel, proposal, hash);
      expect(await stateOf(scene, proposal)).to.equal(State.Rejected);
      for (const { account } of cartel) {
        const { bannedUntilMs, stakeWei } = await hub.memberOf(channel, account);
        expect(bannedUntilMs).to.be.greaterThan(0n);
        expect(stakeWei).to.equal(STAKE - FINE);
      }
      expect(await hub.creditOf(channel, honest.account)).to.equal((3n * FINE) / 2n);
      expect((await hub.channelOf(channel)).leader).to.equal(honest.account.address);
      // Whatever was signed, it is not brought again.
      await expect(hub.settle(told.settlement, [], await votesOf(scene, [honest], hash)))
        .to.be.revertedWithCustomError(hub, "ChannelHub_Voided")
        .withArgs(channel, hash);
      await networkHelpers.time.increase(WINDOW);
      await expect(hub.executeProposal(channel, proposal, told.changes)).to.be.revertedWithCustomError(
        hub,
        "ChannelHub_WrongState",
      );
    });

    it("should undo one that has another record at its last height, or one that has no place in it", async () => {
      for (const wrong of [3n, 2n]) {
        const scene = await sceneOf();
        const told = await tell(scene, scene.truth(), scene.changes, {
          settlement: wrong === 3n ? { head: id("another head") } : { toHeight: 2n, head: id("another head") },
        });
        const proposal = await pass(scene, told);
        const { header, proof } = told.record(3n);
        await expect(scene.hub.proveHead(scene.channel, proposal, header, proof)).to.emit(
          scene.hub,
          "SettlementVoided",
        );
      }
    });

    it("should undo one whose first record does not follow what is final", async () => {
      const scene = await sceneOf();
      const { hub, channel } = scene;
      const truth = scene.truth();
      const first = await tell(scene, truth, scene.changes);
      await pass(scene, first);
      await networkHelpers.time.increase(WINDOW);
      await hub.executeProposal(channel, 1n, first.changes);
      // Its records follow one that nobody ever saw.
      const second = await tell(scene, truth, [], { to: 5n });
      const proposal = await pass(scene, second);
      const { header, proof } = second.record(4n);
      await expect(hub.proveHead(channel, proposal, second.record(5n).header, [])).to.be.revertedWithCustomError(
        hub,
        "ChannelHub_NoFault",
      );
      await expect(hub.proveHead(channel, proposal, header, proof)).to.emit(hub, "SettlementVoided");
    });

    it("should find nothing in a true settlement, and take no record of another one", async () => {
      const scene = await sceneOf();
      const { hub, channel } = scene;
      const told = await tell(scene, scene.truth(), scene.changes);
      const proposal = await pass(scene, told);
      for (const height of [1n, 2n, 3n]) {
        const { header, proof } = told.record(height);
        await expect(hub.proveHead(channel, proposal, header, proof)).to.be.revertedWithCustomError(
          hub,
          "ChannelHub_NoFault",
        );
        const foreign = { ...header, gasUsed: 7n };
        await expect(hub.proveHead(channel, proposal, foreign, proof)).to.be.revertedWithCustomError(
          hub,
          "ChannelHub_NotOfSettlement",
        );
      }
      await networkHelpers.time.increase(WINDOW);
      await hub.executeProposal(channel, proposal, told.changes);
      await expect(hub.proveHead(channel, proposal, told.headerStruct, []))
        .to.be.revertedWithCustomError(hub, "ChannelHub_NotChallengeable")
        .withArgs(channel, proposal);
    });
  });

  describe("proveChange", () => {
    it("should undo what ends or begins at a value that the roots do not have", async () => {
      for (const field of ["newValue", "oldValue"] as const) {
        const scene = await sceneOf();
        const { hub, channel } = scene;
        const truth = scene.truth();
        const changes = scene.changes.map((change, i) => (i === 1 ? { ...change, [field]: wordOf(7n) } : change));
        const told = await tell(scene, truth, scene.changes, { changes });
        const proposal = await pass(scene, told);
        const honestSlot = changes[0]?.slot ?? "";
        await expect(
          hub.proveChange(channel, proposal, partOf(told), 0n, NO_PROOF, truth.prove(honestSlot)),
        ).to.be.revertedWithCustomError(hub, "ChannelHub_NoFault");
        const slot = changes[1]?.slot ?? "";
        await expect(hub.proveChange(channel, proposal, partOf(told), 1n, NO_PROOF, truth.prove(slot))).to.emit(
          hub,
          "SettlementVoided",
        );
      }
    });

    it("should take no changes but the settlement's", async () => {
      const scene = await sceneOf();
      const { hub, channel } = scene;
      const truth = scene.truth();
      const told = await tell(scene, truth, scene.changes);
      const proposal = await pass(scene, told);
      const changes = told.changes.map((change) => ({ ...change, newValue: wordOf(9n) }));
      const proof = truth.prove(changes[0]?.slot ?? "");
      for (const part of [
        { chunkHashes: chunkHashesOf(changes), first: 0n, changes },
        { ...partOf(told), changes },
        { ...partOf(told), first: 1n },
      ]) {
        await expect(hub.proveChange(channel, proposal, part, 0n, NO_PROOF, proof)).to.be.revertedWithCustomError(
          hub,
          "ChannelHub_NotOfSettlement",
        );
      }
    });
  });

  describe("proveOmission", () => {
    it("should undo what leaves a slot out that differs", async () => {
      const scene = await sceneOf();
      const { hub, channel } = scene;
      const truth = scene.truth();
      const told = await tell(scene, truth, scene.changes, { changes: scene.changes.slice(1) });
      const proposal = await pass(scene, told);
      for (const slot of [scene.changes[1]?.slot ?? "", id("never written")]) {
        await expect(
          hub.proveOmission(channel, proposal, partOf(told), slot, NO_PROOF, truth.prove(slot)),
        ).to.be.revertedWithCustomError(hub, "ChannelHub_NoFault");
      }
      const slot = scene.changes[0]?.slot ?? "";
      await expect(hub.proveOmission(channel, proposal, partOf(told), slot, NO_PROOF, truth.prove(slot))).to.emit(
        hub,
        "SettlementVoided",
      );
    });
  });

  describe("proveSkipped", () => {
    it("should undo what ends long after an entry that it has not taken, and fine nobody", async () => {
      const scene = await sceneOf();
      const { hub, channel, honest } = scene;
      const cursor = (await hub.channelOf(channel)).inboxLength;
      const entry = await exitOf(scene, honest);
      const inTime = await tell(scene, scene.truth(), scene.changes, {
        inboxCursor: cursor,
        timeMs: entry.timeMs + 600_000n,
      });
      await networkHelpers.time.increase(600);
      const early = await pass(scene, inTime);
      await expect(hub.proveSkipped(channel, early, entry)).to.be.revertedWithCustomError(hub, "ChannelHub_NoFault");
      await expect(hub.proveSkipped(channel, early, { ...entry, timeMs: 0n })).to.be.revertedWithCustomError(
        hub,
        "ChannelHub_NotOfSettlement",
      );
    });

    it("should take one that is a millisecond later", async () => {
      const scene = await sceneOf();
      const { hub, channel, honest, cartel } = scene;
      const cursor = (await hub.channelOf(channel)).inboxLength;
      const entry = await exitOf(scene, honest);
      const told = await tell(scene, scene.truth(), scene.changes, {
        inboxCursor: cursor,
        timeMs: entry.timeMs + 600_001n,
      });
      await networkHelpers.time.increase(600);
      const proposal = await pass(scene, told);
      await hub.proveSkipped(channel, proposal, entry);
      expect(await stateOf(scene, proposal)).to.equal(State.Rejected);
      expect((await hub.memberOf(channel, cartel[0]?.account ?? "")).stakeWei).to.equal(STAKE);
    });
  });

  describe("demandData", () => {
    it("should undo a theft whose data nobody shows, and give the bond back", async () => {
      const scene = await sceneOf();
      const { hub, channel, honest, stranger } = scene;
      const proposal = await pass(scene, await theft(scene));
      await hub.connect(honest.account).demandData(channel, proposal, DATA.Records, 1n, 3n, { value: BOND });
      const { deadline } = await hub.demandOf(channel, proposal, honest.account);
      await networkHelpers.time.increaseTo(deadline);
      // The window is over, and stands still.
      expect(await stateOf(scene, proposal)).to.equal(State.Pending);
      await expect(hub.connect(stranger).resolveDemand(channel, proposal, honest.account)).to.emit(
        hub,
        "SettlementVoided",
      );
      expect(await stateOf(scene, proposal)).to.equal(State.Rejected);
      expect(await hub.creditOf(channel, honest.account)).to.equal(BOND);
    });

    it("should pay who answers by the bytes, give the rest back and let the window go on", async () => {
      const scene = await sceneOf();
      const { hub, channel, honest, stranger } = scene;
      const told = await tell(scene, scene.truth(), scene.changes);
      const proposal = await pass(scene, told);
      const { finalAt } = await hub.proposalOf(channel, proposal);
      await hub.connect(honest.account).demandData(channel, proposal, DATA.Records, 1n, 3n, { value: BOND });
      const asked = await networkHelpers.time.latest();
      const answer = hub.connect(stranger);
      await expect(
        answer.answerRecords(channel, proposal, honest.account, [told.record(2n)]),
      ).to.be.revertedWithCustomError(hub, "ChannelHub_WrongAnswer");
      const wrong = { ...told.record(1n), touched: "0x" };
      await expect(answer.answerRecords(channel, proposal, honest.account, [wrong])).to.be.revertedWithCustomError(
        hub,
        "ChannelHub_WrongAnswer",
      );
      const sent = await answer.answerRecords(channel, proposal, honest.account, [told.record(1n), told.record(2n)]);
      await networkHelpers.time.increase(100);
      await answer.answerRecords(channel, proposal, honest.account, [told.record(3n)]);
      const paid = await hub.creditOf(channel, stranger);
      // A bogus demand costs its maker more than it costs who answers.
      const cost =
        ((await sent.wait())?.gasUsed ?? 0n) * ((await ethers.provider.getBlock("latest"))?.baseFeePerGas ?? 0n);
      expect(paid).to.be.greaterThan(cost);
      expect(await hub.creditOf(channel, honest.account)).to.equal(BOND - paid);
      const stopped = BigInt((await networkHelpers.time.latest()) - asked);
      expect((await hub.proposalOf(channel, proposal)).finalAt).to.equal(finalAt + stopped);
      await expect(hub.resolveDemand(channel, proposal, honest.account)).to.be.revertedWithCustomError(
        hub,
        "ChannelHub_NoDemand",
      );
    });

    it("should show a false settlement, so that its fault can be proven", async () => {
      const scene = await sceneOf();
      const { hub, channel, honest, cartel } = scene;
      const truth = scene.truth();
      const changes = scene.changes.slice(1);
      const told = await tell(scene, truth, scene.changes, { changes });
      const proposal = await pass(scene, told);
      await hub.connect(honest.account).demandData(channel, proposal, DATA.Changes, 0n, 0n, { value: BOND });
      const [leader] = cartel;
      if (leader === undefined) throw new Error("no cartel");
      await expect(
        hub.connect(leader.account).answerChanges(channel, proposal, honest.account, chunkHashesOf(changes), changes),
      ).to.emit(hub, "ChangesShown");
      const slot = scene.changes[0]?.slot ?? "";
      await hub.proveOmission(channel, proposal, partOf(told), slot, NO_PROOF, truth.prove(slot));
      expect(await stateOf(scene, proposal)).to.equal(State.Rejected);
    });

    it("should take neither what is not there, nor too little for it, nor more than a few", async () => {
      const scene = await sceneOf();
      const { hub, channel, honest, stranger } = scene;
      const told = await tell(scene, scene.truth(), scene.changes);
      const proposal = await pass(scene, told);
      const asking = hub.connect(honest.account);
      for (const [kind, first, last] of [
        [DATA.Records, 0n, 0n],
        [DATA.Records, 3n, 4n],
        [DATA.Records, 2n, 1n],
        [DATA.Changes, 1n, 1n],
      ] as const) {
        await expect(
          asking.demandData(channel, proposal, kind, first, last, { value: BOND }),
        ).to.be.revertedWithCustomError(hub, "ChannelHub_BadDemand");
      }
      await expect(
        asking.demandData(channel, proposal, DATA.Records, 1n, 1n, { value: 1n }),
      ).to.be.revertedWithCustomError(hub, "ChannelHub_BondTooSmall");
      await expect(
        hub.connect(stranger).demandData(channel, proposal, DATA.Records, 1n, 1n, { value: BOND }),
      ).to.be.revertedWithCustomError(hub, "ChannelHub_NotMember");
      for (let i = 0; i < 4; i++) {
        await asking.demandData(channel, proposal, DATA.Records, 1n, 1n, { value: BOND });
        await expect(
          asking.demandData(channel, proposal, DATA.Records, 1n, 1n, { value: BOND }),
        ).to.be.revertedWithCustomError(hub, "ChannelHub_TooManyDemands");
        await hub.answerRecords(channel, proposal, honest.account, [told.record(1n)]);
      }
      await expect(
        asking.demandData(channel, proposal, DATA.Records, 1n, 1n, { value: BOND }),
      ).to.be.revertedWithCustomError(hub, "ChannelHub_TooManyDemands");
    });
  });

  describe("freeze", () => {
    it("should let a member out alone with what it owns at the last certified state", async () => {
      const scene = await sceneOf();
      const { hub, channel, honest, cartel, stranger } = scene;
      const truth = scene.truth();
      const cursor = (await hub.channelOf(channel)).inboxLength;
      const told = await tell(scene, truth, scene.changes, { inboxCursor: cursor });
      const entry = await exitOf(scene, honest);
      await networkHelpers.time.increase(EXIT - 10n);
      await expect(hub.freeze(channel, entry)).to.be.revertedWithCustomError(hub, "ChannelHub_TooEarly");
      await expect(hub.freeze(channel, { ...entry, index: 1n })).to.be.revertedWithCustomError(
        hub,
        "ChannelHub_BadEntry",
      );
      await networkHelpers.time.increase(20);
      await hub.connect(stranger).freeze(channel, entry);
      await expect(hub.connect(honest.account).requestExit(channel)).to.be.revertedWithCustomError(
        hub,
        "ChannelHub_Frozen",
      );
      await expect(pass(scene, told)).to.be.revertedWithCustomError(hub, "ChannelHub_Frozen");
      const acks = await acksOf(scene, [...cartel, honest], told.header);
      await expect(
        hub.bring(told.settlement, told.headerStruct, acks.slice(2), told.changes),
      ).to.be.revertedWithCustomError(hub, "ChannelHub_NoQuorum");
      await hub.bring(told.settlement, told.headerStruct, acks, told.changes);
      await expect(hub.conclude(channel)).to.be.revertedWithCustomError(hub, "ChannelHub_TooEarly");
      await networkHelpers.time.increase(WINDOW);
      await hub.conclude(channel);
      expect((await hub.headOf(channel)).stateRoot).to.equal(truth.root());
      const member = honest.account.address;
      const proof = (ledger: "exits" | "owned") => truth.prove(ledgerSlot(ledger, member, ETHER));
      await expect(hub.claimByProof(channel, member, ETHER, proof("exits"), proof("owned"))).to.changeEtherBalance(
        ethers,
        member,
        BROUGHT,
      );
      await expect(
        hub.claimByProof(channel, member, ETHER, proof("exits"), proof("owned")),
      ).to.be.revertedWithCustomError(hub, "ChannelHub_NothingToClaim");
      await expect(hub.claim(channel, member, ETHER)).to.be.revertedWithCustomError(hub, "ChannelHub_Locked");
      for (const { account } of [honest, ...cartel]) expect(await hub.creditOf(channel, account)).to.equal(STAKE);
    });

    it("should prefer the higher term, then the higher height, and fall back when a higher one is undone", async () => {
      const scene = await sceneOf();
      const { hub, channel, honest, cartel } = scene;
      const cursor = (await hub.channelOf(channel)).inboxLength;
      const low = await tell(scene, scene.truth(), scene.changes, { inboxCursor: cursor, to: 9n });
      const high = await tell(scene, scene.truth(), scene.changes.slice(1), { inboxCursor: cursor, to: 5n, term: 2n });
      const entry = await exitOf(scene, honest);
      await networkHelpers.time.increase(EXIT);
      await hub.freeze(channel, entry);
      const all = [...cartel, honest];
      const bring = async (told: Told) =>
        await hub.bring(told.settlement, told.headerStruct, await acksOf(scene, all, told.header), told.changes);
      await bring(low);
      await bring(high);
      await expect(bring(low)).to.be.revertedWithCustomError(hub, "ChannelHub_NotHigher");
      const { best } = await hub.freezeOf(channel);
      await hub.connect(honest.account).demandData(channel, best, DATA.Records, 5n, 5n, { value: BOND });
      await networkHelpers.time.increase(WINDOW + 1n);
      await expect(hub.conclude(channel)).to.be.revertedWithCustomError(hub, "ChannelHub_TooEarly");
      await hub.resolveDemand(channel, best, honest.account);
      expect((await hub.freezeOf(channel)).best).to.equal(best - 1n);
      await networkHelpers.time.increase(WINDOW);
      await hub.conclude(channel);
      expect((await hub.headOf(channel)).height).to.equal(9n);
    });

    it("should close with what was final when nothing is brought", async () => {
      const scene = await sceneOf();
      const { hub, channel, honest } = scene;
      const entry = await exitOf(scene, honest);
      // A settlement that contains the exit has its window, and is not void for being late.
      await networkHelpers.time.increase(EXIT - 100n);
      await pass(scene, await tell(scene, scene.truth(), scene.changes));
      await networkHelpers.time.increase(200);
      await expect(hub.freeze(channel, entry)).to.be.revertedWithCustomError(hub, "ChannelHub_TooEarly");
      await networkHelpers.time.increase(3n * EXIT);
      await hub.freeze(channel, entry);
      await networkHelpers.time.increase(WINDOW);
      await expect(hub.conclude(channel)).to.emit(hub, "ChannelClosed").and.not.to.emit(hub, "Settled");
      expect((await hub.headOf(channel)).height).to.equal(0n);
      await expect(hub.conclude(channel)).to.be.revertedWithCustomError(hub, "ChannelHub_Closed");
      expect((await channelOf(scene, 0)).channel).to.equal(channel + 1n);
    });
  });
});
