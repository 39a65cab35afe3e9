import { expect } from "chai";

import { SprfError } from "../../src/errors.ts";
import type { ChannelConfig } from "../../src/ports/channel-hub.ts";
import { toHex } from "../../src/utils/bytes.ts";
import { INBOX_KINDS, type InboxEntry } from "../../src/wire/channel/inbox-entry.ts";
import { decodeChannelMessage } from "../../src/wire/channel/messages.ts";
import { startChannelChain, type ChannelChain, type ChannelPeer } from "../helpers/channel-chain.ts";
import { startChannelTeam, type ChannelTeam, type TeamInit, type TeamMember } from "../helpers/channel-team.ts";
import { until } from "../helpers/until.ts";

const HEARTBEAT_MS = 300;
const ANSWER_SECONDS = 2;
const SLOW = { timeoutMs: 60_000 };
/** For tests that wait until a member is accused that is not silent: many heartbeats long. */
const QUICK = { node: { heartbeatMs: 150 } };
/** For those in which somebody must not be too late on a loaded machine. */
const PATIENT = { answerSeconds: 6 };
/** What carries records, or says that there are some. */
const OF_RECORDS: ReadonlySet<string> = new Set(["batch", "history", "snapshot", "status", "head"]);

describe("e2e: members of a channel that are no quorum any more", function () {
  this.timeout(120_000);
  let chain: ChannelChain;
  let team: ChannelTeam | undefined;
  before(async () => {
    chain = await startChannelChain();
  });
  after(async () => {
    await chain.close();
  });
  afterEach(async () => {
    await team?.stop();
    team = undefined;
  });

  /** The last of so many members is sent nothing that carries records or says that there are some; all else goes on as ever. */
  const withholding =
    (members: number, isWithheld: () => boolean): NonNullable<TeamInit["networkOf"]> =>
    (index, network) => {
      if (index !== members - 1) return network;
      return {
        ...network,
        listen: (listener) =>
          network.listen({
            onLink: (peer, isUp) => listener.onLink(peer, isUp),
            async onMessage(from, bytes) {
              if (!isWithheld() || !OF_RECORDS.has(decodeChannelMessage(bytes).kind))
                await listener.onMessage(from, bytes);
            },
          }),
      };
    };

  async function start(
    members: number,
    config: Partial<ChannelConfig> = {},
    init: Partial<TeamInit> = {},
  ): Promise<ChannelTeam> {
    const peers: ChannelPeer[] = [];
    for (let index = 1; index <= members; index += 1) peers.push(await chain.peer(index));
    team = await startChannelTeam(
      chain,
      peers,
      { answerSeconds: ANSWER_SECONDS, ...config },
      { accuses: true, node: { heartbeatMs: HEARTBEAT_MS }, ...init },
    );
    const { members: all } = team;
    await until(() => all[0]!.node.leads, SLOW);
    await all[0]!.node.submit(team.call(0));
    await team.same();
    return team;
  }
  const entriesOf = async ({ info, members }: ChannelTeam): Promise<InboxEntry[]> => {
    const { hub } = members[0]!.peer;
    const events = await hub.events(info.channel, info.createdInBlock, await hub.blockNumber());
    return events.flatMap((event) => (event.kind === "inbox" ? [event.entry] : []));
  };
  const isAbsent = async (of: ChannelTeam, { peer }: TeamMember): Promise<boolean> =>
    (await peer.hub.member(of.info.channel, peer.account))?.isAbsent === true;
  const commit = async (of: ChannelTeam, { node }: TeamMember): Promise<void> => {
    await node.committed(await node.submit(of.call(0)));
  };

  for (const members of [2, 3]) {
    it(`should go on without the leader of ${members}, and count it again when it is back`, async () => {
      const of = await start(members);
      const [first, second] = of.members as [TeamMember, TeamMember];
      const others = of.members.slice(1);
      await first.kill();
      const before = (await entriesOf(of)).length;
      await until(() => second.node.leads && second.node.leader === second.peer.account, {
        ...SLOW,
        what: "the eldest of the others leads",
      });
      // It is asked, and two blocks after the time that it has another one leads: all in one transaction.
      const [asked, gone, term, ...more] = (await entriesOf(of)).slice(before);
      expect([asked, gone, term].map((entry) => entry?.kind)).to.deep.equal([
        INBOX_KINDS.presence,
        INBOX_KINDS.presence,
        INBOX_KINDS.term,
      ]);
      expect([gone?.timeMs, more.length]).to.deep.equal([term?.timeMs, 0]);
      expect(await isAbsent(of, first)).to.equal(true);
      await commit(of, second);
      expect(await of.count(second)).to.equal(2n);
      await of.same(others);

      await first.start();
      await until(async () => !(await isAbsent(of, first)), { ...SLOW, what: "the first one is back" });
      await commit(of, second);
      await of.same();
      await until(() => first.node.members.every((member) => !member.isAbsent), SLOW);
      expect([first.node.leader, first.node.members.length]).to.deep.equal([second.peer.account, members]);
    });

    it(`should go on without a follower of ${members}, which comes back`, async () => {
      const of = await start(members);
      const [first] = of.members as [TeamMember];
      const last = of.members.at(-1)!;
      await last.kill();
      const height = await first.node.submit(of.call(0));
      await until(() => first.node.committedHeight >= height, {
        ...SLOW,
        what: "it is committed without the last one",
      });
      expect([await isAbsent(of, last), first.node.term]).to.deep.equal([true, 1]);
      await last.start();
      await until(async () => !(await isAbsent(of, last)), { ...SLOW, what: "the last one is back" });
      await commit(of, first);
      await of.same();
      expect(await of.count(last)).to.equal(3n);
    });
  }

  it("should go on with one of three, and with all once they are back", async () => {
    const of = await start(3);
    const [first, second, third] = of.members as [TeamMember, TeamMember, TeamMember];
    await Promise.all([first.kill(), third.kill()]);
    await until(() => second.node.leads && second.node.leader === second.peer.account, {
      ...SLOW,
      what: "the one that is left leads",
    });
    await commit(of, second);
    await Promise.all([first.start(), third.start()]);
    await until(async () => !(await isAbsent(of, first)) && !(await isAbsent(of, third)), SLOW);
    await commit(of, second);
    await of.same();
  });

  it("should tell the hub of the leader that four have elected when that one is gone too", async () => {
    const of = await start(4);
    const [first, second, third, fourth] = of.members as [TeamMember, TeamMember, TeamMember, TeamMember];
    await first.kill();
    await until(() => second.node.leads, { ...SLOW, what: "the members elect the second one" });
    await commit(of, second);
    await of.same([second, third, fourth]);
    expect((await third.peer.hub.channel(of.info.channel))?.term).to.equal(1);
    await second.kill();
    await until(() => third.node.leads, { ...SLOW, what: "the third one leads, as the chain says" });
    const { term = 0, leader } = (await third.peer.hub.channel(of.info.channel)) ?? {};
    expect([leader, term > 2]).to.deep.equal([third.peer.account, true]);
    await commit(of, third);
    await of.same([third, fourth]);
    expect(await of.count(third)).to.equal(3n);
  });

  it("should not lose a member that answers, nor an office whose records are certified, whoever accuses it", async () => {
    const of = await start(3);
    const [first, second, third] = of.members as [TeamMember, TeamMember, TeamMember];
    const { channel } = of.info;
    await third.peer.absence.accuseLeader(channel, 1);
    await until(async () => (await third.peer.absence.accusation(channel, first.peer.account)) === undefined, SLOW);
    expect([await isAbsent(of, first), second.node.term, first.node.leads]).to.deep.equal([false, 1, true]);
  });

  it("should give the last of three on the chain what nobody else gives it, and its leader accuses it of not acking", async () => {
    let isWithheld = false;
    const of = await start(3, PATIENT, { networkOf: withholding(3, () => isWithheld), ...QUICK });
    const [first] = of.members as [TeamMember];
    const last = of.members.at(-1)!;
    isWithheld = true;
    for (let call = 0; call < 3; call += 1) await first.node.submit(of.call(0));
    await until(() => last.node.head.height === first.node.head.height, { ...SLOW, what: "it has them" });
    expect(toHex(last.node.head.hash)).to.equal(toHex(first.node.head.hash));
    await until(async () => (await first.peer.absence.accusation(of.info.channel, last.peer.account)) === undefined, {
      ...SLOW,
      what: "the accusation is answered",
    });
    expect(await isAbsent(of, last)).to.equal(false);
    isWithheld = false;
    await commit(of, first);
    await of.same();
    expect(await of.count(last)).to.equal(5n);
  });

  it("should let an accusation fall whose leader publishes nothing, with its bond", async () => {
    let isWithheld = false;
    const withdrawn: bigint[] = [];
    const of = await start(2, PATIENT, {
      networkOf: withholding(2, () => isWithheld),
      ...QUICK,
      absenceOf: (index, absence) =>
        index === 0
          ? {
              ...absence,
              postRecords: async () => await Promise.reject(new SprfError("CHAIN_UNREACHABLE", "it lies")),
            }
          : {
              ...absence,
              async withdraw(options) {
                const amount = await absence.withdraw(options);
                withdrawn.push(amount);
                return amount;
              },
            },
    });
    const [first, second] = of.members as [TeamMember, TeamMember];
    isWithheld = true;
    await first.node.submit(of.call(0));
    // More than the one that it gave for a single record: that of the accusation is for a certificate.
    const isBond = (amount: bigint): boolean => amount > 3_000_000n * 10n ** 9n;
    await until(() => withdrawn.some(isBond), { ...SLOW, what: "the second has the bond" });
    expect(await isAbsent(of, second)).to.equal(false);
    isWithheld = false;
    await commit(of, first);
    await of.same();
  });

  it("should let the next one lead where heartbeats on chain have ended", async () => {
    const of = await start(2, { aliveSeconds: 3 });
    const [first, second] = of.members as [TeamMember, TeamMember];
    await first.kill();
    await until(() => second.node.leads, { ...SLOW, what: "the other one leads" });
    await commit(of, second);
    await first.start();
    await until(
      async () => (await first.peer.hub.member(of.info.channel, first.peer.account))?.isAbsent === false,
      SLOW,
    );
    await commit(of, second);
    await of.same();
  });
});
