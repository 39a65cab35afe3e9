import { expect } from "chai";

import type { ChannelConfig } from "../../src/ports/channel-hub.ts";
import { startChannelChain, type ChannelChain, type ChannelPeer } from "../helpers/channel-chain.ts";
import { startChannelTeam, type ChannelTeam, type TeamMember } from "../helpers/channel-team.ts";
import type { Lie } from "../helpers/lying-network.ts";
import { until } from "../helpers/until.ts";
import { keccak256 } from "../../src/utils/keccak.ts";

const STAKE_WEI = 10n ** 18n;
const FINE_WEI = 3n * 10n ** 17n;
const TICK_MS = 100;
const MEMBERS = 3;
const TIMEOUT_MS = 30_000;

/** What the chain sees by itself. */
const PROVABLE: readonly Lie[] = [
  "a wrong result",
  "an altered write set",
  "a forged user's call",
  "a skipped tick",
  "falling time",
];

describe("e2e: a channel's members convict a lying leader", function () {
  this.timeout(120_000);
  let chain: ChannelChain;
  let peers: ChannelPeer[];
  let team: ChannelTeam | undefined;
  before(async () => {
    chain = await startChannelChain();
    peers = [];
    for (let index = 1; index <= MEMBERS; index += 1) peers.push(await chain.peer(index));
  });
  afterEach(async () => {
    await team?.stop();
    team = undefined;
  });
  after(async () => await chain.close());

  for (const lie of PROVABLE) {
    it(`should fine it for ${lie}, although votes are no proof there`, async () => {
      const config: Partial<ChannelConfig> = {
        stakeWei: STAKE_WEI,
        fineWei: FINE_WEI,
        ...(lie === "a skipped tick" && { tickMs: TICK_MS, maxCatchUpTicks: 3 }),
      };
      team = await startChannelTeam(chain, peers, config, { proves: true });
      const [liar, ...honest] = team.members as [TeamMember, ...TeamMember[]];
      await until(() => liar.node.leads, { timeoutMs: TIMEOUT_MS, what: "the leader is ready" });
      await liar.node.submit(team.call(0));
      liar.network.lieAbout(lie, { node: liar.node, instead: team.call(1) });
      await liar.node.submit(team.call(0));
      await until(() => liar.network.toldAt !== undefined, { timeoutMs: TIMEOUT_MS, what: "the lie" });
      const { hub } = honest[0]!.peer;
      const { channel } = team.info;
      const isBanned = async (): Promise<boolean> =>
        (await hub.member(channel, liar.peer.account))?.bannedUntilMs !== 0;
      await until(isBanned, { timeoutMs: TIMEOUT_MS, what: "the ban" });
      expect((await hub.member(channel, liar.peer.account))!.stakeWei).to.equal(STAKE_WEI - FINE_WEI);
      // The reporter's half, or what the two others share of it.
      const credits = await Promise.all(honest.map(async ({ peer }) => await hub.creditWei(channel, peer.account)));
      expect(credits.reduce((sum, credit) => sum + credit)).to.equal(FINE_WEI / 2n);
    });
  }

  it("should load a record's slots once, whoever asks for it and after a new start", async () => {
    const [first, second] = peers as [ChannelPeer, ChannelPeer, ...ChannelPeer[]];
    const rootBefore = new Uint8Array(32).fill(7);
    // More than one transaction loads.
    const touched = Array.from({ length: 300 }, (_, index) => ({
      slot: keccak256(new Uint8Array([index >> 8, index])),
      value: new Uint8Array(32).fill(1),
    }));
    const replayed = { input: new Uint8Array(), touched, besides: [] };
    const openedIn = await first.court.openReplay(rootBefore, replayed);
    const blockNumber = await first.hub.blockNumber();
    expect(await second.court.openReplay(rootBefore, replayed)).to.equal(openedIn);
    expect(await first.hub.blockNumber()).to.equal(blockNumber);
    expect(openedIn).to.be.lessThan(blockNumber);
  });
});
