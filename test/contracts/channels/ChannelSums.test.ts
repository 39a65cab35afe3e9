import { expect } from "chai";
import { hexlify, id, ZeroAddress } from "ethers";
import { network } from "hardhat";

import { headerStruct, openingStruct } from "../../../src/adapters/chain/channels/court-values.ts";
import type { Evidence } from "../../../src/ports/channel-court.ts";
import { fromHex } from "../../../src/utils/bytes.ts";
import { signAck } from "../../../src/wire/channel/batch.ts";
import { StateTreeModel } from "../../helpers/state-tree-model.ts";
import { acksOf, tell, type Told } from "../helpers/channel-states.ts";
import {
  assetKeyOf,
  channelOf,
  createChannel,
  deployHub,
  FINE,
  hashOfSettlement,
  join,
  Kind,
  ledgerChanges,
  ledgerSlot,
  type Made,
  type Peer,
  peerAt,
  settlementOf,
  STAKE,
  State,
  votesOf,
} from "../helpers/channels.ts";
import { accuse, commit, type CourtScene, createCourtScene, openAt, recordAt } from "../helpers/court.ts";

const { ethers, networkHelpers } = await network.create();

const GWEI = 10n ** 9n;
const FULL = 100n * GWEI;
const WINDOW = 3_600n;
const EXIT = 2n * WINDOW + 600n;
const BROUGHT = 5n * 10n ** 18n;
const ETHER = assetKeyOf(ZeroAddress);
const DATA = { Records: 0n } as const;
const CONFIG = { windowSeconds: WINDOW, stakeWei: STAKE, fineWei: FINE };
/** What whoever sends is ready to pay for gas. */
const PAYS = { maxFeePerGas: 10_000n * GWEI, maxPriorityFeePerGas: GWEI / 10n };
const fixture = async () => await deployHub(ethers, 8);

/** What these have: on their accounts, free in the channel, and as stakes. */
async function wealthOf({ hub, channel }: Made, peers: readonly Peer[]): Promise<bigint> {
  let wei = 0n;
  for (const { account } of peers) {
    const { stakeWei } = await hub.memberOf(channel, account);
    wei += stakeWei + (await hub.creditOf(channel, account)) + (await ethers.provider.getBalance(account));
  }
  return wei;
}

/** What they win by what is done, gas included, at a price of gas. */
async function winOf(
  made: Made,
  peers: readonly Peer[],
  done: () => Promise<unknown>,
  baseFee: bigint = FULL,
): Promise<bigint> {
  const before = await wealthOf(made, peers);
  await networkHelpers.setNextBlockBaseFeePerGas(baseFee);
  await done();
  return (await wealthOf(made, peers)) - before;
}

async function passAs(made: Made, by: Peer, voters: readonly Peer[], told: Told): Promise<bigint> {
  const votes = await votesOf(made, voters, hashOfSettlement(told.settlement));
  await made.hub.connect(by.account).settle(told.settlement, [], votes, PAYS);
  return await made.hub.proposalCount(made.channel);
}

async function membersWithEther(count: number): Promise<Made> {
  const made = await createChannel(await networkHelpers.loadFixture(fixture), CONFIG);
  for (const peer of made.peers.slice(0, count)) {
    await join(made, peer, { assets: [{ kind: Kind.Ether, token: ZeroAddress, id: 0n, amount: BROUGHT }] });
  }
  return made;
}

async function exitEntryOf({ hub, channel }: Made, peer: Peer) {
  const { leftAt } = await hub.memberOf(channel, peer.account);
  const [event] = await hub.queryFilter(hub.filters.InboxAdded(channel, leftAt));
  if (event === undefined) throw new Error("no entry");
  const { index, kind, account, timeMs, data } = event.args;
  return { index, kind, account, timeMs, data };
}

