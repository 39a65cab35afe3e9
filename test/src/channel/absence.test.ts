import { expect } from "chai";

import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createMemoryRecordLog } from "../../../src/adapters/record-log/memory.ts";
import { systemClock } from "../../../src/adapters/clock/system.ts";
import { fromLogEntry } from "../../../src/channel/log-entries.ts";
import { verifyChannel } from "../../../src/channel/verify.ts";
import { SprfError } from "../../../src/errors.ts";
import type { ChannelAbsence } from "../../../src/ports/channel-absence.ts";
import type { HubEvent, HubNews } from "../../../src/ports/channel-hub.ts";
import type { ChannelMessage } from "../../../src/wire/channel/messages.ts";
import { createChannelScene, type ChannelScene, type SceneMember } from "../../helpers/channel-scene.ts";
import { toldHub } from "../../helpers/told-hub.ts";
import { until } from "../../helpers/until.ts";

const HEARTBEAT_MS = 100;
/** Half of it may pass on a loaded machine before somebody does what it has to. */
const ANSWER_SECONDS = 4;
const LONG_SECONDS = 20;
const SLOW = { timeoutMs: 40_000 };
/** What carries records, or says that there are some. */
const OF_RECORDS: ReadonlySet<ChannelMessage["kind"]> = new Set(["batch", "history", "snapshot", "status", "head"]);

