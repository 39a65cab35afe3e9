import { expect } from "chai";

import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createMemoryRecordLog, type MemoryDisk } from "../../../src/adapters/record-log/memory.ts";
import { fromLogEntry, toLogEntry } from "../../../src/channel/log-entries.ts";
import { verifyChannel, type ChannelHistory, type VerifiedChannel } from "../../../src/channel/verify.ts";
import { toHex } from "../../../src/utils/bytes.ts";
import { createChannelScene, type ChannelScene, type SceneMember } from "../../helpers/channel-scene.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { until } from "../../helpers/until.ts";

const TAIL = 10;

describe("channel/verify: a log in which records were taken back", function () {
  this.timeout(60_000);
  let scene: ChannelScene;
  afterEach(async () => await scene.close());

  /**
   * The second of four has played a tail that nobody certified, which it took back when it became the leader, and then settled. Its
   * log has everything; the tail is signed again where its calls hold until then.
   */
  async function play(validMs: number): Promise<SceneMember> {
    scene = await createChannelScene({
      members: 4,
      logOf: (disk) => ({ ...createMemoryRecordLog(disk), prune: async () => undefined }),
    });
    const [first, second, ...others] = scene.members as [SceneMember, SceneMember, ...SceneMember[]];
    await second.node.committed(await second.node.submit(scene.call(0, "inc")));
    await scene.same();
    for (const other of others) await other.kill();
    const validUntilMs = BigInt(Date.now() + validMs);
    for (let nonce = 1n; nonce <= TAIL; nonce += 1n) {
      await second.node.submit(scene.call(0, "inc", [], { nonce, validUntilMs }));
    }
    const { height } = first.node.head;
    await until(() => second.node.head.height === height, { what: "the tail" });
    await first.kill();
    await until(() => BigInt(Date.now()) > validUntilMs || validMs > 10_000);
    scene.hub.leave(first.account);
    for (const other of others) await other.start();
    await until(() => second.node.leads, { what: "the second leads", timeoutMs: 20_000 });
    await second.node.submit(scene.call(1, "inc"));
    await scene.same([second, ...others]);
    // The leave is settled by itself.
    await until(() => scene.hub.settled.inboxCursor === scene.hub.entries.length, {
      what: "a settlement",
      timeoutMs: 20_000,
    });
    await until(() => second.disk.snapshots.size > 0, { what: "a snapshot" });
    await second.node.committed(await second.node.submit(scene.call(1, "inc")));
    await scene.same([second, ...others]);
    return second;
  }

  /** What is left of a log of which the parts before the tail were easily forgotten. */
  function pruned({ entries, snapshots }: MemoryDisk): MemoryDisk {
    const cut = entries.findIndex((entry) => fromLogEntry(entry).kind === "cut");
    const from = entries.findLastIndex((entry, index) => {
      const logged = fromLogEntry(entry);
      return index < cut && logged.kind === "batch" && logged.batch.first > 1;
    });
    expect(from).to.be.above(0);
    return { entries: entries.slice(from), snapshots };
  }

  const verify = async (disk: MemoryDisk): Promise<VerifiedChannel> => {
    const hub = scene.hub.as(scene.members[1]!.account);
    const history: ChannelHistory = createMemoryRecordLog(disk);
    const components = { hub, clock: systemClock, logger: createMemoryLogger() };
    return await verifyChannel(components, { channel: 1n, history });
  };

  for (const [what, validMs] of Object.entries({ "longer than": 2_000, "as long as": 60_000 })) {
    it(`should hold when it begins at a snapshot, and what was taken back is ${what} what came instead`, async () => {
      const { node, disk } = await play(validMs);
      const whole = await verify(disk);
      expect(whole).to.include({ fromHeight: 0, height: node.head.height });
      const rest = await verify(pruned(disk));
      const { height } = scene.hub.settled;
      expect(rest.fromHeight).to.be.within(1, height);
      expect(rest).to.include({ height: node.head.height, certifiedHeight: whole.certifiedHeight });
      expect(toHex(rest.recordHash)).to.equal(toHex(node.head.hash));
      expect(rest.settledHeights).to.include(height);
    });
  }

  it("should not hold when what is final is taken back", async () => {
    const { disk } = await play(60_000);
    const left = pruned(disk);
    const { height } = scene.hub.settled;
    const back = toLogEntry({ kind: "cut", height: height - 1, from: height + 1 });
    expect(await codeOf(verify({ ...left, entries: [...left.entries, back] }))).to.equal("CHANNEL_UNVERIFIED");
  });
});
