// What a state of 1 KiB to 512 MiB costs a daemon, stage by stage: time, and memory above what the daemon takes when idle. Each
// size has a daemon process of its own, and another process that serves the state's blocks over HTTP, as workers' gateways do.
import { fork, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createReadStream, statSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { systemClock } from "../src/adapters/clock/system.ts";
import type { BlockSource } from "../src/adapters/content-store/block-source.ts";
import { createLocalBlocks } from "../src/adapters/content-store/local-blocks.ts";
import { createFsBlocks } from "../src/adapters/content-store/raw-blocks.ts";
import {
  createUnixfsContentStore,
  type CollectingContentStore,
} from "../src/adapters/content-store/unixfs-content-store.ts";
import { createDockerEngine } from "../src/adapters/engine/docker/create-docker-engine.ts";
import { createWasiEngine } from "../src/adapters/engine/wasi/create-wasi-engine.ts";
import { createSqliteStore } from "../src/adapters/store/sqlite.ts";
import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import { limitsFor } from "../src/execution/limits.ts";
import { openState, storeState, type OpenedState } from "../src/execution/run-state.ts";
import { createStateCache } from "../src/execution/state-cache.ts";
import type { Engine, ProgramReference } from "../src/ports/engine.ts";
import { contentOf } from "../test/helpers/content-of.ts";
import { compileStatic, dockerAbsence, pushImage } from "../test/helpers/docker-programs.ts";
import { isRequired } from "../test/helpers/require-parts.ts";
import { type ReportRow, round, writeReport } from "./report.ts";

const MIB = 1024 * 1024;
const SIZES = { "1 KiB": 1024, "1 MiB": MIB, "64 MiB": 64 * MIB, "512 MiB": 512 * MIB };
/** Appended by the run, so that the state changes and still keeps to its limit. */
const ADDED = "x".repeat(16);
const BOUND_MIB = 256;
const MAX_FILE_BYTES = 1024 * MIB;

const PROGRAM = fileURLToPath(import.meta.url);
const PROBE = fileURLToPath(new URL("../test/src/adapters/engine/fixtures/probe.c", import.meta.url));
const WASI_PROBE = new URL("../test/src/adapters/engine/fixtures/probe.wasm", import.meta.url);

interface Stage {
  readonly stage: string;
  readonly ms: number;
  /** Most that was resident during the stage, above the idle daemon. */
  readonly grownMib: number;
}

const [role, ...rest] = process.argv.slice(2);
if (role === "serve") await serve(rest[0] ?? "", Number(rest[1]));
else if (role === "daemon") process.send?.(await daemon(JSON.parse(rest[0] ?? "") as DaemonInit));
else await main();

async function main(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "sprf-bench-state-"));
  const rows: ReportRow[] = [];
  try {
    const programs: ProgramReference[] = [{ kind: "wasi", cid: "probe" }];
    const absent = await dockerAbsence();
    if (absent === undefined) {
      const probe = await compileStatic(join(home, "probe"), PROBE);
      programs.push(
        await pushImage("sprf-bench/state", 'FROM scratch\nCOPY probe /probe\nENTRYPOINT ["/probe"]\n', { probe }),
      );
    } else if (isRequired("docker")) throw new Error(`docker is missing: ${absent}`);
    for (const program of programs) {
      for (const [label, size] of Object.entries(SIZES)) {
        const limit = limitsFor(program.kind, 1).stateBytes;
        if (size > limit) continue;
        const stages = await measure(join(home, `${program.kind}-${size}`), program, size - ADDED.length);
        rows.push(
          ...stages.flatMap(({ stage, ms, grownMib }) => [
            { name: `${program.kind}, ${label}: ${stage}`, value: round(ms), unit: "ms" },
            {
              name: `${program.kind}, ${label}: ${stage}, memory above idle`,
              value: round(grownMib),
              unit: "MiB",
              bound: BOUND_MIB,
              met: grownMib <= BOUND_MIB,
            },
          ]),
        );
        console.log(`${program.kind}, ${label}`, stages);
      }
    }
    await writeReport("state", rows);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function measure(home: string, program: ProgramReference, size: number): Promise<readonly Stage[]> {
  await mkdir(home, { recursive: true });
  const server = fork(PROGRAM, ["serve", join(home, "server"), String(size)]);
  try {
    const served = (await messageOf(server)) as Pick<DaemonInit, "cid" | "peer">;
    const init: DaemonInit = { ...served, home, program };
    return (await messageOf(fork(PROGRAM, ["daemon", JSON.stringify(init)]))) as readonly Stage[];
  } finally {
    server.kill("SIGKILL");
    await rm(home, { recursive: true, force: true });
  }
}

async function messageOf(child: ChildProcess): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("exit", (code) => reject(new Error(`a process ended with ${code}`)));
  });
}

