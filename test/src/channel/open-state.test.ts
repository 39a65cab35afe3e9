import { expect } from "chai";

import { fromLogEntry, toLogEntry, type Logged } from "../../../src/channel/log-entries.ts";
import type { LogEntry } from "../../../src/ports/record-log.ts";
import { createChannelScene, type ChannelScene } from "../../helpers/channel-scene.ts";
import { until } from "../../helpers/until.ts";

const SETTLED = 4;
const HEAD = 6;

describe("channel: the state that a node opens from its log", function () {
  this.timeout(30_000);
  let scene: ChannelScene;

  afterEach(async () => await scene.close());

  /** What a node alone has written about records 1 to 6, of which 4 is settled and in a snapshot. */
  async function written(): Promise<readonly LogEntry[]> {
    scene = await createChannelScene({ members: 1 });
    const [member] = scene.members;
    const submit = async (): Promise<void> => {
      await member!.node.committed(await member!.node.submit(scene.call(0, "inc")));
    };
    while (member!.node.head.height < SETTLED) await submit();
    const before = [...member!.disk.entries];
    await member!.node.settle();
    await until(() => member!.disk.snapshots.has(SETTLED));
    const pruned = [...member!.disk.entries];
    while (member!.node.head.height < HEAD) await submit();
    const later = member!.disk.entries.slice(pruned.length);
    return [...before, ...later];
  }

  async function expectSameAfter(entries: readonly LogEntry[]): Promise<void> {
    const [member] = scene.members;
    const { height, hash } = member!.node.head;
    await member!.kill();
    member!.disk.entries = [...entries];
    await member!.start();
    expect(member!.node.head).to.deep.include({ height, hash });
  }

  const batchesOf = (entries: readonly LogEntry[]): Extract<Logged, { kind: "batch" }>[] =>
    entries.map(fromLogEntry).filter((logged) => logged.kind === "batch");

  it("should not play what was taken back behind the snapshot's record", async () => {
    const entries = await written();
    const lost = batchesOf(entries).at(-1)!;
    const broken: Logged = { ...lost, batch: { ...lost.batch, first: SETTLED + 1, records: [new Uint8Array(40)] } };
    const at = entries.findIndex((entry) => entry.height > SETTLED);
    const cut: Logged = { kind: "cut", height: SETTLED, from: SETTLED + 1 };
    await expectSameAfter([...entries.slice(0, at), toLogEntry(broken), toLogEntry(cut), ...entries.slice(at)]);
  });

  it("should not go back to what was before the snapshot's record", async () => {
    const entries = await written();
    const cut: Logged = { kind: "cut", height: 1, from: HEAD };
    await expectSameAfter([...entries, toLogEntry(cut), ...batchesOf(entries).slice(1).map(toLogEntry)]);
  });
});
