import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { expect } from "chai";

import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { openFileRecordLog } from "../../src/adapters/record-log/file.ts";
import type { RecordLog } from "../../src/ports/record-log.ts";
import { createChannelScene, type ChannelScene } from "../helpers/channel-scene.ts";
import { channelMemoryCalls } from "../helpers/channel-settings.ts";
import { until } from "../helpers/until.ts";

const MEMBERS = 3;
const USERS = 32;
/** Calls on their way at a time. */
const WINDOW = 512;
const SETTLE_EVERY = 10_000;
/** By then all that nodes keep of the past is full: the receipts of 16,384 records are the most. */
const FULL_AFTER = 20_000;
const MIB = 1024 * 1024;
const SEGMENT_BYTES = MIB;
/** After a settlement: the file that is written to, one that holds its end, and a snapshot. All records together are fifty times that. */
const MAX_DISK_BYTES = 3 * SEGMENT_BYTES;
const MAX_GROWTH = 1.2;
const MS_A_CALL = 30;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

describe("what a channel's nodes hold after many calls", () => {
  const calls = channelMemoryCalls();

  it(`should grow neither in memory nor on disk over ${calls} calls that are settled now and then`, async function () {
    this.timeout(calls * MS_A_CALL);
    const directories = await Promise.all(
      Array.from({ length: MEMBERS }, async () => await mkdtemp(join(tmpdir(), "sprf-memory-"))),
    );
    const logs = await Promise.all(
      directories.map(
        async (directory) =>
          await openFileRecordLog({ directory, logger: createMemoryLogger(), segmentBytes: SEGMENT_BYTES }),
      ),
    );
    const before = heapBytes();
    const scene = await createChannelScene({ members: MEMBERS, logOf: oneEach(logs) });
    try {
      const held = async (): Promise<{ readonly heap: number; readonly disk: number }> => {
        return { heap: heapBytes() - before, disk: Math.max(...(await Promise.all(directories.map(bytesOf)))) };
      };
      const first = Math.max(FULL_AFTER, calls / 10);
      await play(scene, first);
      const early = await held();
      await play(scene, calls - first);
      const late = await held();
      expect(await scene.view(scene.members[1]!, "count")).to.equal(BigInt(calls));
      const what = `${mib(late.heap)} after ${mib(early.heap)} MiB of heap, ${mib(late.disk)} after ${mib(early.disk)} of disk`;
      expect(late.heap, what).to.be.at.most(early.heap * MAX_GROWTH);
      for (const { disk } of [early, late]) expect(disk, what).to.be.at.most(MAX_DISK_BYTES);
    } finally {
      await scene.close();
      for (const directory of directories) await rm(directory, { recursive: true, force: true });
    }
  });
});

/** Plays so many calls and settles after every so many and at the end. */
async function play(scene: ChannelScene, calls: number): Promise<void> {
  const { node } = scene.leader;
  for (let done = 0; done < calls;) {
    const some = Math.min(WINDOW, calls - done);
    await Promise.all(
      Array.from({ length: some }, async (_, index) => await node.submit(scene.call(index % USERS, "inc"))),
    );
    if (Math.floor(done / SETTLE_EVERY) < Math.floor((done + some) / SETTLE_EVERY)) await settle(scene);
    done += some;
  }
  await settle(scene);
}

async function settle(scene: ChannelScene): Promise<void> {
  await scene.same();
  const height = await scene.leader.node.settle();
  await until(() => scene.members.every(({ node }) => node.finalHeight >= height), {
    timeoutMs: 30_000,
    what: `${height} is final everywhere`,
  });
  // What a test keeps of each node's words is not the node's.
  for (const { lines } of scene.members) lines.length = 0;
}

/** A log for each disk that is asked for, always the same. */
function oneEach(logs: readonly RecordLog[]): (disk: object) => RecordLog {
  const given = new Map<object, RecordLog>();
  return (disk) => {
    const log = given.get(disk) ?? logs[given.size];
    if (log === undefined) throw new Error("there is no log for another member");
    given.set(disk, log);
    return log;
  };
}

function heapBytes(): number {
  // Once more for what the first time has left to be swept.
  for (let time = 0; time < 2; time += 1) collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function bytesOf(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true });
  // What was pruned since the folder was read is not there any more.
  const found = await Promise.all(names.map(async (name) => await stat(join(directory, name)).catch(() => undefined)));
  return found.reduce((sum, each) => sum + (each?.isFile() === true ? each.size : 0), 0);
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}
