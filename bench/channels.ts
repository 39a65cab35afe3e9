// What clients of a channel get: committed calls a second and latencies, each member in a process of its own, links and clients over
// loopback TCP, logs fsynced; beside a bare request and reply over libp2p. `node bench/channels.ts 1000000` plays so many for memory.
import { setTimeout as wait } from "node:timers/promises";
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { lpStream } from "@libp2p/utils";

import { systemClock } from "../src/adapters/clock/system.ts";
import { createLibp2pNode } from "../src/adapters/libp2p/node.ts";
import { parsePeer } from "../src/adapters/libp2p/parse-peer.ts";
import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import { startChannelChain, type ChannelChain } from "../test/helpers/channel-chain.ts";
import { startChannelFleet, type ChannelFleet, type CounterClient } from "../test/helpers/channel-fleet.ts";
import { percentile, round, timing, writeReport, type ReportRow } from "./report.ts";

const PROTOCOL = "/sprf/bench-echo/1";
const MESSAGE_BYTES = 256;
const ECHOES = 2_000;
const CLIENTS = 8;
/** Calls of one client on their way at a time, where as many as possible are made. */
const WINDOW = 32;
const WARM_UP_CALLS = 1_000;
const SPEED_CALLS = 4_000;
const RATES = [100, 200, 400];
const RATE_SECONDS = 8;
const MEMORY_CALLS = Number(process.argv[2] ?? 100_000);
const MEMORY_PARTS = 10;
const MIB = 1024 * 1024;
const MAX_GROWTH = 1.2;

const TARGET_PER_SECOND = 400;
/** p95 of committed calls by followers and rate. */
const TARGETS_MS: Readonly<Record<string, number>> = { "2/200": 30, "4/100": 60 };

interface Timed {
  readonly signedMs: number;
  readonly committedMs: number;
}

async function main(): Promise<void> {
  const rows: ReportRow[] = [await measureEcho()];
  const chain = await startChannelChain();
  try {
    for (const followers of [2, 4]) rows.push(...(await measureChannel(chain, followers)));
  } finally {
    await chain.close();
  }
  await writeReport("channels", rows);
}

async function measureChannel(chain: ChannelChain, followers: number): Promise<ReportRow[]> {
  const fleet = await startChannelFleet(chain, { members: 1 + followers });
  const rows: ReportRow[] = [];
  try {
    await fleet.same();
    const leader = await fleet.leader();
    const clients: CounterClient[] = [];
    for (let user = 0; user < CLIENTS; user += 1) clients.push(await fleet.client(user, leader));
    await flood(clients, WARM_UP_CALLS);
    const perSecond = await flood(clients, SPEED_CALLS);
    const most = { name: `committed, ${followers} followers`, value: round(perSecond), unit: "calls/s" };
    // The design has a target for two followers.
    rows.push(followers === 2 ? { ...most, target: TARGET_PER_SECOND, met: perSecond >= TARGET_PER_SECOND } : most);
    for (const rate of RATES) {
      const timed = await atRate(clients, rate);
      const what = `${followers} followers, ${rate}/s`;
      rows.push(
        p95(
          `leader-signed, ${what}`,
          timed.map(({ signedMs }) => signedMs),
        ),
      );
      const target = TARGETS_MS[`${followers}/${rate}`];
      rows.push(
        p95(
          `committed, ${what}`,
          timed.map(({ committedMs }) => committedMs),
          target,
        ),
      );
    }
    if (followers === 2) rows.push(...(await measureMemory(fleet, clients)));
  } finally {
    await fleet.close();
  }
  return rows;
}

/** As many calls as the channel takes; the last of each window is waited for until it is committed. */
async function flood(clients: readonly CounterClient[], calls: number): Promise<number> {
  let left = calls;
  const startMs = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      while (left > 0) {
        const size = Math.min(WINDOW, left);
        left -= size;
        const results = await Promise.all(Array.from({ length: size }, async () => await client.call("increment", [])));
        await results.at(-1)?.committed();
      }
    }),
  );
  return (calls * 1_000) / (performance.now() - startMs);
}

