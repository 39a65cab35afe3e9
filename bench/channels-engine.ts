// What a channel's leader and followers can do in a second of processor time, against nothing but the EVM on the same calls.
import { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { loadSandbox } from "../src/channel/sandbox/sandbox.ts";
import { fromHex } from "../src/utils/bytes.ts";
import {
  accountOf,
  bareLoop,
  benchProgram,
  follow,
  lead,
  openSandbox,
  optionsOf,
  replay,
  signedCalls,
  stateOf,
  type BenchState,
  type SentBatch,
} from "./channel-pipeline.ts";
import { type ReportRow, round, writeReport } from "./report.ts";

const CALLS = Number(process.argv[2] ?? 4_000);
const WARM_UP = Math.ceil(CALLS / 4);
const MEMORY_CALLS = Number(process.argv[3] ?? 100_000);
const POST_BYTES = 64;
const [SMALL, LARGE] = [1_000, 100_000];
const TARGET_SHARE = 0.5;
const TARGET_TRANSFERS = 1_500;
const TARGET_LARGE = 0.5;
const MAX_GROWTH = 1.2;
/** Prime to the numbers of accounts, so that all are met. */
const STRIDE = 7_919;
const MIB = 1024 * 1024;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const counter = await benchProgram("CounterProgram");
const token = await benchProgram("TokenProgram");
const post = await benchProgram("PostProgram");

const inc = fromHex(counter.abi.encodeFunctionData("increment"));
const rows = [
  ...(await measure("counter", stateOf(counter.code, 0), () => inc)).rows,
  ...(
    await measure("post of 64 B", stateOf(post.code, 0), () =>
      fromHex(post.abi.encodeFunctionData("post", ["x".repeat(POST_BYTES)])),
    )
  ).rows,
];
const small = await measure("transfer", stateOf(token.code, SMALL), transferAmong(SMALL), TARGET_TRANSFERS);
const large = await measure(`transfer in ${LARGE} slots`, stateOf(token.code, LARGE), transferAmong(LARGE));
const share = round(large.led / small.led);
rows.push(...small.rows, ...large.rows, {
  name: `leader: ${LARGE} slots against ${SMALL}`,
  value: share,
  unit: "x",
  target: TARGET_LARGE,
  met: share >= TARGET_LARGE,
});
rows.push(...(await measureSnapshot()), ...(await measureReplay()), ...(await measureMemory()));
await writeReport("channels-engine", rows, { versions: { ethereumjs: "10.1.3" } });
// Hardhat listens to events that keep Node from ending the process.
process.exit();

/** Calls a second of processor time: the bare EVM, a leader, a follower. */
async function measure(
  name: string,
  state: BenchState,
  dataOf: (index: number) => Uint8Array,
  target?: number,
): Promise<{ readonly rows: readonly ReportRow[]; readonly led: number }> {
  const calls = signedCalls(WARM_UP + CALLS, dataOf);
  const [early, late] = [calls.slice(0, WARM_UP), calls.slice(WARM_UP)];

  const bare = await bareLoop(state);
  await bare(early);
  const bound = await perSecond(async () => await bare(late));

  const leader = await openSandbox(state);
  const sent = await lead(leader, early);
  let batches: SentBatch[] = [];
  const led = await perSecond(async () => {
    batches = await lead(leader, late);
  });

  const follower = await openSandbox(state);
  await follow(follower, sent);
  const followed = await perSecond(async () => await follow(follower, batches));
  if (Buffer.compare(leader.root, follower.root) !== 0) throw new Error("the follower came to another state");

  const row = (who: string, value: number): ReportRow => ({
    name: `${name}: ${who}`,
    value: Math.round(value),
    unit: "1/cpu-s",
    bound: Math.round(bound),
    ratio: round(value / bound),
    target: target ?? TARGET_SHARE,
    met: value / bound >= TARGET_SHARE && value >= (target ?? 0),
  });
  return {
    led,
    rows: [
      { name: `${name}: the EVM alone`, value: Math.round(bound), unit: "1/cpu-s" },
      row("leader", led),
      row("follower", followed),
    ],
  };
}

/** Writing and loading the state of many slots, its root verified. */
async function measureSnapshot(): Promise<ReportRow[]> {
  const sandbox = await openSandbox(stateOf(token.code, LARGE));
  const parts: Uint8Array[] = [];
  const wrote = await cpuMs(async () => {
    for await (const part of sandbox.snapshot()) parts.push(part);
  });
  const head = { height: sandbox.height, root: sandbox.root };
  const loaded = await cpuMs(async () => void (await loadSandbox(optionsOf(token.code), Readable.from(parts), head)));
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  return [
    { name: `snapshot of ${LARGE} slots: size`, value: round(bytes / MIB), unit: "MiB" },
    { name: `snapshot of ${LARGE} slots: written`, value: round(wrote), unit: "cpu-ms" },
    { name: `snapshot of ${LARGE} slots: loaded and verified`, value: round(loaded), unit: "cpu-ms" },
  ];
}

/** Playing a log of transfers again, as whoever checks a channel does: no signatures. */
async function measureReplay(): Promise<ReportRow[]> {
  const state = stateOf(token.code, SMALL);
  const batches = await lead(await openSandbox(state), signedCalls(CALLS, transferAmong(SMALL)));
  const sandbox = await openSandbox(state);
  const took = await cpuMs(async () => await replay(sandbox, batches));
  return [{ name: "replay of 10,000 transfers", value: Math.round((took / CALLS) * 10_000), unit: "cpu-ms" }];
}

/** What the heap holds after many calls, against a tenth of them. */
async function measureMemory(): Promise<ReportRow[]> {
  const sandbox = await openSandbox(stateOf(token.code, SMALL));
  const part = MEMORY_CALLS / 10;
  let early = 0;
  for (let count = 0; count < MEMORY_CALLS; count += part) {
    // Other nonces each time, so the calls are made anew.
    await lead(sandbox, signedCalls(part, transferAmong(SMALL), count));
    if (count === 0) early = heapMib();
  }
  const late = heapMib();
  const ratio = round(late / early);
  return [
    { name: `heap after ${part} transfers`, value: early, unit: "MiB" },
    {
      name: `heap after ${MEMORY_CALLS} transfers`,
      value: late,
      unit: "MiB",
      ratio,
      target: MAX_GROWTH,
      met: ratio <= MAX_GROWTH,
    },
  ];
}

function transferAmong(accounts: number): (index: number) => Uint8Array {
  return (index) => fromHex(token.abi.encodeFunctionData("transfer", [accountOf((index * STRIDE) % accounts), 1n]));
}

async function perSecond(work: () => Promise<void>): Promise<number> {
  return (CALLS * 1000) / (await cpuMs(work));
}

/** Of the whole process: compiler and garbage collector included. */
async function cpuMs(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function heapMib(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return round((heapUsed + arrayBuffers) / MIB);
}
