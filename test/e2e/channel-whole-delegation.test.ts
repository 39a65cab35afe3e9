import { expect } from "chai";

import { startChannelChain, type ChannelChain, type ChannelPeer } from "../helpers/channel-chain.ts";
import { startChannelTeam, type ChannelTeam, type TeamMember } from "../helpers/channel-team.ts";
import { codeOf } from "../helpers/code-of.ts";
import { until } from "../helpers/until.ts";

const HEARTBEAT_MS = 300;
const SLOW = { timeoutMs: 60_000 };
const MEMBERS = 7;
type Seven = readonly [TeamMember, TeamMember, TeamMember, TeamMember, TeamMember, TeamMember, TeamMember];

describe("e2e: members of a channel delegate their voice", function () {
  this.timeout(180_000);
  let chain: ChannelChain;
  let team: ChannelTeam | undefined;
  before(async () => {
    chain = await startChannelChain();
  });
  after(async () => await chain.close());
  afterEach(async () => await team?.stop());

  it("should go on with three of seven that have five voices, and settle with the votes of four", async () => {
    const peers: ChannelPeer[] = [];
    for (let index = 1; index <= MEMBERS; index += 1) peers.push(await chain.peer(index));
    team = await startChannelTeam(chain, peers, {}, { node: { heartbeatMs: HEARTBEAT_MS } });
    const { info, members } = team;
    const [first, second, third, fourth, fifth, sixth, seventh] = members as Seven;
    const others = [fifth, sixth, seventh];
    const commit = async ({ node }: TeamMember): Promise<void> => {
      await node.committed(await node.submit(team!.call(0)));
    };
    await sixth.peer.hub.delegate(info.channel, second.peer.account);
    await seventh.peer.hub.delegate(info.channel, third.peer.account);
    const weightsAt = ({ node }: TeamMember): string => node.members.map(({ weight }) => weight).join();
    await until(() => members.every((member) => weightsAt(member) === "1,2,2,1,1,0,0"), {
      ...SLOW,
      what: "two delegations hold everywhere",
    });
    expect((await first.peer.hub.members(info.channel)).map(({ weight }) => weight).join()).to.equal("1,2,2,1,1,0,0");
    await commit(first);
    await team.same();

    await Promise.all(others.map(async (member) => await member.kill()));
    await commit(first);
    const height = await first.node.settle();
    expect((await first.peer.hub.head(info.channel)).height).to.equal(height);

    await first.kill();
    await until(() => second.node.leads, { ...SLOW, what: "the second one leads" });
    await commit(fourth);
    expect(await team.count(third)).to.equal(3n);

    // Without their voices it would be the end: these three are no quorum by themselves.
    await seventh.peer.hub.delegate(info.channel, undefined);
    await until(() => weightsAt(second) === "1,2,1,1,1,0,1", { ...SLOW, what: "one speaks for itself" });
    const signal = AbortSignal.timeout(2 * HEARTBEAT_MS);
    const lost = await second.node.submit(team.call(1));
    expect(await codeOf(second.node.committed(lost, { signal }))).to.not.equal(undefined);
    expect(second.node.committedHeight).to.be.lessThan(lost);

    await seventh.start();
    await until(() => fourth.node.committedHeight >= lost, { ...SLOW, what: "the seventh is back and counts" });
    await Promise.all([first, fifth, sixth].map(async (member) => await member.start()));
    await team.same();
  });
});