/** Calls at fixed times, whether or not those before were answered; each is timed from when it was due. */
async function atRate(clients: readonly CounterClient[], rate: number): Promise<Timed[]> {
  const startMs = performance.now();
  const calls: Promise<Timed>[] = [];
  for (let index = 0; index < rate * RATE_SECONDS; index += 1) {
    const dueMs = startMs + (index * 1_000) / rate;
    const early = dueMs - performance.now();
    if (early > 0) await wait(early);
    const client = clients[index % clients.length];
    if (client !== undefined) calls.push(timeCall(client, dueMs));
  }
  return await Promise.all(calls);
}

async function timeCall(client: CounterClient, dueMs: number): Promise<Timed> {
  const result = await client.call("increment", []);
  const signedMs = performance.now() - dueMs;
  await result.committed();
  return { signedMs, committedMs: performance.now() - dueMs };
}

/** Heaps after a collection, at a tenth of the calls and at their end. */
async function measureMemory(fleet: ChannelFleet, clients: readonly CounterClient[]): Promise<ReportRow[]> {
  const heaps = async (): Promise<number[]> => {
    await fleet.same();
    return await Promise.all(fleet.members.map(async ({ process }) => (await process.heap()) / MIB));
  };
  let first: number[] = [];
  for (let part = 0; part < MEMORY_PARTS; part += 1) {
    await flood(clients, MEMORY_CALLS / MEMORY_PARTS);
    if (part === 0) first = await heaps();
  }
  const last = await heaps();
  return last.map((heap, index) => {
    const ratio = heap / (first[index] ?? heap);
    return {
      name: `heap of ${index === 0 ? "the leader" : `follower ${index}`} after ${MEMORY_CALLS} calls`,
      value: round(heap),
      unit: "MiB",
      ratio: round(ratio),
      bound: MAX_GROWTH,
      met: ratio <= MAX_GROWTH,
    };
  });
}

/** One message there and back over an open stream between two processes. */
async function measureEcho(): Promise<ReportRow> {
  const child = fork(fileURLToPath(import.meta.url), ["--echo"]);
  const [peer] = (await once(child, "message")) as [string];
  const node = await createLibp2pNode({ messageKey: keyOf(2), clock: systemClock, logger: createMemoryLogger() });
  await node.start();
  try {
    const stream = lpStream(await node.libp2p.dialProtocol(parsePeer(peer).address, PROTOCOL));
    const message = new Uint8Array(MESSAGE_BYTES);
    const samples: number[] = [];
    for (let echo = 0; echo < 2 * ECHOES; echo += 1) {
      const startMs = performance.now();
      await stream.write(message);
      await stream.read();
      if (echo >= ECHOES) samples.push(performance.now() - startMs);
    }
    return p95("bare libp2p request and reply", samples);
  } finally {
    await node.stop();
    const gone = once(child, "exit");
    child.disconnect();
    await gone;
  }
}

async function serveEcho(): Promise<void> {
  const node = await createLibp2pNode({ messageKey: keyOf(1), clock: systemClock, logger: createMemoryLogger() });
  await node.libp2p.handle(PROTOCOL, async (stream) => {
    const messages = lpStream(stream);
    for (;;) await messages.write(await messages.read());
  });
  await node.start();
  process.on("disconnect", () => process.exit(0));
  process.send?.(node.multiaddrs()[0]);
}

function keyOf(number: number): Uint8Array {
  return new Uint8Array(32).fill(number);
}

function p95(name: string, samplesMs: readonly number[], target?: number): ReportRow {
  const value = round(percentile(samplesMs, 0.95));
  const row = { ...timing(name, samplesMs), value, unit: "ms (p95)" };
  return target === undefined ? row : { ...row, target, met: value <= target };
}

if (process.argv[2] === "--echo") await serveEcho();
else await main();