describe("What it pays to attack a channel", () => {
  describe("a leader that shows its own equivocation", () => {
    const equivocate = async () => {
      const scene = await createCourtScene(await networkHelpers.loadFixture(fixture), 3, CONFIG);
      await scene.takeInbox();
      const record = openAt(scene, 2);
      const evidence: Evidence = { fault: "equivocation", record, other: openAt(scene, 2, { gasUsed: 1 }) };
      return { scene, evidence };
    };

    it("should lose half of its fine, whoever reports, and all of it to an honest reporter", async () => {
      const own = await equivocate();
      const [liar, crony] = [peerAt(own.scene, 0), peerAt(own.scene, 1)];
      await commit(own.scene, crony.account, own.evidence);
      const kept = await winOf(own.scene, [liar, crony], async () => {
        await accuse(own.scene, crony.account, own.evidence, PAYS);
      });
      expect(kept).to.be.lessThan(-FINE / 2n);
      expect(kept).to.be.greaterThan(-FINE);

      const other = await equivocate();
      const honest = peerAt(other.scene, 2);
      await commit(other.scene, honest.account, other.evidence);
      const lost = await winOf(other.scene, other.scene.peers.slice(0, 2), async () => {
        await accuse(other.scene, honest.account, other.evidence, PAYS);
      });
      expect(lost).to.equal(-FINE);
      expect(await other.scene.hub.creditOf(other.scene.channel, honest.account)).to.equal(FINE / 2n);
    });

    it("should lose as much when it stands before the honest one without having committed", async () => {
      const { scene, evidence } = await equivocate();
      const [liar, crony, honest] = [peerAt(scene, 0), peerAt(scene, 1), peerAt(scene, 2)];
      await commit(scene, honest.account, evidence);
      const kept = await winOf(scene, [liar, crony], async () => {
        await accuse(scene, crony.account, evidence, PAYS);
      });
      // Half is burnt; the honest one shares the other half.
      expect(kept).to.be.lessThan((-3n * FINE) / 4n);
    });
  });

  describe("a settlement that is false", () => {
    it("should cost its voters half of their fines even if nobody else is there", async () => {
      const made = await channelOf(await networkHelpers.loadFixture(fixture), 6, CONFIG);
      const cartel = made.peers.slice(0, 6);
      const told = await tell(made, new StateTreeModel(), [], { settlement: { stateRoot: id("another") } });
      const won = await winOf(made, cartel, async () => {
        const proposal = await passAs(made, peerAt(made, 0), cartel.slice(0, 5), told);
        await made.hub.connect(peerAt(made, 5).account).proveHead(made.channel, proposal, told.headerStruct, [], PAYS);
      });
      expect(won).to.be.lessThan((-5n * FINE) / 2n);
    });

    it("should pay the honest member that shows it, at 100 gwei", async () => {
      const made = await channelOf(await networkHelpers.loadFixture(fixture), 4, CONFIG);
      const told = await tell(made, new StateTreeModel(), [], { settlement: { stateRoot: id("another") } });
      const honest = peerAt(made, 3);
      const proposal = await passAs(made, peerAt(made, 0), made.peers.slice(0, 3), told);
      const won = await winOf(made, [honest], async () => {
        await made.hub.connect(honest.account).proveHead(made.channel, proposal, told.headerStruct, [], PAYS);
      });
      expect(won).to.be.greaterThan(FINE);
    });

    it("should win nothing without its data, and cost the cartel more gas than who asks for it", async () => {
      const made = await membersWithEther(4);
      const { hub, channel } = made;
      const [thief, honest] = [peerAt(made, 0), peerAt(made, 3)];
      const theft = ledgerChanges([["exits", thief.account.address, ETHER, 4n * BROUGHT]]);
      const told = await tell(made, new StateTreeModel(), theft);
      let proposal = 0n;
      const spent = await winOf(made, made.peers.slice(0, 3), async () => {
        proposal = await passAs(made, thief, made.peers.slice(0, 3), told);
      });
      const asking = hub.connect(honest.account);
      const asked = await winOf(made, [honest], async () => {
        await asking.demandData(channel, proposal, DATA.Records, 3n, 3n, { ...PAYS, value: STAKE });
      });
      await networkHelpers.time.increase(WINDOW + 1n);
      const resolved = await winOf(made, [honest], async () => {
        await asking.resolveDemand(channel, proposal, honest.account, PAYS);
      });
      expect(await stateOf(made, proposal)).to.equal(State.Rejected);
      expect(spent).to.be.lessThan(0n);
      // The bond is back.
      expect(asked + resolved).to.be.greaterThan(-STAKE / 20n);
      expect(spent).to.be.lessThan(asked + resolved);
      await expect(hub.claim(channel, thief.account, ETHER)).to.be.revertedWithCustomError(
        hub,
        "ChannelHub_NothingToClaim",
      );
    });
  });

  describe("a demand for nothing", () => {
    /** Bytes of a record's input, and how base fees of the demand and of the answer are. */
    const CASES = [
      { bytes: 100, at: GWEI, later: GWEI },
      { bytes: 100, at: FULL, later: FULL },
      { bytes: 100, at: GWEI, later: 20n * GWEI },
      { bytes: 16_000, at: FULL, later: FULL },
      { bytes: 16_000, at: GWEI, later: 3n * GWEI },
    ];

    for (const { bytes, at, later } of CASES) {
      it(`should cost who asks, and nobody who answers with ${bytes} bytes, at ${at / GWEI} and ${later / GWEI} gwei`, async () => {
        const made = await channelOf(await networkHelpers.loadFixture(fixture), 4, CONFIG);
        const { hub, channel } = made;
        const [asking, answering] = [peerAt(made, 3), peerAt(made, 1)];
        const told = await tell(made, new StateTreeModel(), [], { input: `0x${"ab".repeat(bytes)}` });
        const proposal = await passAs(made, peerAt(made, 0), made.peers.slice(0, 3), told);
        const { finalAt } = await hub.proposalOf(channel, proposal);
        const value = 5n * STAKE;
        let answered = 0n;
        const asked = await winOf(
          made,
          [asking],
          async () => {
            await hub.connect(asking.account).demandData(channel, proposal, DATA.Records, 1n, 3n, { ...PAYS, value });
            const stoodFrom = await networkHelpers.time.latest();
            const records = [1n, 2n, 3n].map((height) => told.record(height));
            answered = await winOf(
              made,
              [answering],
              async () => {
                await hub.connect(answering.account).answerRecords(channel, proposal, asking.account, records, PAYS);
              },
              later,
            );
            const stood = BigInt((await networkHelpers.time.latest()) - stoodFrom);
            expect((await hub.proposalOf(channel, proposal)).finalAt).to.equal(finalAt + stood);
          },
          at,
        );
        expect(answered).to.be.greaterThan(0n);
        expect(asked).to.be.lessThan(-answered);
      });
    }

    it("should hold a settlement up for no longer than its answers take, however many ask", async () => {
      const made = await channelOf(await networkHelpers.loadFixture(fixture), 4, CONFIG);
      const { hub, channel } = made;
      const asking = peerAt(made, 3);
      const told = await tell(made, new StateTreeModel(), []);
      const proposal = await passAs(made, peerAt(made, 0), made.peers.slice(0, 3), told);
      const { finalAt } = await hub.proposalOf(channel, proposal);
      let stood = 0n;
      for (let i = 0; i < 4; i++) {
        await hub.connect(asking.account).demandData(channel, proposal, DATA.Records, 1n, 1n, { value: STAKE });
        const from = await networkHelpers.time.latest();
        await networkHelpers.time.increase(24);
        await hub.answerRecords(channel, proposal, asking.account, [told.record(1n)]);
        stood += BigInt((await networkHelpers.time.latest()) - from);
      }
      await expect(
        hub.connect(asking.account).demandData(channel, proposal, DATA.Records, 1n, 1n, { value: STAKE }),
      ).to.be.revertedWithCustomError(hub, "ChannelHub_TooManyDemands");
      expect((await hub.proposalOf(channel, proposal)).finalAt).to.equal(finalAt + stood);
      await networkHelpers.time.increaseTo(finalAt + stood);
      await hub.executeProposal(channel, proposal, []);
    });
  });

  describe("a forged absence", () => {
    const ANSWER = 600n;
    const HEIGHT = 4;

    async function withRecords(): Promise<CourtScene> {
      const base = await networkHelpers.loadFixture(fixture);
      const scene = await createCourtScene(base, 4, { ...CONFIG, answerSeconds: ANSWER });
      await scene.takeInbox();
      return scene;
    }

    const ackOf = (scene: CourtScene, peer: Peer, height: number): string => {
      const { header, hash: recordHash } = recordAt(scene, height);
      const ack = { channel: scene.channel, term: header.term, height, recordHash, certified: 0 };
      return hexlify(signAck(scene.domain, ack, fromHex(peer.key.privateKey)));
    };

    /** With what the absence's contract owes them. */
    async function winWith(scene: CourtScene, peer: Peer, done: () => Promise<unknown>, baseFee: bigint) {
      const before = await scene.absence.creditOf(peer.account);
      const won = await winOf(scene, [peer], done, baseFee);
      return won + (await scene.absence.creditOf(peer.account)) - before;
    }

    for (const [at, later] of [
      [FULL, FULL],
      [GWEI, 3n * GWEI],
    ] as const) {
      it(`should cost who accuses, and neither a vote nor ether who is there, at ${at / GWEI} and ${later / GWEI} gwei`, async () => {
        const scene = await withRecords();
        const { absence, channel, hub } = scene;
        const [accuser, accused] = [peerAt(scene, 1), peerAt(scene, 3)];
        const value = STAKE;
        const lost = await winWith(
          scene,
          accuser,
          async () => {
            const opening = openingStruct(openAt(scene, HEIGHT));
            await absence.connect(accuser.account).accuse(channel, accused.account, opening, { ...PAYS, value });
            const answered = await winWith(
              scene,
              accused,
              async () => {
                const ack = ackOf(scene, accused, HEIGHT);
                await absence.connect(accused.account).answerByAck(channel, accused.account, 0n, ack, PAYS);
              },
              later,
            );
            expect(answered).to.be.greaterThan(0n);
          },
          at,
        );
        expect(lost).to.be.lessThan(0n);
        const again = absence
          .connect(accuser.account)
          .accuse(channel, accused.account, openingStruct(openAt(scene, HEIGHT)), { value });
        await expect(again).to.be.revertedWithCustomError(absence, "ChannelAbsence_TooEarly");
        await networkHelpers.time.increase(ANSWER + 1n);
        await expect(absence.resolve(channel, accused.account)).to.be.revertedWithCustomError(
          absence,
          "ChannelAbsence_NoAccusation",
        );
        const { absent, stakeWei } = await hub.memberOf(channel, accused.account);
        expect([absent, stakeWei]).to.deep.equal([false, STAKE]);
      });
    }

    it("should win the office of who is there for nobody, at the cost of who accuses it", async () => {
      const scene = await withRecords();
      const { absence, channel, hub } = scene;
      const [leader, accuser] = [peerAt(scene, 0), peerAt(scene, 1)];
      const lost = await winWith(
        scene,
        accuser,
        async () => {
          await absence.connect(accuser.account).accuseLeader(channel, 1n, { ...PAYS, value: STAKE });
          await scene.takeInbox();
          const { header } = recordAt(scene, HEIGHT + 1);
          const acks = scene.peers.slice(0, 3).map((peer) => ({
            member: peer.account.address,
            certified: 0n,
            signature: ackOf(scene, peer, HEIGHT + 1),
          }));
          const answered = await winWith(
            scene,
            leader,
            async () => {
              const certificate = [headerStruct(header), acks] as const;
              await absence.connect(leader.account).answerByCertificate(channel, leader.account, ...certificate, PAYS);
            },
            FULL,
          );
          expect(answered).to.be.greaterThan(0n);
        },
        FULL,
      );
      expect(lost).to.be.lessThan(0n);
      expect((await hub.channelOf(channel)).leader).to.equal(leader.account.address);
      expect((await hub.channelOf(channel)).term).to.equal(1n);
    });

    it("should take nothing but the vote from who is away, and give nobody anything", async () => {
      const scene = await withRecords();
      const { absence, channel, hub } = scene;
      const [accuser, away] = [peerAt(scene, 1), peerAt(scene, 3)];
      const lost = await winWith(
        scene,
        accuser,
        async () => {
          const opening = openingStruct(openAt(scene, HEIGHT));
          await absence.connect(accuser.account).accuse(channel, away.account, opening, { ...PAYS, value: STAKE });
          await networkHelpers.time.increase(ANSWER + 1n);
          await absence.connect(accuser.account).resolve(channel, away.account, PAYS);
        },
        FULL,
      );
      // The bond is back; the gas is not.
      expect(lost).to.be.lessThan(0n);
      expect(lost).to.be.greaterThan(-STAKE / 10n);
      const { absent, stakeWei, gone } = await hub.memberOf(channel, away.account);
      expect([absent, stakeWei, gone]).to.deep.equal([true, STAKE, false]);
      // Those who are left settle, and wait for the window, in which it may object.
      const settlement = await settlementOf(scene);
      await hub.settle(settlement, [], await votesOf(scene, scene.peers.slice(0, 3), hashOfSettlement(settlement)));
      const proposal = await hub.proposalCount(channel);
      expect(await stateOf(scene, proposal)).to.equal(State.Pending);
      await hub.connect(away.account).demandData(channel, proposal, DATA.Records, 1n, 1n, { value: STAKE });
    });
  });

  describe("an exit with an old state", () => {
    it("should win nothing: a newer certificate takes its place, and it costs gas", async () => {
      const made = await membersWithEther(4);
      const { hub, channel } = made;
      const members = made.peers.slice(0, 4);
      const [cheat, honest] = [peerAt(made, 0), peerAt(made, 3)];
      // At height 3 each owns what it brought; by height 9 the cheat has lost all to the honest one.
      const own = members.map(({ account }) => ["owned", account.address, ETHER, BROUGHT] as const);
      const old = await tell(made, new StateTreeModel(), ledgerChanges(own), { inboxCursor: 4n });
      const truth = new StateTreeModel();
      const moved = [["owned", honest.account.address, ETHER, 2n * BROUGHT] as const, ...own.slice(1, 3)];
      const now = await tell(made, truth, ledgerChanges(moved), { inboxCursor: 4n, to: 9n });
      const before = await wealthOf(made, [cheat]);
      await networkHelpers.setNextBlockBaseFeePerGas(FULL);
      await hub.connect(cheat.account).requestExit(channel, PAYS);
      await networkHelpers.time.increase(EXIT);
      await hub.connect(cheat.account).freeze(channel, await exitEntryOf(made, cheat), PAYS);
      const bring = async (by: Peer, told: Told) => {
        const acks = await acksOf(made, members, told.header);
        await hub.connect(by.account).bring(told.settlement, told.headerStruct, acks, told.changes, PAYS);
      };
      await bring(cheat, old);
      await bring(honest, now);
      await expect(bring(cheat, old)).to.be.revertedWithCustomError(hub, "ChannelHub_NotHigher");
      await networkHelpers.time.increase(WINDOW);
      await hub.conclude(channel);
      const claim = async ({ account }: Peer) => {
        const [exits, owned] = (["exits", "owned"] as const).map((ledger) =>
          truth.prove(ledgerSlot(ledger, account.address, ETHER)),
        );
        if (exits === undefined || owned === undefined) throw new Error("no proofs");
        await hub.claimByProof(channel, account, ETHER, exits, owned);
      };
      await expect(claim(cheat)).to.be.revertedWithCustomError(hub, "ChannelHub_NothingToClaim");
      await claim(honest);
      expect(await hub.paidTo(channel, honest.account, ETHER)).to.equal(2n * BROUGHT);
      // Its stake is back and counted, so all of this is gas.
      expect(await wealthOf(made, [cheat])).to.be.lessThan(before);
    });

    it("should be refused where a newer one is final", async () => {
      const made = await membersWithEther(4);
      const members = made.peers.slice(0, 4);
      const settlement = await settlementOf(made);
      const stale = await settlementOf(made, { toHeight: 5n });
      await made.hub.settle(settlement, [], await votesOf(made, members, hashOfSettlement(settlement)));
      await expect(
        made.hub.settle(stale, [], await votesOf(made, members, hashOfSettlement(stale))),
      ).to.be.revertedWithCustomError(made.hub, "ChannelHub_WrongHeights");
    });

    it("should be paid nothing before the window is over", async () => {
      const made = await membersWithEther(4);
      const { hub, channel } = made;
      const leaver = peerAt(made, 1);
      await hub.connect(leaver.account).requestExit(channel);
      const changes = ledgerChanges([["exits", leaver.account.address, ETHER, BROUGHT]]);
      const told = await tell(made, new StateTreeModel(), changes);
      const proposal = await passAs(made, leaver, made.peers.slice(0, 3), told);
      const claim = async () => await hub.claim(channel, leaver.account, ETHER);
      await networkHelpers.time.increase(WINDOW - 60n);
      await expect(hub.executeProposal(channel, proposal, changes)).to.be.revertedWithCustomError(
        hub,
        "ChannelHub_WrongState",
      );
      await expect(claim()).to.be.revertedWithCustomError(hub, "ChannelHub_NothingToClaim");
      expect(await hub.creditOf(channel, leaver.account)).to.equal(0n);
      await networkHelpers.time.increase(61n);
      await hub.executeProposal(channel, proposal, changes);
      await claim();
      expect(await hub.creditOf(channel, leaver.account)).to.equal(STAKE);
    });
  });
});

async function stateOf({ hub, channel }: Made, proposal: bigint): Promise<bigint> {
  return (await hub.proposalOf(channel, proposal)).state;
}
