// What it costs to get a file from another worker: over bitswap, over its gateway by block and by CAR, against a plain HTTP
// download of the same bytes in the same run; each ends with the file on disk. And a Kubo daemon: import and read.
import { fork } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";

import { systemClock } from "../src/adapters/clock/system.ts";
import type { BlockSource } from "../src/adapters/content-store/block-source.ts";
import { createGatewayBook } from "../src/adapters/content-store/gateway-book.ts";
import { withGateways } from "../src/adapters/content-store/gateway-first.ts";
import { createKuboContentStore } from "../src/adapters/content-store/kubo/kubo.ts";
import { createLocalBlocks } from "../src/adapters/content-store/local-blocks.ts";
import { createFsBlocks } from "../src/adapters/content-store/raw-blocks.ts";
import {
  createUnixfsContentStore,
  type CollectingContentStore,
} from "../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import { createMemoryStore } from "../src/adapters/store/memory.ts";
import { sampleBytes } from "../test/helpers/content-process.ts";
import { startHeliaNode } from "../test/helpers/helia-node.ts";
import { kuboAbsent, startKubo } from "../test/helpers/kubo.ts";
import { isRequired } from "../test/helpers/require-parts.ts";
import { until } from "../test/helpers/until.ts";
import type { ContentServer } from "./content-server.ts";
import { round, timing, writeReport, type ReportRow } from "./report.ts";

const MIB = 1024 * 1024;
const SIZES = [
  { mib: 1, runs: 11 },
  { mib: 64, runs: 5 },
] as const;
/** Of a CAR against bitswap: what the design rests on. */
const TARGET_CAR_AGAINST_BITSWAP = 0.6;

const home = await mkdtemp(join(tmpdir(), "sprf-bench-content-"));
const logger = createMemoryLogger();
let folders = 0;
const folder = (): string => join(home, String((folders += 1)));

try {
  const rows: ReportRow[] = [];
  for (const { mib, runs } of SIZES) rows.push(...(await measureFetches(mib, runs)));
  const absent = kuboAbsent();
  if (absent === undefined) for (const { mib, runs } of SIZES) rows.push(...(await measureKubo(mib, runs)));
  else if (isRequired("kubo")) throw new Error(`kubo is missing: ${absent}`);
  else console.log(`kubo is left out: ${absent}`);
  await writeReport("content", rows);
} finally {
  await rm(home, { recursive: true, force: true });
}

async function measureFetches(mib: number, runs: number): Promise<ReportRow[]> {
  const ways = {
    raw: fetchRaw,
    bitswap: fetchOverBitswap,
    blocks: async (server: ContentServer) => await fetchOverGateway(server, false),
    car: async (server: ContentServer) => await fetchOverGateway(server, true),
  };
  const samples: Record<keyof typeof ways, number[]> = { raw: [], bitswap: [], blocks: [], car: [] };
  await withServer(mib * MIB, async (server) => {
    // In turns, so that whatever else the machine does falls on all; the first round is not counted.
    for (let run = 0; run <= runs; run += 1) {
      for (const [way, get] of Object.entries(ways) as [keyof typeof ways, (typeof ways)["raw"]][]) {
        const took = await get(server);
        if (run > 0) samples[way].push(took);
      }
    }
  });
  const raw = timing(`${mib} MiB: plain HTTP download, to disk`, samples.raw);
  const against = (name: string, taken: readonly number[]): ReportRow & { p50: number } => {
    const row = timing(`${mib} MiB: ${name}`, taken);
    return { ...row, ratio: round(row.p50 / raw.p50) };
  };
  const bitswap = against("over bitswap", samples.bitswap);
  const car = against("over a gateway, one CAR", samples.car);
  const ratio = round(car.p50 / bitswap.p50);
  return [
    raw,
    bitswap,
    against("over a gateway, block by block", samples.blocks),
    car,
    {
      name: `${mib} MiB: a CAR against bitswap`,
      value: ratio,
      unit: "x",
      ...(mib > 1 ? { target: TARGET_CAR_AGAINST_BITSWAP, met: ratio <= TARGET_CAR_AGAINST_BITSWAP } : {}),
    },
  ];
}

async function withServer(bytes: number, use: (server: ContentServer) => Promise<void>): Promise<void> {
  const program = fileURLToPath(new URL("content-server.ts", import.meta.url));
  const child = fork(program, [folder(), String(bytes)]);
  try {
    await use(
      await new Promise((resolve, reject) => {
        child.once("message", (told) => resolve(told as ContentServer));
        child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
      }),
    );
  } finally {
    child.kill("SIGKILL");
  }
}

async function fetchRaw({ rawUrl }: ContentServer): Promise<number> {
  const path = folder();
  const began = performance.now();
  const { body } = await fetch(rawUrl);
  if (body === null) throw new Error("no body");
  await pipeline(Readable.fromWeb(body), createWriteStream(path));
  return performance.now() - began;
}

async function fetchOverBitswap({ cid, multiaddrs }: ContentServer): Promise<number> {
  const node = await startHeliaNode("bench client", folder(), multiaddrs, 128 * MIB);
  try {
    await until(() => node.node.libp2p.getConnections().length > 0);
    return await timed(node.content, cid);
  } finally {
    await node.stop();
  }
}

async function fetchOverGateway({ cid, gatewayUrl }: ContentServer, byCar: boolean): Promise<number> {
  const book = createGatewayBook({ clock: systemClock });
  book.add([gatewayUrl]);
  const nobody: BlockSource = {
    async start() {},
    async stop() {},
    async announce() {},
    // Only the gateway is measured: it is asked again when the machine was too busy for it.
    fetch: async () => await new Promise<never>(() => {}),
  };
  const { fetchDag, ...single } = withGateways(book, { peers: nobody, clock: systemClock, logger });
  const raw = createFsBlocks(folder());
  const content = createUnixfsContentStore({
    raw,
    blocks: createLocalBlocks(raw, logger),
    source: byCar && fetchDag !== undefined ? { ...single, fetchDag } : single,
    store: createMemoryStore(),
    maxFileBytes: 128 * MIB,
    collectIntervalMs: 600_000,
    clock: systemClock,
    logger,
  });
  await content.start();
  try {
    return await timed(content, cid);
  } finally {
    await content.stop();
  }
}

/** Time from the first question to the last byte, which is checked and on disk. */
async function timed(content: CollectingContentStore, cid: string): Promise<number> {
  const began = performance.now();
  for await (const _part of content.get(cid, { maxBytes: 128 * MIB })) continue;
  return performance.now() - began;
}

async function measureKubo(mib: number, runs: number): Promise<ReportRow[]> {
  const daemon = await startKubo();
  try {
    const kubo = createKuboContentStore({
      url: daemon.url,
      store: createMemoryStore(),
      maxFileBytes: 128 * MIB,
      clock: systemClock,
      logger,
    });
    await kubo.start();
    const imports: number[] = [];
    const reads: number[] = [];
    for (let run = 0; run <= runs; run += 1) {
      const bytes = sampleBytes(`kubo ${mib} ${run}`, mib * MIB);
      const began = performance.now();
      const cid = await kubo.putFile(bytes);
      const imported = performance.now() - began;
      const read = await timed(kubo, cid);
      if (run === 0) continue;
      imports.push(imported);
      reads.push(read);
    }
    await kubo.stop();
    return [timing(`${mib} MiB: into Kubo, pinned`, imports), timing(`${mib} MiB: out of Kubo, checked`, reads)];
  } finally {
    await daemon.remove();
  }
}
