import { expect } from "chai";
import { hexlify, type Wallet } from "ethers";
import { network } from "hardhat";

import { commitmentOf } from "../../../src/domain/channel/evidence.ts";
import type { Evidence } from "../../../src/ports/channel-court.ts";
import { headerStruct } from "../../../src/adapters/chain/channels/court-values.ts";
import { RECORD_KINDS, type RecordHeader } from "../../../src/wire/channel/record.ts";
import {
  accuse as accuseByVote,
  changesFrom,
  changesRootOf,
  chunkHashesOf,
  deployHub,
  FINE,
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
  rootsOf,
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
const faultsOf = async ({ hub, channel }: CourtScene): Promise<bigint[][]> =>
  (await hub.faultsOf(channel)).map(({ height, term }) => [height, term]);
const convictedOf = async (scene: CourtScene) => {
  const events = await scene.hub.queryFilter(scene.hub.filters.Convicted(scene.channel));
  return events.map(({ args }) => [args.height, args.account, args.voids, args.fineWei, args.rewardWei]);
};
const peers = (scene: CourtScene, ...indices: number[]) => indices.map((index) => peerAt(scene, index));
/** The records after what is final, as another term's from a height on. */
const remade = (scene: CourtScene, from: number, term: number): RecordHeader[] =>
  scene
    .headers()
    .slice(1)
    .map((header) => (header.height < from ? header : { ...header, term }));

async function show(scene: CourtScene, headers: readonly RecordHeader[], height: number): Promise<string> {
  const { recordsRoot, proof } = rootsOf(headers, height - 1);
  const header = headerStruct(headers[height - 1]!);
  await scene.court.showRemade(
    header,
    proof.map((hash) => hexlify(hash)),
    recordsRoot,
  );
  return hexlify(recordsRoot);
}

describe("ChannelVerdicts", () => {
  describe("the office", () => {
    it("is lost with a ban, and goes to the reporter where that is a member", async () => {
      const scene = await sceneOf(4);
      const [liar, , reporter] = peers(scene, 0, 1, 2);
      const sent = accuse(scene, reporter!.account, lieAt(scene, 5));
      await expect(sent)
        .to.emit(scene.hub, "MemberBanned")
        .withArgs(scene.channel, 0n, liar!.account.address, (until: bigint) => until > 0n, FINE);
      const { term, leader } = await scene.hub.channelOf(scene.channel);
      expect([term, leader]).to.deep.equal([2n, reporter!.account.address]);
      const events = await scene.hub.queryFilter(scene.hub.filters.InboxAdded(scene.channel));
      expect(events.slice(-2).map(({ args }) => args.kind)).to.deep.equal([Inbox.Ban, Inbox.Term]);
      const { signer, convicted } = await scene.hub.termOf(scene.channel, 2n);
      expect([signer, convicted]).to.deep.equal([reporter!.key.address, false]);
      // What the new leader makes of both entries is the next records.
      await scene.takeInbox(2);
      expect(scene.player.head.header.inboxCursor).to.equal(6);
      expect(scene.player.head.membership.members.has(liar!.account.address.toLowerCase())).to.equal(false);
    });

    it("stays with whoever leads now, when an earlier leader is convicted", async () => {
      const scene = await sceneOf(4);
      await scene.hub.connect(peerAt(scene, 0).account).requestExit(scene.channel);
      await accuse(scene, scene.stranger, lieAt(scene, 5));
      const { term, leader } = await scene.hub.channelOf(scene.channel);
      expect([term, leader]).to.deep.equal([2n, peerAt(scene, 1).account.address]);
      expect(await faultsOf(scene)).to.deep.equal([[5n, 1n]]);
    });

    it("is nobody's when the leader was alone", async () => {
      const scene = await sceneOf(1);
      await accuse(scene, scene.stranger, lieAt(scene, 3));
      expect((await scene.hub.channelOf(scene.channel)).leader).to.equal(ethers.ZeroAddress);
      expect(await convictedOf(scene)).to.deep.equal([[3n, peerAt(scene, 0).account.address, true, FINE, 0n]]);
    });

    it("is taken by the court alone, which belongs to one hub", async () => {
      const scene = await sceneOf(2);
      const conviction = {
        channel: scene.channel,
        term: 1n,
        height: 1n,
        reporter: scene.stranger,
        rewarded: true,
        voids: true,
      };
      await expect(scene.hub.connect(scene.stranger).convict(conviction))
        .to.be.revertedWithCustomError(scene.hub, "ChannelHub_NotTheCourt")
        .withArgs(scene.court, scene.stranger);
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
    it("of the same or later records changes nothing", async () => {
      const scene = await sceneOf(4);
      await accuse(scene, scene.stranger, lieAt(scene, 5));
      for (const evidence of [lieAt(scene, 5), lieAt(scene, 6), twoAt(scene, 3)]) {
        await expect(accuse(scene, scene.stranger, evidence)).to.be.revertedWithCustomError(
          scene.hub,
          "ChannelHub_AlreadyConvicted",
        );
      }
    });

    it("of an earlier false record makes more void, and fines nobody again", async () => {
      const scene = await sceneOf(4);
      await accuse(scene, scene.stranger, lieAt(scene, 5));
      await accuse(scene, scene.stranger, lieAt(scene, 3));
      expect(await faultsOf(scene)).to.deep.equal([[3n, 1n]]);
      expect((await convictedOf(scene)).at(-1)).to.deep.equal([3n, ethers.ZeroAddress, true, 0n, 0n]);
      const { stakeWei } = await scene.hub.memberOf(scene.channel, peerAt(scene, 0).account);
      expect(stakeWei).to.equal(STAKE - FINE);
    });

    it("of a false record after an equivocation makes it void", async () => {
      const scene = await sceneOf(4);
      await accuse(scene, scene.stranger, twoAt(scene, 5));
      expect(await faultsOf(scene)).to.deep.equal([]);
      await accuse(scene, scene.stranger, lieAt(scene, 6));
      expect(await faultsOf(scene)).to.deep.equal([[6n, 1n]]);
    });

    it("does not fine again who came back", async () => {
      const scene = await sceneOf(3);
      const liar = peerAt(scene, 0);
      await accuse(scene, scene.stranger, twoAt(scene, 5));
      await settle(scene, peers(scene, 1, 2));
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
    it("over a void height is refused until it shows a record of a later term there", async () => {
      const scene = await sceneOf(4);
      const height = BigInt(LAST);
      await accuse(scene, scene.stranger, lieAt(scene, 5));
      const others = peers(scene, 1, 2, 3);
      const refused = async (recordsRoot: string): Promise<void> => {
        await expect(settle(scene, others, { toHeight: height, recordsRoot }))
          .to.be.revertedWithCustomError(scene.hub, "ChannelHub_Void")
          .withArgs(scene.channel, 5n, 1n);
        const settlement = await settlementOf(scene, { toHeight: height, recordsRoot });
        await expect(propose(scene, peerAt(scene, 1), settlement)).to.be.revertedWithCustomError(
          scene.hub,
          "ChannelHub_Void",
        );
      };
      await refused(hexlify(rootsOf(remade(scene, 5, 2), 4).recordsRoot));
      // The same records, shown: they are of the term that is void. So is another height's record.
      await refused(await show(scene, remade(scene, 6, 2), 5));
      await refused(await show(scene, remade(scene, 5, 2), 6));
      const recordsRoot = await show(scene, remade(scene, 5, 2), 5);
      expect(await scene.court.termAt(scene.channel, recordsRoot, 5n)).to.equal(2n);
      await settle(scene, others, { toHeight: height, recordsRoot });
      expect(await faultsOf(scene)).to.deep.equal([]);
      await settle(scene, others);
    });

    it("below it is none of its business", async () => {
      const scene = await sceneOf(4);
      await accuse(scene, scene.stranger, lieAt(scene, 5));
      await settle(scene, peers(scene, 1, 2, 3), { toHeight: 4n });
      expect(await faultsOf(scene)).to.deep.equal([[5n, 1n]]);
    });

    it("is shown by records under its root alone", async () => {
      const scene = await sceneOf(2);
      const { recordsRoot, proof } = rootsOf(remade(scene, 1, 2), 4);
      const header = headerStruct({ ...remade(scene, 1, 2)[4]!, term: 3 });
      await expect(
        scene.court.showRemade(
          header,
          proof.map((hash) => hexlify(hash)),
          recordsRoot,
        ),
      ).to.be.revertedWithCustomError(scene.court, "ChannelCourt_WrongRoot");
      // A second one of the same height takes nothing away from the first.
      const twice = [remade(scene, 1, 2)[4]!, remade(scene, 9, 2)[4]!];
      const pair = (index: number) => rootsOf(twice, index);
      for (const [index, shown] of twice.entries()) {
        await scene.court.showRemade(
          headerStruct(shown),
          pair(index).proof.map((hash) => hexlify(hash)),
          pair(index).recordsRoot,
        );
      }
      expect(await scene.court.termAt(scene.channel, pair(0).recordsRoot, 5n)).to.equal(2n);
    });

    it("that waits for its window becomes void, and another one may pass", async () => {
      const scene = await sceneOf(4, { windowSeconds: 100n });
      const voters = peers(scene, 1, 2, 3);
      await settle(scene, voters, { toHeight: BigInt(LAST) });
      const first = await scene.hub.proposalCount(scene.channel);
      const stateOf = async (id: bigint) => (await scene.hub.proposalOf(scene.channel, id)).state;
      expect(await stateOf(first)).to.equal(State.Pending);
      await accuse(scene, scene.stranger, lieAt(scene, 5));
      expect(await stateOf(first)).to.equal(State.Rejected);
      await networkHelpers.time.increase(200);
      await expect(scene.hub.executeProposal(scene.channel, first, []))
        .to.be.revertedWithCustomError(scene.hub, "ChannelHub_WrongState")
        .withArgs(scene.channel, first, State.Rejected);
      // Its votes are worth nothing in another transaction either.
      const again = await settlementOf(scene, { toHeight: BigInt(LAST), inboxCursor: 4n });
      const votes = await votesOf(scene, voters, hashOfSettlement(again));
      await expect(scene.hub.settle(again, [], votes)).to.be.revertedWithCustomError(scene.hub, "ChannelHub_Void");

      await settle(scene, voters, { toHeight: BigInt(LAST), recordsRoot: await show(scene, remade(scene, 5, 2), 5) });
      const second = await scene.hub.proposalCount(scene.channel);
      expect(await stateOf(second)).to.equal(State.Pending);
      await networkHelpers.time.increase(200);
      await scene.hub.executeProposal(scene.channel, second, []);
      expect([await stateOf(first), await faultsOf(scene)]).to.deep.equal([State.Rejected, []]);
    });

    it("that waits goes on where an earlier leader is convicted, whose records are not in it", async () => {
      const scene = await sceneOf(4, { windowSeconds: 100n });
      await scene.hub.connect(peerAt(scene, 0).account).requestExit(scene.channel);
      const recordsRoot = await show(scene, remade(scene, 5, 2), 5);
      await settle(scene, peers(scene, 1, 2, 3), { toHeight: BigInt(LAST), recordsRoot });
      const id = await scene.hub.proposalCount(scene.channel);
      const { finalAt } = await scene.hub.proposalOf(scene.channel, id);
      await accuse(scene, scene.stranger, lieAt(scene, 5));
      const now = await scene.hub.proposalOf(scene.channel, id);
      expect([now.state, now.finalAt]).to.deep.equal([State.Pending, finalAt]);
      await expect(settle(scene, peers(scene, 1, 2, 3), { toHeight: 4n })).to.be.revertedWithCustomError(
        scene.hub,
        "ChannelHub_SettlementInFlight",
      );
    });

    it("whose parts are being written cannot be stopped, nor one that is final", async () => {
      const scene = await sceneOf(4);
      const changes = changesFrom(0, 300);
      const settlement = await settlementOf(scene, { toHeight: 6n, changesRoot: changesRootOf(changes) });
      const votes = await votesOf(scene, peers(scene, 0, 1, 2, 3), hashOfSettlement(settlement));
      await scene.hub.settle(settlement, [], votes);
      const id = await scene.hub.proposalCount(scene.channel);
      const hashes = chunkHashesOf(changes);
      await scene.hub.applyChanges(scene.channel, id, hashes, 0, changes.slice(0, 256));
      await accuse(scene, scene.stranger, lieAt(scene, 5));
      expect(await faultsOf(scene)).to.deep.equal([]);
      await scene.hub.applyChanges(scene.channel, id, hashes, 1, changes.slice(256));
      expect((await scene.hub.headOf(scene.channel)).height).to.equal(6n);
      expect((await convictedOf(scene)).map(([, , voids, fineWei]) => [voids, fineWei])).to.deep.equal([[false, FINE]]);
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
    it("is not fined, and its records are void all the same", async () => {
      const scene = await sceneOf(3);
      await scene.hub.connect(peerAt(scene, 0).account).requestExit(scene.channel);
      await settle(scene, peers(scene, 0, 1, 2), { toHeight: 4n });
      await accuse(scene, scene.stranger, lieAt(scene, 5));
      expect(await convictedOf(scene)).to.deep.equal([[5n, ethers.ZeroAddress, true, 0n, 0n]]);
      expect(await faultsOf(scene)).to.deep.equal([[5n, 1n]]);
      expect((await scene.hub.channelOf(scene.channel)).term).to.equal(2n);
    });

    it("cannot make settlements dear by many faults: those of the first terms are joined", async () => {
      const scene = await sceneOf(2);
      // Eleven terms, whose leaders leave and come back.
      for (let term = 1; term <= 10; term += 1) {
        const leader = peerAt(scene, (term - 1) % 2);
        await scene.hub.connect(leader.account).requestExit(scene.channel);
        await settle(scene, peers(scene, 0, 1), { toHeight: BigInt(term) });
        await join(scene, leader, { consent: { deadline: 2n ** 40n + BigInt(term) } });
      }
      for (let term = 1; term <= 10; term += 1) {
        const signed = { height: 20 + term, term };
        const evidence: Evidence = {
          fault: "misplaced",
          record: openAt(scene, 5, { ...signed, kind: 9 }, (term - 1) % 2),
          before: recordAt(scene, 4).header,
        };
        await accuse(scene, scene.stranger, evidence);
      }
      const faults = await faultsOf(scene);
      expect(faults.length).to.equal(8);
      const sorted = [...faults].sort(([a = 0n], [b = 0n]) => Number(a - b));
      expect(sorted[0]).to.deep.equal([21n, 3n]);
      expect(sorted.at(-1)).to.deep.equal([30n, 10n]);
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
      expect((await convictedOf(scene)).map(([, , , fineWei]) => fineWei)).to.deep.equal([STAKE]);

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
