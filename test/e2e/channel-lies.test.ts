import { expect } from "chai";

import type { ChannelConfig } from "../../src/ports/channel-hub.ts";
import { startChannelChain, type ChannelChain, type ChannelPeer } from "../helpers/channel-chain.ts";
import { startChannelTeam, type ChannelTeam, type TeamMember } from "../helpers/channel-team.ts";
import { codeOf } from "../helpers/code-of.ts";
import { LIES, type Lie } from "../helpers/lying-network.ts";
import { until } from "../helpers/until.ts";

const STAKE_WEI = 10n ** 18n;
const FINE_WEI = 3n * 10n ** 17n;
const BAN_MS = 5 * 60_000;
const TICK_MS = 100;
const PEERS = 5;
const TIMEOUT_MS = 30_000;

/** The table of punishments on the real hub: who is out, for how long, and what it costs. */
const TABLE: readonly {
  readonly members: number;
  readonly votesAreProof: boolean;
  readonly isBanned: boolean;
  readonly isFined: boolean;
}[] = [
  { members: 2, votesAreProof: false, isBanned: true, isFined: false },
  { members: 3, votesAreProof: false, isBanned: false, isFined: false },
  { members: 3, votesAreProof: true, isBanned: true, isFined: true },
  { members: 5, votesAreProof: false, isBanned: false, isFined: false },
  { members: 5, votesAreProof: true, isBanned: true, isFined: true },
];

describe("e2e: a channel's leader lies", function () {
  this.timeout(120_000);
  let chain: ChannelChain;
  let peers: ChannelPeer[];
  let team: ChannelTeam | undefined;
  before(async () => {
    chain = await startChannelChain();
    peers = [];
    for (let index = 1; index <= PEERS; index += 1) peers.push(await chain.peer(index));
  });
  afterEach(async () => {
    await team?.stop();
    team = undefined;
  });
  after(async () => await chain.close());

  for (const { members: count, votesAreProof, isBanned, isFined } of TABLE) {
    for (const lie of Object.keys(LIES) as Lie[]) {
      const what = `${isBanned ? "a ban" : "the office"}${isFined ? " and a fine" : ""}`;
      it(`should cost the leader of ${count} ${what} for ${lie}`, async () => {
        const config: Partial<ChannelConfig> = { votesAreProof, stakeWei: STAKE_WEI, fineWei: FINE_WEI };
        team = await startChannelTeam(chain, peers.slice(0, count), {
          ...config,
          ...(lie === "a skipped tick" && { tickMs: TICK_MS, maxCatchUpTicks: 3 }),
        });
        const [liar, ...honest] = team.members as [TeamMember, ...TeamMember[]];
        await until(() => liar.node.leads, { timeoutMs: TIMEOUT_MS, what: "the leader is ready" });
        for (let call = 0; call < 4; call += 1) await liar.node.submit(team.call(0));
        if (lie !== "a skipped tick") await team.same();

        liar.network.lieAbout(lie, { node: liar.node, instead: team.call(1) });
        await liar.node.submit(team.call(0));
        await until(() => liar.network.toldAt !== undefined, { timeoutMs: TIMEOUT_MS, what: "the lie" });
        const height = liar.network.toldAt!;
        const found = ({ news }: TeamMember) => news.find(({ kind }) => kind === "fault");
        // Two end the term; who is slower may hear of the next one before it has played the lie.
        const finders = () => honest.filter((member) => found(member) !== undefined);
        await until(() => finders().length >= Math.min(2, honest.length), {
          timeoutMs: TIMEOUT_MS,
          what: "honest members have found it",
        });
        for (const member of finders()) expect(found(member)).to.include({ height, reason: LIES[lie] });

        const { channel } = team.info;
        await until(() => honest.some(({ node }) => node.leads && node.term === 2), {
          timeoutMs: TIMEOUT_MS,
          what: "an honest member leads",
        });
        // What was lied about was certified by nobody, and another record stands there now.
        const stays = isBanned ? honest : team.members;
        await until(async () => (await codeOf(honest[0]!.node.submit(team!.call(2)))) === undefined, {
          timeoutMs: TIMEOUT_MS,
          what: "a call in the new term",
        });
        if (lie === "a skipped tick") {
          await until(() => stays.every(({ node }) => node.committedHeight > height), { timeoutMs: TIMEOUT_MS });
        } else await team.same(stays);
        for (const member of stays) expect(member.node.term).to.equal(2);

        const hub = honest[0]!.peer.hub;
        if (isBanned) {
          await until(async () => (await hub.member(channel, liar.peer.account))?.bannedUntilMs !== 0, {
            timeoutMs: TIMEOUT_MS,
            what: "the ban",
          });
        }
        const judged = await hub.member(channel, liar.peer.account);
        if (isBanned)
          expect(judged!.bannedUntilMs).to.be.within(Date.now() + BAN_MS - 60_000, Date.now() + BAN_MS + 60_000);
        else expect(judged!.bannedUntilMs).to.equal(0);
        // A leave that is settled gives back what the fine has left.
        const shares = await Promise.all(honest.map(async ({ peer }) => await hub.creditWei(channel, peer.account)));
        expect(shares).to.deep.equal(honest.map(() => (isFined ? FINE_WEI / BigInt(honest.length) : 0n)));
        expect((await hub.channel(channel))!.leader).to.be.oneOf(honest.map(({ peer }) => peer.account));
      });
    }
  }
});
