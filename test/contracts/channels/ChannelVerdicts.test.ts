import { expect } from "chai";
import { hexlify, type Wallet } from "ethers";
import { network } from "hardhat";

import { commitmentOf } from "../../../src/domain/channel/evidence.ts";
import type { Evidence } from "../../../src/ports/channel-court.ts";
import { merkleRoot } from "../../../src/wire/channel/merkle.ts";
import { hashRecord, RECORD_KINDS, type RecordHeader } from "../../../src/wire/channel/record.ts";
import {
  accuse as accuseByVote,
  changesFrom,
  changesRootOf,
  chunkHashesOf,
  deployHub,
  FINE,
  hashOfPunishment,
  hashOfSettlement,
  type HubConfig,
  Inbox,
  join,
  peerAt,
  propose,
  punishmentOf,
  settle,
  settlementOf,
  STAKE,
  State,
  votesOf,
} from "../helpers/channels.ts";
import {
  accuse,
  commit,
  type CourtScene,
  createCourtScene,
  openAt,
  recordAt,
  openIn,
  SALT,
  userOf,
} from "../helpers/court.ts";

const { ethers, networkHelpers } = await network.create();

const [ALICE, BOB] = [userOf(1), userOf(2)];
/** Of the scene's records. */
const LAST = 7;

async function sceneOf(members: number, config: Partial<HubConfig> = {}, base?: CourtScene): Promise<CourtScene> {
  const hub = base ?? (await networkHelpers.loadFixture(deployed));
  const scene = await createCourtScene(hub, members, { fineWei: FINE, ...config });
  await scene.takeInbox();
  while (scene.records.length <= LAST) {
    await scene.play(RECORD_KINDS.call, scene.callInput(ALICE, "transfer", [BOB.address, 1n]));
  }
  return scene;
}
const deployed = async () => await deployHub(ethers, 6);

/** A record that is false: it has another kind than there is. */
const lieAt = (scene: CourtScene, height: number, leader = 0): Evidence => ({
  fault: "misplaced",
  record: openAt(scene, height, { kind: 9 }, leader),
  before: recordAt(scene, height - 1).header,
});
const twoAt = (scene: CourtScene, height: number): Evidence => ({
  fault: "equivocation",
  record: openAt(scene, height),
  other: openAt(scene, height, { gasUsed: 1 }),
});
const convictedOf = async (scene: CourtScene) => {
  const events = await scene.hub.queryFilter(scene.hub.filters.Convicted(scene.channel));
  return events.map(({ args }) => [args.height, args.account, args.fineWei, args.rewardWei]);
};
const peers = (scene: CourtScene, ...indices: number[]) => indices.map((index) => peerAt(scene, index));
const stateOf = async ({ hub, channel }: CourtScene, id: bigint) => (await hub.proposalOf(channel, id)).state;
/** The records up to a height, of which one is a lie and the next ones follow it. */
function withLie(scene: CourtScene, height: number, change: Partial<RecordHeader>): RecordHeader[] {
  const headers: RecordHeader[] = [];
  for (const header of scene.headers().slice(1)) {
    const last = headers.at(-1);
    const previous = last === undefined ? header.previous : hashRecord(last);
    headers.push({ ...header, previous, ...(header.height === height ? change : {}) });
  }
  return headers;
}
const rootOf = (headers: readonly RecordHeader[]): string => hexlify(merkleRoot(headers.map(hashRecord)));
/** That a proposed settlement has a record of no kind. */
const lieIn = (scene: CourtScene, headers: readonly RecordHeader[], height: number, proposal: bigint): Evidence => ({
  fault: "misplaced",
  record: openIn(headers, height, proposal),
  before: height === 1 ? recordAt(scene, 0).header : headers[height - 2]!,
});

