import { expect } from "chai";

import { INBOX_PATIENCE_MS, LEADER_MARGIN_MS } from "../../../src/domain/channel/inbox-patience.ts";
import type { ChannelHub, HubEvent, HubNews } from "../../../src/ports/channel-hub.ts";
import { PUNISHMENT_REASONS } from "../../../src/wire/channel/settlement.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createChannelScene, type ChannelScene, type SceneMember } from "../../helpers/channel-scene.ts";
import { toldHub } from "../../helpers/told-hub.ts";
import { until } from "../../helpers/until.ts";

const HEARTBEAT_MS = 200;
const PATIENT_MS = 20_000;
const MINUTE_MS = 60_000;

describe("channel: a leader that is cut off from its chain", function () {
  this.timeout(60_000);
  let scene: ChannelScene;
  /** What a member's node of the chain tells it, by its number. */
  let tell: (number: number, news: HubNews) => HubNews;
  beforeEach(() => {
    tell = (_number, news) => news;
  });
  afterEach(async () => await scene.close());

  async function begin(): Promise<readonly [SceneMember, SceneMember, SceneMember, SceneMember]> {
    const hubOf = (number: number, hub: ChannelHub): ChannelHub => toldHub(hub, (news) => tell(number, news));
    scene = await createChannelScene({ members: 4, node: { heartbeatMs: HEARTBEAT_MS }, hubOf });
    const [first, second, third, fourth] = scene.members as [SceneMember, SceneMember, SceneMember, SceneMember];
    await until(() => first.node.leads, { what: "the first leads", timeoutMs: PATIENT_MS });
    await commit(third);
    return [first, second, third, fourth];
  }

  async function commit({ node }: SceneMember): Promise<void> {
    const signed = scene.call(0, "inc");
    // Whoever asks while the office changes hands asks again, as clients do.
    await until(
      async () => {
        const height = await node.submit(signed).catch(() => undefined);
        if (height === undefined) return false;
        return (await codeOf(node.committed(height))) === undefined;
      },
      { timeoutMs: PATIENT_MS, what: "a call is committed" },
    );
  }

  /** Blocks that are as old as a node of the chain that stands still would make them. */
  const old = (news: HubNews): HubNews => ({
    ...news,
    events: [],
    timeMs: Date.now() - INBOX_PATIENCE_MS + LEADER_MARGIN_MS - MINUTE_MS,
  });

  it("should take no calls in time, and make way for one that sees the chain, with nobody punished", async () => {
    const [first, second, third] = await begin();
    await first.kill();
    // It starts again behind a node of the chain that stands still; its disk says that it leads.
    let isStill = true;
    tell = (number, news) => (number === 1 && isStill ? { ...old(news), events: news.events } : news);
    await first.start();
    expect(await codeOf(first.node.submit(scene.call(1, "inc")))).to.equal("CHANNEL_NO_LEADER");
    await until(() => second.node.leads, { what: "the second leads", timeoutMs: PATIENT_MS });
    await commit(third);
    expect(scene.hub.punishments).to.deep.equal([]);

    // It follows meanwhile, and leads again once it sees the chain.
    await scene.same();
    isStill = false;
    scene.hub.pass();
    await second.kill();
    await until(() => first.node.leads, { what: "the first leads again", timeoutMs: PATIENT_MS });
    await commit(third);
  });

  it("should hand on the turn to lead where the next member is cut off too", async () => {
    const [first, second, third] = await begin();
    tell = (number, news) => (number <= 2 ? { ...old(news), events: news.events } : news);
    await second.kill();
    await second.start();
    await first.kill();
    await first.start();
    await until(() => third.node.leads, { what: "the third leads", timeoutMs: PATIENT_MS });
    await commit(third);
    await scene.same();
  });

  it("should be reported for calls past an entry that its followers see, and acked by none of them", async () => {
    const [first, second, third, fourth] = await begin();
    // The leader does not want to see what comes, which is half an hour old to the others.
    tell = (number, { events, ...news }) => ({
      ...news,
      events: events.flatMap((event): HubEvent[] => {
        if (event.kind !== "inbox") return [event];
        if (number === 1) return [];
        const timeMs = event.entry.timeMs - INBOX_PATIENCE_MS - MINUTE_MS;
        return [{ ...event, entry: { ...event.entry, timeMs } }];
      }),
    });
    const { height } = first.node.head;
    scene.hub.close();
    const submitted = first.node.submit(scene.call(1, "inc"));
    const isReported = (): boolean => scene.hub.punishments.length > 0;
    await until(isReported, { what: "the leader is reported", timeoutMs: PATIENT_MS });
    expect(await submitted).to.equal(height + 1);
    expect(scene.hub.punishments[0]!.reason).to.equal(PUNISHMENT_REASONS.wrongOrder);
    for (const { node } of [first, second, third, fourth]) expect(node.committedHeight).to.equal(height);
  });

  it("should wait with what a follower that is cut off itself cannot judge, without a word against the leader", async () => {
    const [first, , , fourth] = await begin();
    let isStill = true;
    tell = (number, news) => (number === 4 && isStill ? { ...news, timeMs: Date.now() - INBOX_PATIENCE_MS - 1 } : news);
    await fourth.kill();
    await fourth.start();
    const { height } = first.node.head;
    await commit(first);
    expect(fourth.node.head.height).to.equal(height);
    isStill = false;
    scene.hub.pass();
    await scene.same();
    expect(scene.hub.punishments).to.deep.equal([]);
  });
});