describe("channel: members that are asked on the chain whether they are there", function () {
  this.timeout(90_000);
  let scene: ChannelScene;
  /** Whose messages are lost, by the number of who should hear them. */
  let isLost: (number: number, kind: ChannelMessage["kind"], from: string) => boolean;
  /** What each member did on the chain, and what it took back. */
  let done: Map<string, number>;
  /** What a member's node of the chain tells it. */
  let tell: (number: number, news: HubNews) => HubNews;

  beforeEach(() => {
    isLost = () => false;
    done = new Map();
    tell = (_number, news) => news;
  });
  afterEach(async () => await scene.close());

  const count = (number: number, what: string): number => done.get(`${number} ${what}`) ?? 0;

  async function begin(
    members: number,
    refused: readonly string[] = [],
    answerSeconds = ANSWER_SECONDS,
  ): Promise<readonly SceneMember[]> {
    scene = await createChannelScene({
      members,
      config: { answerSeconds },
      node: { heartbeatMs: HEARTBEAT_MS },
      hears: (number, { kind }, from) => !isLost(number, kind, from),
      hubOf: (number, hub) => toldHub(hub, (news) => tell(number, news)),
      absenceOf: (number, absence) => counting(absence, number, refused),
    });
    await until(() => scene.members.every(({ node }) => node.head.height >= members), SLOW);
    await commit(scene.members[0]!);
    await scene.same();
    return scene.members;
  }

  function counting(absence: ChannelAbsence, number: number, refused: readonly string[]): ChannelAbsence {
    const add = (what: string, amount = 1): void => void done.set(`${number} ${what}`, count(number, what) + amount);
    const allow = (what: string): void => {
      if (refused.includes(`${number} ${what}`))
        throw new SprfError("CHAIN_UNREACHABLE", "this member does not want to");
    };
    return {
      ...absence,
      async accuse(...args) {
        await absence.accuse(...args);
        add("accused");
      },
      async accuseLeader(...args) {
        await absence.accuseLeader(...args);
        add("accused the leader");
      },
      async answerByAck(...args) {
        allow("answer");
        await absence.answerByAck(...args);
        add("answered");
      },
      async answerByCertificate(...args) {
        await absence.answerByCertificate(...args);
        add("certified");
      },
      async demandRecords(...args) {
        allow("demand");
        await absence.demandRecords(...args);
        add("demanded");
      },
      async postRecords(...args) {
        allow("publish");
        await absence.postRecords(...args);
        add("published");
      },
      async withdraw() {
        const amount = await absence.withdraw();
        add("withdrew", Number(amount));
        return amount;
      },
    };
  }

  async function commit({ node }: SceneMember): Promise<void> {
    await node.committed(await node.submit(scene.call(0, "inc")));
  }

  /** So many records that the others are not given. */
  async function submit({ node }: SceneMember, records: number): Promise<void> {
    const first = node.head.height;
    for (let each = 0; each < records; each += 1) await node.submit(scene.call(0, "inc"));
    await until(() => node.head.height >= first + records);
  }

  /** Plays its log again, in which there is something from the chain. */
  async function verifiedHeight({ disk, account }: SceneMember): Promise<number> {
    const log = createMemoryRecordLog(disk);
    const kinds: string[] = [];
    for await (const entry of log.entries()) kinds.push(fromLogEntry(entry).kind);
    expect(kinds).to.include("shown");
    const components = { hub: scene.hub.as(account), clock: systemClock, logger: createMemoryLogger() };
    return (await verifyChannel(components, { channel: 1n, history: log })).height;
  }

  const isAbsent = ({ account }: SceneMember): boolean =>
    scene.hub.entries.some(({ kind, account: of }) => kind === 7 && of === account);

  it("should take from the chain what its leader does not give it, and not be absent", async () => {
    const [first, second] = (await begin(2)) as [SceneMember, SceneMember];
    isLost = (number, kind) => number === 2 && OF_RECORDS.has(kind);
    await submit(first, 18);
    await until(() => second.node.head.height === first.node.head.height, { ...SLOW, what: "it has all of them" });
    expect(second.node.head.hash).to.deep.equal(first.node.head.hash);
    expect(isAbsent(second)).to.equal(false);
    await until(() => count(2, "answered") === count(1, "accused"), { ...SLOW, what: "it has answered" });
    // Sixteen, and then the rest.
    expect(count(2, "demanded")).to.be.at.least(2);
    expect(count(1, "published")).to.equal(count(2, "demanded"));
    await until(() => count(1, "withdrew") > 0 && count(2, "withdrew") > 0, SLOW);

    // They are on its disk, and whoever plays its log again finds them on the chain.
    const { height, hash } = second.node.head;
    await second.kill();
    await second.start();
    expect([second.node.head.height, second.node.head.hash]).to.deep.equal([height, hash]);
    isLost = () => false;
    await commit(first);
    await scene.same();
    expect(await verifiedHeight(second)).to.equal(second.node.head.height);
  });

  it("should stay, with the bond of who accuses it, where nobody publishes what it asks for", async () => {
    const [first, second] = (await begin(2, ["1 publish"])) as [SceneMember, SceneMember];
    isLost = (number, kind) => number === 2 && OF_RECORDS.has(kind);
    await submit(first, 2);
    await until(() => count(2, "demanded") === 1, { ...SLOW, what: "it demands records" });
    // Both coins of the accusation and its own of the demand; an answer brings one.
    await until(() => count(2, "withdrew") === 3 + count(2, "answered"), {
      ...SLOW,
      what: "the accusation has fallen",
    });
    expect(isAbsent(second)).to.equal(false);
    isLost = () => false;
    await commit(first);
    await scene.same();
  });

  it("should take from the chain what another one was given there", async () => {
    const [first, second, third] = (await begin(3, ["3 demand"])) as [SceneMember, SceneMember, SceneMember];
    isLost = (number, kind) => number !== 1 && OF_RECORDS.has(kind);
    // At once, so that they are of batches that go on behind the sixteen.
    const { height } = first.node.head;
    await Promise.all(Array.from({ length: 30 }, async () => await first.node.submit(scene.call(0, "inc"))));
    const all = [second, third];
    await until(() => all.every(({ node }) => node.head.height >= height + 16), { ...SLOW, what: "both have sixteen" });
    isLost = () => false;
    await scene.same();
    expect(all.map(isAbsent)).to.deep.equal([false, false]);
    for (const member of all) {
      const { hash } = member.node.head;
      await member.kill();
      await member.start();
      expect(member.node.head.hash).to.deep.equal(hash);
      expect(await verifiedHeight(member)).to.equal(member.node.head.height);
    }
  });

  it("should ask all members for what its leader keeps from it, before it asks the chain", async () => {
    // The chain would not help it.
    const members = await begin(3, ["3 demand"], LONG_SECONDS);
    const [first, second, third] = members as [SceneMember, SceneMember, SceneMember];
    const { signer } = first;
    isLost = (number, kind, from) => number === 3 && from === signer && OF_RECORDS.has(kind);
    await submit(first, 3);
    await until(() => third.node.head.height === first.node.head.height, { ...SLOW, what: "the second has told it" });
    await until(() => count(3, "answered") > 0, SLOW);
    expect([isAbsent(second), isAbsent(third)]).to.deep.equal([false, false]);
  });

  it("should ask a member that beats and acks nothing, and go on without it where it does not answer", async () => {
    const [first, second] = (await begin(2, ["2 answer"])) as [SceneMember, SceneMember];
    isLost = (number, kind) => number === 1 && kind === "acks";
    const height = await first.node.submit(scene.call(0, "inc"));
    await until(() => first.node.committedHeight >= height, { ...SLOW, what: "it is committed without the second" });
    expect(count(1, "accused")).to.be.at.least(1);
    expect(isAbsent(second)).to.equal(true);
  });

  it("should keep a member whose acks are lost, since it answers on the chain", async () => {
    const [first, second] = (await begin(2)) as [SceneMember, SceneMember];
    isLost = (number, kind) => number === 1 && kind === "acks";
    await submit(first, 1);
    await until(() => count(2, "answered") === 1, { ...SLOW, what: "it answers" });
    expect([count(2, "demanded"), isAbsent(second)]).to.deep.equal([0, false]);
    isLost = () => false;
    await commit(first);
    await scene.same();
  });

  it("should take the office from a leader that beats and takes nothing from the chain, and go on", async () => {
    const [first, second, third] = (await begin(3)) as [SceneMember, SceneMember, SceneMember];
    tell = (number, news) => (number === 1 ? { ...news, events: [] } : news);
    scene.hub.delegate(third.account, second.account);
    const { length } = scene.hub.entries;
    await until(() => second.node.leads, { ...SLOW, what: "the second leads" });
    expect(count(2, "accused the leader")).to.equal(1);
    expect(scene.hub.absent).to.deep.equal([first.account]);
    const isTaken = ({ node }: SceneMember): boolean => node.record(node.committedHeight)!.header.inboxCursor >= length;
    await until(() => [second, third].every(isTaken), { ...SLOW, what: "the entry is committed" });
    await commit(third);
  });

  it("should leave the office to a leader that takes what the chain has late, and answers", async () => {
    const [first, second, third] = (await begin(3, [], 2 * ANSWER_SECONDS)) as [SceneMember, SceneMember, SceneMember];
    const missed: HubEvent[] = [];
    let isStill = true;
    tell = (number, news) => {
      if (number !== 1) return news;
      missed.push(...news.events);
      return { ...news, events: isStill ? [] : missed.splice(0) };
    };
    scene.hub.delegate(third.account, second.account);
    await until(() => count(2, "accused the leader") === 1, { ...SLOW, what: "it is accused" });
    isStill = false;
    scene.hub.pass();
    await until(() => count(1, "certified") === 1, { ...SLOW, what: "it answers by a certificate" });
    await commit(third);
    expect([first.node.leads, scene.hub.absent]).to.deep.equal([true, []]);
  });
});