describe("ChannelVerdicts", () => {
  describe("the office", () => {
    it("is lost with a ban, and goes to the reporter where that is a member", async () => {
      const scene = await sceneOf(4);
      const [liar, , reporter] = peers(scene, 0, 1, 2);
      const sent = async () => await accuse(scene, reporter!.account, lieAt(scene, 5));
      await expect(sent())
        .to.emit(scene.hub, "MemberBanned")
        .withArgs(scene.channel, 0n, liar!.account.address, (until: bigint) => until > 0n, FINE);
      const { term, leader } = await scene.hub.channelOf(scene.channel);
      expect([term, leader]).to.deep.equal([2n, reporter!.account.address]);
      const events = await scene.hub.queryFilter(scene.hub.filters.InboxAdded(scene.channel));
      expect(events.slice(-2).map(({ args }) => args.kind)).to.deep.equal([Inbox.Ban, Inbox.Term]);
    });

    it("is never a stranger's, whoever has the first seat", async () => {
      const scene = await sceneOf(4);
      const [first, second, third] = peers(scene, 0, 1, 2);
      const punishment = await punishmentOf(scene, first!);
      const proposal = await accuseByVote(scene, second!, punishment);
      const votes = await votesOf(scene, [third!], hashOfPunishment(punishment));
      await scene.hub.voteBySignatures(scene.channel, proposal, votes);
      await scene.hub.executeProposal(scene.channel, proposal, []);
      await accuse(scene, scene.stranger, lieAt(scene, 5, 1));
      const { term, leader } = await scene.hub.channelOf(scene.channel);
      expect([term, leader]).to.deep.equal([3n, first!.account.address]);
    });

    it("stays with whoever has it, when somebody else is convicted", async () => {
      const scene = await sceneOf(4);
      await scene.hub.connect(peerAt(scene, 0).account).requestExit(scene.channel);
      await accuse(scene, scene.stranger, lieAt(scene, 5));
      // One whom the members have elected, for a term that the chain does not know.
      const signed = { term: 7, kind: RECORD_KINDS.tick };
      const record = openAt(scene, 5, signed, 2);
      await accuse(scene, scene.stranger, { fault: "misplaced", record, before: recordAt(scene, 4).header });
      const { term, leader } = await scene.hub.channelOf(scene.channel);
      expect([term, leader]).to.deep.equal([2n, peerAt(scene, 1).account.address]);
      expect((await convictedOf(scene)).map(([, account]) => account)).to.deep.equal([
        peerAt(scene, 0).account.address,
        peerAt(scene, 2).account.address,
      ]);
    });

    it("is nobody's when the leader was alone", async () => {
      const scene = await sceneOf(1);
      await accuse(scene, scene.stranger, lieAt(scene, 3));
      expect((await scene.hub.channelOf(scene.channel)).leader).to.equal(ethers.ZeroAddress);
      expect(await convictedOf(scene)).to.deep.equal([[3n, peerAt(scene, 0).account.address, FINE, 0n]]);
    });

    it("is taken by the court alone, which belongs to one hub", async () => {
      const scene = await sceneOf(2);
      const { address: signer } = peerAt(scene, 0).key;
      const conviction = { channel: scene.channel, signer, term: 1n, height: 1n, reporter: signer, rewarded: true };
      const asStranger = scene.hub.connect(scene.stranger);
      for (const sent of [
        async () => await asStranger.convict(conviction),
        async () => await asStranger.voidSettlement(scene.channel, 1n),
      ]) {
        await expect(sent())
          .to.be.revertedWithCustomError(scene.hub, "ChannelHub_NotTheCourt")
          .withArgs(scene.court, scene.stranger);
      }
      await expect(scene.court.attachHub())
        .to.be.revertedWithCustomError(scene.court, "ChannelCourt_AlreadyAttached")
        .withArgs(scene.hub);
      expect([await scene.hub.court(), await scene.court.hub()]).to.deep.equal([
        await scene.court.getAddress(),
        await scene.hub.getAddress(),
      ]);
    });
  });

  describe("a second accusation", () => {
    it("of anything in the same term changes nothing", async () => {
      const scene = await sceneOf(4);
      await accuse(scene, scene.stranger, lieAt(scene, 5));
      for (const evidence of [lieAt(scene, 5), lieAt(scene, 3), twoAt(scene, 6)]) {
        await expect(accuse(scene, scene.stranger, evidence)).to.be.revertedWithCustomError(
          scene.hub,
          "ChannelHub_AlreadyConvicted",
        );
      }
      const { stakeWei } = await scene.hub.memberOf(scene.channel, peerAt(scene, 0).account);
      expect(stakeWei).to.equal(STAKE - FINE);
    });

    it("does not fine again who came back", async () => {
      const scene = await sceneOf(4);
      const liar = peerAt(scene, 0);
      await accuse(scene, scene.stranger, twoAt(scene, 5));
      await settle(scene, peers(scene, 1, 2, 3));
      await networkHelpers.time.increase(301);
      await join(scene, liar, { consent: { deadline: 2n ** 41n } });
      await expect(accuse(scene, scene.stranger, twoAt(scene, 6))).to.be.revertedWithCustomError(
        scene.hub,
        "ChannelHub_AlreadyConvicted",
      );
      expect((await scene.hub.memberOf(scene.channel, liar.account)).stakeWei).to.equal(STAKE);
    });
  });

  describe("a settlement", () => {
    const LIE = { kind: 9 };
    const proposed = async (scene: CourtScene, headers: readonly RecordHeader[]): Promise<bigint> => {
      const toHeight = BigInt(headers.length);
      await propose(scene, peerAt(scene, 1), await settlementOf(scene, { toHeight, recordsRoot: rootOf(headers) }));
      return await scene.hub.proposalCount(scene.channel);
    };

    it("that has a false record is void, also with the votes of all and signed by no leader", async () => {
      const scene = await sceneOf(4, { windowSeconds: 100n });
      const headers = withLie(scene, 5, LIE);
      const voters = peers(scene, 1, 2, 3);
      const recordsRoot = rootOf(headers);
      await settle(scene, voters, { toHeight: BigInt(LAST), recordsRoot });
      const id = await scene.hub.proposalCount(scene.channel);
      expect(await stateOf(scene, id)).to.equal(State.Pending);
      const settlement = await settlementOf(scene, { toHeight: BigInt(LAST), recordsRoot });
      await expect(accuse(scene, scene.stranger, lieIn(scene, headers, 5, id)))
        .to.emit(scene.hub, "SettlementVoided")
        .withArgs(scene.channel, id, hashOfSettlement(settlement));
      expect(await stateOf(scene, id)).to.equal(State.Rejected);
      await networkHelpers.time.increase(200);
      for (const sent of [
        async () => await scene.hub.executeProposal(scene.channel, id, []),
        async () => await scene.hub.connect(peerAt(scene, 0).account).vote(scene.channel, id, 1n),
      ]) {
        await expect(sent())
          .to.be.revertedWithCustomError(scene.hub, "ChannelHub_WrongState")
          .withArgs(scene.channel, id, State.Rejected);
      }
      // The same votes are worth nothing in another transaction either, nor is it proposed again.
      const votes = await votesOf(scene, voters, hashOfSettlement(settlement));
      await expect(scene.hub.settle(settlement, [], votes))
        .to.be.revertedWithCustomError(scene.hub, "ChannelHub_Voided")
        .withArgs(scene.channel, hashOfSettlement(settlement));
      const again = await propose(scene, peerAt(scene, 1), settlement);
      expect(await stateOf(scene, again)).to.equal(State.Rejected);
      // Another one may pass now.
      await settle(scene, voters, { toHeight: BigInt(LAST), recordsRoot: rootOf(scene.headers().slice(1)) });
      const second = await scene.hub.proposalCount(scene.channel);
      await networkHelpers.time.increase(200);
      await scene.hub.executeProposal(scene.channel, second, []);
      expect((await scene.hub.headOf(scene.channel)).height).to.equal(BigInt(LAST));
      expect(await convictedOf(scene)).to.deep.equal([]);
    });

    it("is void while votes are gathered, and whichever record of it is false", async () => {
      const scene = await sceneOf(4);
      for (const height of [1, LAST]) {
        const headers = withLie(scene, height, LIE);
        const id = await proposed(scene, headers);
        await accuse(scene, scene.stranger, lieIn(scene, headers, height, id));
        expect(await stateOf(scene, id)).to.equal(State.Rejected);
        await expect(accuse(scene, scene.stranger, lieIn(scene, headers, height, id)))
          .to.be.revertedWithCustomError(scene.hub, "ChannelHub_NotChallengeable")
          .withArgs(scene.channel, id);
      }
    });

    it("whose records do not follow each other is void", async () => {
      const scene = await sceneOf(4);
      const headers = scene.headers().slice(1);
      const cut = headers.map((header) => (header.height < 5 ? header : { ...header, previous: new Uint8Array(32) }));
      const id = await proposed(scene, cut);
      const unlinked = (of: readonly RecordHeader[], proposal: bigint): Evidence => ({
        fault: "unlinked",
        record: openIn(of, 5, proposal),
        signedBefore: openIn(of, 4, proposal),
      });
      const right = await proposed(scene, headers);
      const mixed = { ...unlinked(cut, id), signedBefore: openIn(headers, 4, right) };
      await expect(accuse(scene, scene.stranger, mixed)).to.be.revertedWithCustomError(
        scene.court,
        "ChannelCourt_NoFault",
      );
      await expect(accuse(scene, scene.stranger, unlinked(headers, right))).to.be.revertedWithCustomError(
        scene.court,
        "ChannelCourt_NoFault",
      );
      await accuse(scene, scene.stranger, unlinked(cut, id));
      expect([await stateOf(scene, id), await stateOf(scene, right)]).to.deep.equal([State.Rejected, State.Proposed]);
    });

    it("with true records stands, and so does one that has not the false one", async () => {
      const scene = await sceneOf(4);
      const headers = scene.headers().slice(1);
      const id = await proposed(scene, headers);
      for (let height = 1; height <= LAST; height += 1) {
        await expect(accuse(scene, scene.stranger, lieIn(scene, headers, height, id))).to.be.revertedWithCustomError(
          scene.court,
          "ChannelCourt_NoFault",
        );
      }
      for (const proposal of [id, 77n]) {
        const foreign = lieIn(scene, withLie(scene, 5, LIE), 5, proposal);
        await expect(accuse(scene, scene.stranger, foreign)).to.be.revertedWithCustomError(
          scene.court,
          "ChannelCourt_WrongRoot",
        );
      }
      // Two leaders' records of one height may both be right.
      const record = openIn(headers, 5, id);
      await expect(
        accuse(scene, scene.stranger, { fault: "equivocation", record, other: openAt(scene, 5, { gasUsed: 1 }) }),
      ).to.be.revertedWithCustomError(scene.court, "ChannelCourt_NoFault");
      await expect(
        accuse(scene, scene.stranger, {
          fault: "equivocation",
          record: openAt(scene, 5, { gasUsed: 1 }),
          other: record,
        }),
      ).to.be.revertedWithCustomError(scene.court, "ChannelCourt_NoFault");
      expect(await stateOf(scene, id)).to.equal(State.Proposed);
    });

    it("whose parts are being written cannot be stopped, nor one that is final", async () => {
      const scene = await sceneOf(4);
      const headers = withLie(scene, 5, LIE);
      const changes = changesFrom(0, 300);
      const settlement = await settlementOf(scene, {
        toHeight: BigInt(LAST),
        changesRoot: changesRootOf(changes),
        recordsRoot: rootOf(headers),
      });
      const votes = await votesOf(scene, peers(scene, 0, 1, 2, 3), hashOfSettlement(settlement));
      await scene.hub.settle(settlement, [], votes);
      const id = await scene.hub.proposalCount(scene.channel);
      const hashes = chunkHashesOf(changes);
      await scene.hub.applyChanges(scene.channel, id, hashes, 0, changes.slice(0, 256));
      const refused = async (state: bigint): Promise<void> => {
        expect(await stateOf(scene, id)).to.equal(state);
        await expect(accuse(scene, scene.stranger, lieIn(scene, headers, 5, id)))
          .to.be.revertedWithCustomError(scene.hub, "ChannelHub_NotChallengeable")
          .withArgs(scene.channel, id);
      };
      await refused(State.Passed);
      await scene.hub.applyChanges(scene.channel, id, hashes, 1, changes.slice(256));
      await refused(State.Final);
      expect((await scene.hub.headOf(scene.channel)).height).to.equal(BigInt(LAST));
    });

    it("is not of a time further ahead of the block's than a leader's clock may be", async () => {
      const scene = await sceneOf(2);
      const nowMs = BigInt(await networkHelpers.time.latest()) * 1_000n;
      await networkHelpers.time.setNextBlockTimestamp(nowMs / 1_000n + 1n);
      await expect(settle(scene, peers(scene, 0, 1), { timeMs: nowMs + 16_001n }))
        .to.be.revertedWithCustomError(scene.hub, "ChannelHub_FutureTime")
        .withArgs(nowMs + 16_000n, nowMs + 16_001n);
      await networkHelpers.time.setNextBlockTimestamp(nowMs / 1_000n + 2n);
      await settle(scene, peers(scene, 0, 1), { timeMs: nowMs + 17_000n });
    });
  });

  describe("who has left", () => {
    it("is convicted of nothing any more", async () => {
      const scene = await sceneOf(3);
      await scene.hub.connect(peerAt(scene, 0).account).requestExit(scene.channel);
      // Until its leave is final it is.
      await settle(scene, peers(scene, 0, 1, 2), { toHeight: 4n });
      await expect(accuse(scene, scene.stranger, lieAt(scene, 5)))
        .to.be.revertedWithCustomError(scene.hub, "ChannelHub_NotMember")
        .withArgs(scene.channel, peerAt(scene, 0).key.address);
    });
  });

  describe("a fine", () => {
    const creditsOf = async (scene: CourtScene, accounts: readonly { address: string }[]) =>
      await Promise.all(accounts.map(async ({ address }) => await scene.hub.creditOf(scene.channel, address)));

    it("goes by half to a reporter that has committed two blocks before, and is burnt by half", async () => {
      const scene = await sceneOf(4);
      const evidence = lieAt(scene, 5);
      await commit(scene, scene.stranger, evidence);
      await accuse(scene, scene.stranger, evidence);
      expect(await creditsOf(scene, [scene.stranger, ...scene.peers.map(({ account }) => account)])).to.deep.equal([
        FINE / 2n,
        0n,
        0n,
        0n,
        0n,
        0n,
        0n,
      ]);
      await scene.hub.connect(scene.stranger).withdrawStake(scene.channel, scene.stranger);
      const vault = (await scene.hub.channelOf(scene.channel)).vault;
      // All are paid out, and half of the fine is what stays.
      for (const { account } of peers(scene, 1, 2, 3)) await scene.hub.connect(account).requestExit(scene.channel);
      await settle(scene, peers(scene, 1, 2, 3), { toHeight: 4n });
      for (const { account } of peers(scene, 0, 1, 2, 3)) {
        await scene.hub.connect(account).withdrawStake(scene.channel, account);
      }
      expect(await ethers.provider.getBalance(vault)).to.equal(FINE / 2n);
    });

    it("goes to the other members by half, where the reporter has not, and to no copier", async () => {
      for (const prepare of [
        // Nothing, one block too late, and somebody else's.
        async () => undefined,
        async (scene: CourtScene, evidence: Evidence) => {
          await scene.court
            .connect(scene.stranger)
            .commit(hexlify(commitmentOf(scene.stranger.address, evidence, SALT)));
        },
        async (scene: CourtScene, evidence: Evidence) => await commit(scene, scene.owner, evidence),
        async (scene: CourtScene) => await commit(scene, scene.stranger, lieAt(scene, 6)),
      ]) {
        const scene = await sceneOf(4);
        const evidence = lieAt(scene, 5);
        await prepare(scene, evidence);
        await accuse(scene, scene.stranger, evidence);
        const share = FINE / 6n;
        expect(await creditsOf(scene, [scene.stranger, ...scene.peers.map(({ account }) => account)])).to.deep.equal([
          0n,
          0n,
          share,
          share,
          share,
          0n,
          0n,
        ]);
      }
    });

    it("keeps the age of the first commitment", async () => {
      const scene = await sceneOf(4);
      const evidence = lieAt(scene, 5);
      await commit(scene, scene.stranger, evidence);
      const commitment = hexlify(commitmentOf(scene.stranger.address, evidence, SALT));
      const madeIn = await scene.court.committedIn(commitment);
      // A copy of it, by somebody who wants it to be young.
      await scene.court.connect(scene.owner).commit(commitment);
      expect(await scene.court.committedIn(commitment)).to.equal(madeIn);
      await accuse(scene, scene.stranger, evidence);
      expect(await creditsOf(scene, [scene.stranger])).to.deep.equal([FINE / 2n]);
    });

    it("never comes back by more than half to a liar that reports itself, whoever else it is", async () => {
      const cases: { members: number; liars: number[]; commits: boolean; lostWei: bigint }[] = [
        // Of two members, both the liar's: by its second account, with and without a commitment.
        { members: 2, liars: [0, 1], commits: true, lostWei: FINE / 2n },
        { members: 2, liars: [0, 1], commits: false, lostWei: FINE / 2n },
        { members: 4, liars: [0, 1], commits: true, lostWei: FINE / 2n },
        { members: 4, liars: [0, 1], commits: false, lostWei: FINE - FINE / 6n },
        { members: 4, liars: [0, 1, 2, 3], commits: false, lostWei: FINE - 3n * (FINE / 6n) },
        { members: 1, liars: [0], commits: false, lostWei: FINE },
      ];
      for (const { members, liars, commits, lostWei } of cases) {
        const scene = await sceneOf(members);
        const own = peers(scene, ...liars).map(({ account }) => account);
        const second = own[1] ?? own[0]!;
        const worth = async (): Promise<bigint> => await worthOf(scene, own);
        const before = await worth();
        const evidence = lieAt(scene, 4);
        if (commits) await commit(scene, second, evidence);
        await accuse(scene, second, evidence);
        expect(before - (await worth()), JSON.stringify([members, liars, commits])).to.equal(lostWei);
        expect(lostWei >= FINE / 2n).to.equal(true);
        // Against an honest reporter that was faster it loses all of it; a copy brings its other accounts nothing.
        const other = await sceneOf(members, {}, undefined);
        const others = peers(other, ...liars).map(({ account }) => account);
        const first = lieAt(other, 4);
        const was = await worthOf(other, others);
        await commit(other, other.stranger, first);
        await accuse(other, other.stranger, first);
        await expect(accuse(other, others[1] ?? others[0]!, first)).to.be.revertedWithCustomError(
          other.hub,
          "ChannelHub_AlreadyConvicted",
        );
        expect(was - (await worthOf(other, others))).to.equal(FINE);
      }
    });

    /** What accounts have in a channel: stakes, and what was credited. */
    async function worthOf(scene: CourtScene, accounts: readonly Wallet[]): Promise<bigint> {
      let sum = 0n;
      for (const account of accounts) {
        sum += (await scene.hub.memberOf(scene.channel, account)).stakeWei;
        sum += await scene.hub.creditOf(scene.channel, account);
      }
      return sum;
    }

    it("is never more than the stake, and may come from the pool", async () => {
      const base = await networkHelpers.loadFixture(deployed);
      const liar = peerAt(base, 0);
      const scene = await sceneOf(1, { fineWei: 10n * STAKE });
      await accuse(scene, scene.stranger, lieAt(scene, 3));
      expect((await convictedOf(scene)).map(([, , fineWei]) => fineWei)).to.deep.equal([STAKE]);

      const pooled = await createCourtScene(base, 0, { fineWei: FINE });
      await base.pool.deposit(liar.account, { value: 2n * STAKE });
      await join(pooled, liar, { consent: { stakeSource: await base.pool.getAddress() } });
      await join(pooled, peerAt(base, 1));
      await pooled.takeInbox();
      await accuse(pooled, pooled.stranger, lieAt(pooled, 2));
      expect(await base.pool.reservationOf(liar.account, pooled.channel)).to.equal(STAKE - FINE);
      const { vault } = await pooled.hub.channelOf(pooled.channel);
      expect(await ethers.provider.getBalance(vault)).to.equal(STAKE + FINE);
    });

    it("is taken from a leader that the members have banned before, who is not banned again", async () => {
      const scene = await sceneOf(2);
      const proposal = await accuseByVote(scene, peerAt(scene, 1), await punishmentOf(scene, peerAt(scene, 0)));
      await scene.hub.executeProposal(scene.channel, proposal, []);
      const { bannedUntilMs } = await scene.hub.memberOf(scene.channel, peerAt(scene, 0).account);
      await accuse(scene, scene.stranger, lieAt(scene, 3));
      const member = await scene.hub.memberOf(scene.channel, peerAt(scene, 0).account);
      expect([member.stakeWei, member.bannedUntilMs]).to.deep.equal([STAKE - FINE, bannedUntilMs]);
      expect((await scene.hub.channelOf(scene.channel)).term).to.equal(2n);
    });
  });
});