async function serve(directory: string, size: number): Promise<void> {
  await mkdir(directory, { recursive: true });
  const { content } = await openContent(directory, undefined);
  const chunk = randomBytes(MIB);
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < size; at += chunk.length) {
      chunk.writeUInt32LE(at / chunk.length, 0);
      yield new Uint8Array(chunk.subarray(0, Math.min(chunk.length, size - at)));
    }
  }
  const cid = await content.putFile(bytes());
  const server = createServer((request, response) => {
    const block = content.localBlock(request.url?.replace("/ipfs/", "") ?? "");
    block.then(
      (found) => response.writeHead(found === undefined ? 404 : 200).end(found),
      (error: unknown) => response.destroy(error as Error),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  process.send?.({ cid, peer: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  process.on("disconnect", () => process.exit(0));
}

async function openContent(
  directory: string,
  peer: string | undefined,
): Promise<{ content: CollectingContentStore; stop: () => Promise<void> }> {
  const logger = createMemoryLogger();
  const raw = createFsBlocks(directory);
  const store = createSqliteStore(join(directory, "pins.sqlite"));
  const source: BlockSource = {
    async start() {},
    async stop() {},
    async announce() {},
    async fetch(cid, { signal }) {
      const response = await fetch(`${peer}/ipfs/${cid.toString()}`, signal === undefined ? {} : { signal });
      if (!response.ok) throw new Error(`the server answered ${response.status} for ${cid.toString()}`);
      return new Uint8Array(await response.arrayBuffer());
    },
  };
  const content = createUnixfsContentStore({
    raw,
    blocks: createLocalBlocks(raw, logger),
    source: peer === undefined ? undefined : source,
    store,
    maxFileBytes: MAX_FILE_BYTES,
    collectIntervalMs: 3_600_000,
    clock: systemClock,
    logger,
  });
  await content.start();
  return {
    content,
    stop: async () => {
      await content.stop();
      await store.close();
    },
  };
}

interface DaemonInit {
  readonly cid: string;
  readonly peer: string;
  readonly home: string;
  readonly program: ProgramReference;
}

/** The stages of a run as `runProgram` does them. */
async function daemon({ cid, peer, home, program: reference }: DaemonInit): Promise<readonly Stage[]> {
  const logger = createMemoryLogger();
  await mkdir(join(home, "daemon"));
  const { content, stop } = await openContent(join(home, "daemon"), peer);
  const engine: Engine =
    reference.kind === "docker"
      ? createDockerEngine({ logger }, { scratchDirectory: join(home, "scratch") })
      : createWasiEngine(
          { content: contentOf({ probe: await readFile(WASI_PROBE) }), logger },
          { scratchDirectory: join(home, "scratch") },
        );
  await engine.check();
  const program = await engine.prepare(reference);
  const states = createStateCache(
    { clock: systemClock, logger },
    { directory: join(home, "states"), maxBytes: 4096 * MIB },
  );
  const components = { content, states };
  const limits = limitsFor(reference.kind, 50);
  const stages: Stage[] = [];
  const idle = await residentMib();

  async function stage<T>(name: string, work: () => Promise<T>): Promise<T> {
    await forgetPeak();
    const began = performance.now();
    const result = await work();
    stages.push({ stage: name, ms: performance.now() - began, grownMib: (await peakMib()) - idle });
    return result;
  }
  const open = async (path: string, from: string): Promise<OpenedState> =>
    await openState(
      components,
      { cid: from, kind: "file", path: join(home, path), maxBytes: limits.stateBytes },
      { signal: undefined },
    );
  const run = async (statePath: string, input: string): Promise<void> => {
    const result = await engine.run({
      program,
      statePath,
      input: Buffer.from(input),
      environment: { program: "G", sequence: "1", time: "1", seed: "00".repeat(32) },
      limits,
    });
    if (result.status === "rejected") throw new Error(`rejected: ${result.reason} ${result.stderrTail}`);
  };
  const store = async (opened: OpenedState): Promise<string> =>
    (await storeState(components, opened, { maxBytes: limits.stateBytes, signal: undefined })).cid;

  const fetched = await stage("fetch from a peer", async () => await open("fetched", cid));
  await stage("run that changes it", async () => await run(fetched.path, `append ${ADDED}\n`));
  if (statSync(fetched.path).size !== fetched.bytes + ADDED.length) throw new Error("the state did not change");
  await stage("hash (sha256 alone)", async () => {
    const hash = createHash("sha256");
    for await (const part of createReadStream(fetched.path, { highWaterMark: MIB })) hash.update(part as Buffer);
    return hash.digest("hex");
  });
  const changed = await stage("import of the new state", async () => await store(fetched));
  const attached = await stage("attach from the cache", async () => await open("attached", changed));
  await stage("run that only reads", async () => await run(attached.path, "noop\n"));
  const same = await stage("import of a state that did not change", async () => await store(attached));
  if (same !== changed) throw new Error("the state moved");
  await engine.close();
  await stop();
  return stages;
}

async function residentMib(): Promise<number> {
  return await statusMib("VmRSS");
}

async function peakMib(): Promise<number> {
  return await statusMib("VmHWM");
}

async function statusMib(field: string): Promise<number> {
  const status = await readFile("/proc/self/status", "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
}

/** From now on the peak is that of what is resident now. */
async function forgetPeak(): Promise<void> {
  await writeFile("/proc/self/clear_refs", "5");
}
