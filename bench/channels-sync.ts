// What it takes to come to a channel's state: its snapshot written and loaded, a late member that gets snapshot and tail from another
// one, a history verified; beside a plain copy of the file, and the same calls played by the sandbox alone. All in one process.
// `node bench/channels-sync.ts 1000` has a tail of so many.
import { copyFile, mkdtemp, open, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { hexlify } from "ethers";

import { systemClock } from "../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import { openFileRecordLog } from "../src/adapters/record-log/file.ts";
import { splitHeading, withHeading } from "../src/channel/log-entries.ts";
import { loadSandbox, type Sandbox } from "../src/channel/sandbox/sandbox.ts";
import { verifyChannel } from "../src/channel/verify.ts";
import type { RecordLog } from "../src/ports/record-log.ts";
import type { SignedCall } from "../src/wire/channel/call.ts";
import type { RecordHeader } from "../src/wire/channel/record.ts";
import { createChannelScene, type ChannelScene } from "../test/helpers/channel-scene.ts";
import { until } from "../test/helpers/until.ts";
import { type ReportRow, round, writeReport } from "./report.ts";

const STATES = [1_000, 100_000];
const TAIL = Number(process.argv[2] ?? 10_000);
const PROGRAM = "FeatureProgram";
const CHANNEL = 1n;
const USERS = 32;
const WINDOW = 512;
/** Words of one write, which takes a slot more for their length. */
const BLOB_WORDS = 18;
const BLOB_KEY = `0x${"b1".repeat(32)}`;
/** Small, so that what is settled is pruned and a late member gets the snapshot. */
const SEGMENT_BYTES = 32 * 1024;
const PATIENT_MS = 300_000;

const rows: ReportRow[] = [];
for (const slots of STATES) rows.push(...(await measureState(slots)));
await writeReport("channels-sync", rows);
// Hardhat listens to events that keep Node from ending the process.
process.exit();

async function measureState(slots: number): Promise<ReportRow[]> {
  const directory = await mkdtemp(join(tmpdir(), "sprf-sync-"));
  const openLog = async (name: string): Promise<RecordLog> =>
    await openFileRecordLog({
      directory: join(directory, name),
      logger: createMemoryLogger(),
      segmentBytes: SEGMENT_BYTES,
    });
  const log = await openLog("first");
  /** Of the members in the order in which they come. */
  const logs = [log, await openLog("late")];
  const given = new Map<object, RecordLog>();
  const logOf = (disk: object): RecordLog => {
    const its = given.get(disk) ?? logs[given.size] ?? log;
    given.set(disk, its);
    return its;
  };
  const scene = await createChannelScene({ members: 1, program: PROGRAM, logOf });
  try {
    await play(scene, fillingCalls(scene, slots));
    const height = await scene.leader.node.settle();
    const isKept = async (): Promise<boolean> => (await log.snapshots()).includes(height);
    await until(isKept, { timeoutMs: PATIENT_MS, what: "a snapshot of what is final" });
    const tail = Array.from({ length: TAIL }, (_, index) =>
      scene.call(index % USERS, "setPacked", [index, index % 2 === 0, scene.leader.account]),
    );
    await play(scene, tail);
    return [
      ...(await measureSnapshot(`${slots} slots`, { scene, log, directory, height })),
      ...(await measureTail(`${slots} slots and a tail of ${TAIL}`, { scene, log, height, tail })),
    ];
  } finally {
    await scene.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** What a node keeps: a snapshot of this height and what came after it. */
interface Kept {
  readonly scene: ChannelScene;
  readonly log: RecordLog;
  readonly height: number;
}

interface Opened {
  readonly sandbox: Sandbox;
  readonly header: RecordHeader;
}

async function measureSnapshot(
  name: string,
  { scene, log, directory, height }: Kept & { readonly directory: string },
): Promise<ReportRow[]> {
  const { header, sandbox } = await openAt(scene, log, height);
  const wrote = await timed(async () => await log.saveSnapshot(height, withHeading(header, sandbox.snapshot())));
  const loaded = await timed(async () => void (await openAt(scene, log, height)));
  const file = await largestFile(join(directory, "first"));
  const copied = await timed(async () => {
    const copy = join(directory, "copy");
    await copyFile(file, copy);
    const handle = await open(copy, "r+");
    await handle.sync();
    await handle.close();
  });
  return [
    row(`${name}: a plain copy of the snapshot`, copied),
    row(`${name}: snapshot written`, wrote, copied),
    row(`${name}: snapshot loaded and verified`, loaded, copied),
  ];
}

async function measureTail(
  name: string,
  { scene, log, height: from, tail }: Kept & { readonly tail: readonly SignedCall[] },
): Promise<ReportRow[]> {
  const first = scene.leader;
  const bare = await timed(async () => {
    const { sandbox } = await openAt(scene, log, from);
    for (const { call } of tail) {
      const height = sandbox.height + 1;
      const context = { height, timeMs: first.node.head.timeMs, randomness: first.node.head.hash };
      await sandbox.execute({ kind: "call", call }, context);
    }
  });
  const components = { hub: scene.hub.as(first.account), clock: systemClock, logger: createMemoryLogger() };
  let records = 0;
  const verified = await timed(async () => {
    records = (await verifyChannel(components, { channel: CHANNEL, history: log })).recordCount;
  });
  if (records < TAIL) throw new Error(`${records} of ${TAIL} records were verified`);
  const late = scene.member(2);
  scene.hub.join(late.account, late.signer);
  const synced = await timed(async () => {
    await late.start();
    await until(() => late.node.head.height >= tail.length && late.node.head.height === first.node.head.height, {
      timeoutMs: PATIENT_MS,
      what: "the late member is there",
    });
  });
  return [
    row(`${name}: loaded and played by the sandbox alone`, bare),
    row(`${name}: verified`, verified, bare),
    row(`${name}: a late member, with the one that it asks`, synced, bare),
  ];
}

/** Calls that write so many slots, less those of accounts. */
function fillingCalls(scene: ChannelScene, slots: number): SignedCall[] {
  return Array.from({ length: Math.ceil(slots / (BLOB_WORDS + 1)) }, (_, index) => {
    const blob = hexlify(new Uint8Array(32 * BLOB_WORDS).fill(1 + (index % 255)));
    return scene.call(index % USERS, "setBlob", [BLOB_KEY, index, blob]);
  });
}

async function play(scene: ChannelScene, calls: readonly SignedCall[]): Promise<void> {
  for (let from = 0; from < calls.length; from += WINDOW) {
    await Promise.all(calls.slice(from, from + WINDOW).map(async (call) => await scene.leader.node.submit(call)));
  }
  await scene.same();
}

/** The state of a snapshot that a node has written. */
async function openAt(scene: ChannelScene, log: RecordLog, height: number): Promise<Opened> {
  const hub = scene.hub.as(scene.leader.account);
  const info = await hub.channel(CHANNEL);
  if (info === undefined) throw new Error("there is no channel");
  const { header, state } = await splitHeading(log.readSnapshot(height));
  const ticks = { tickMs: 0, maxCatchUpTicks: 0, genesisMs: info.createdAtMs };
  const options = { address: info.store as `0x${string}`, code: await hub.programCode(info), ticks };
  return { header, sandbox: await loadSandbox(options, state, { height, root: header.stateRoot }) };
}

async function largestFile(directory: string): Promise<string> {
  const files = await Promise.all(
    (await readdir(directory)).map(async (name) => {
      const path = join(directory, name);
      return { path, bytes: (await stat(path)).size };
    }),
  );
  return files.reduce((largest, file) => (file.bytes > largest.bytes ? file : largest)).path;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** With what it is compared with in the same run. */
function row(name: string, ms: number, bound?: number): ReportRow {
  const value = { name, value: round(ms), unit: "ms" };
  return bound === undefined ? value : { ...value, bound: round(bound), ratio: round(ms / bound) };
}
