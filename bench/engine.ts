// What a run costs on each engine, against bare `docker run --rm` of the same image with the same flags in the same run.
import Docker from "dockerode";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { createDockerEngine } from "../src/adapters/engine/docker/create-docker-engine.ts";
import { canonicaliseNans } from "../src/adapters/engine/wasi/canonicalise-nans.ts";
import { createWasiEngine } from "../src/adapters/engine/wasi/create-wasi-engine.ts";
import { DIRECTORY_LIMITS } from "../src/adapters/engine/wasi/directory-state.ts";
import { inspectModule } from "../src/adapters/engine/wasi/inspect-module.ts";
import { runProgram } from "../src/adapters/engine/wasi/sandbox/run-program.ts";
import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import type { Engine, PreparedProgram, ProgramReference, ProgramRun } from "../src/ports/engine.ts";
import { balancesCsv, entriesToCsv, generateEntries } from "../examples/programs/journal.ts";
import { contentOf } from "../test/helpers/content-of.ts";
import { DOCKER_SOCKET, dockerAbsence, REGISTRY } from "../test/helpers/docker-programs.ts";
import { wasmModule } from "../test/helpers/wasm-module.ts";
import { isRequired } from "../test/helpers/require-parts.ts";
import { runBareDocker } from "./bare-docker.ts";
import { type ReportRow, round, timing, writeReport } from "./report.ts";

const RUNS = Number(process.argv[2] ?? 60);
const ENTRIES = 100;
const MIB = 1024 * 1024;
const TARGET_WASI_MS = 30;
const TARGET_DOCKER_RATIO = 0.7;
/** Between two runs that do not follow each other at once, as in a worker that serves requests. */
const PAUSE_MS = 100;
const FLOAT_RUNS = 20;
const FLOAT_REQUEST = {
  environment: { program: "G", sequence: "1", time: "1767225600", seed: "00".repeat(32) },
  outputBytes: MIB,
  state: "file",
  stateBytes: MIB,
  directoryLimits: DIRECTORY_LIMITS,
  scratchBytes: MIB,
  stderrBytes: 4096,
} as const;

const programs = new URL("../examples/programs/", import.meta.url);
const home = await mkdtemp(join(tmpdir(), "sprf-bench-"));
const statePath = join(home, "state");
const entries = generateEntries(ENTRIES, 1);
const input = Buffer.from(entriesToCsv(entries));
const expected = balancesCsv(entries);

try {
  const rows = [...(await measureWasi()), ...(await measureLargeModule()), ...(await measureFloats())];
  const absent = await dockerAbsence();
  let dockerVersion = "none";
  if (absent === undefined) {
    rows.push(...(await measureDocker()));
    dockerVersion = (await new Docker({ socketPath: DOCKER_SOCKET }).version()).Version;
  } else if (isRequired("docker")) throw new Error(`docker is missing: ${absent}`);
  else console.log(`docker is left out: ${absent}`);
  await writeReport("engine", rows, { versions: { docker: dockerVersion } });
} finally {
  await rm(home, { recursive: true, force: true });
}

async function measureWasi(): Promise<ReportRow[]> {
  const module = await readFile(new URL("bookkeeping-wasi/bookkeeping.wasm", programs));
  const engine = createWasiEngine(
    { content: contentOf({ module }), logger: createMemoryLogger() },
    { scratchDirectory: join(home, "wasi") },
  );
  try {
    const program = await engine.prepare({ kind: "wasi", cid: "module" });
    await runOnce(engine, program);
    await pause(1000);
    const spaced: number[] = [];
    for (let count = 0; count < RUNS; count++) {
      await pause(PAUSE_MS);
      spaced.push(await runOnce(engine, program));
    }
    const dense: number[] = [];
    for (let count = 0; count < RUNS; count++) dense.push(await runOnce(engine, program));
    const began = performance.now();
    await Promise.all(Array.from({ length: RUNS }, (_, index) => runOnce(engine, program, `${statePath}-${index}`)));
    const perSecond = (RUNS * 1000) / (performance.now() - began);
    const row = timing(`wasi: a run of ${ENTRIES} entries, ${PAUSE_MS} ms apart`, spaced);
    return [
      { ...row, target: TARGET_WASI_MS, met: row.p50 <= TARGET_WASI_MS },
      timing(`wasi: a run of ${ENTRIES} entries, one after the other`, dense),
      { name: "wasi: runs, all at once", value: round(perSecond), unit: "1/s" },
    ];
  } finally {
    await engine.close();
  }
}

/** What a module of some size costs when one of two sandboxes that wait has it compiled, against one that waits without. */
async function measureLargeModule(): Promise<ReportRow[]> {
  // Sums that are dropped: what there is to validate and to send.
  const body = Array.from({ length: 250 }, () => [0x42, 1, 0x42, 2, 0x7c, 0x1a]).flat();
  const module = wasmModule({ bodies: [[], ...Array.from({ length: 1000 }, () => body)] });
  const components = { content: contentOf({ module }), logger: createMemoryLogger() };
  // The engine never prepares the last sandbox that waits.
  const engines = [1, 2].map((warm) => {
    const engine = createWasiEngine(components, { scratchDirectory: join(home, `wasi-${warm}`), warm });
    return { engine, times: [] as number[] };
  });
  for (let count = 0; count < RUNS; count++) {
    for (const { engine, times } of engines) {
      const program = await engine.prepare({ kind: "wasi", cid: "module" });
      await writeFile(statePath, "");
      await pause(PAUSE_MS);
      const began = performance.now();
      await engine.run(runOf(program, statePath));
      times.push(performance.now() - began);
    }
  }
  for (const { engine } of engines) await engine.close();
  const [plainTimes = [], times = []] = engines.map((each) => each.times);
  const size = `${round(module.length / MIB)} MiB`;
  const plain = timing(`wasi: a run of a module of ${size}, compiled by the run`, plainTimes);
  const row = timing(`wasi: a run of a module of ${size}, ${PAUSE_MS} ms apart`, times);
  return [{ ...row, ratio: round(row.p50 / plain.p50) }, plain];
}

/** What canonical NaNs cost programs of nothing but floats, one by one and in vectors, against the modules as clang made them. */
async function measureFloats(): Promise<ReportRow[]> {
  const compiled = await readFile(new URL("../test/src/adapters/engine/fixtures/floats.wasm", import.meta.url));
  const canonical = canonicaliseNans(compiled, inspectModule(compiled).parameterCounts);
  const [plain, changed] = [compiled, canonical].map((bytes) => new WebAssembly.Module(new Uint8Array(bytes)));
  const rows: ReportRow[] = [];
  for (const [name, text] of Object.entries({ "floats one by one": "orbit 300000\n", vectors: "lanes 30000000\n" })) {
    const run = (module: WebAssembly.Module | undefined): number => {
      const began = performance.now();
      const outcome = runProgram(module as WebAssembly.Module, FLOAT_REQUEST, Buffer.alloc(0), Buffer.from(text));
      if (outcome.end !== "exit" || outcome.exitCode !== 0) throw new Error(outcome.message);
      return performance.now() - began;
    };
    const times: { plain: number; changed: number }[] = [];
    for (let count = 0; count < FLOAT_RUNS; count++) times.push({ plain: run(plain), changed: run(changed) });
    const row = timing(
      `wasi: ${name}, with canonical NaNs`,
      times.map((each) => each.changed),
    );
    const before = timing(
      `wasi: ${name}, as compiled`,
      times.map((each) => each.plain),
    );
    rows.push({ ...row, ratio: round(row.p50 / before.p50) }, before);
  }
  return rows;
}

async function measureDocker(): Promise<ReportRow[]> {
  const build = fileURLToPath(new URL("../scripts/build-program-sqlite.sh", import.meta.url));
  const { stdout } = await promisify(execFile)(build, [REGISTRY]);
  const [image = "", digest = ""] = stdout.trim().split("\n").at(-1)?.split(" ") ?? [];
  const reference: ProgramReference = { kind: "docker", image, digest };
  const engine = createDockerEngine({ logger: createMemoryLogger() }, { scratchDirectory: join(home, "docker") });
  try {
    const program = await engine.prepare(reference);
    await runOnce(engine, program);
    await runBare(`${image.replace(/:[^:/]*$/, "")}@sha256:${digest}`);
    const own: number[] = [];
    const bare: number[] = [];
    // In turns, so that whatever else the machine does falls on both.
    for (let count = 0; count < RUNS; count++) {
      own.push(await runOnce(engine, program));
      bare.push(await runBare(`${image.replace(/:[^:/]*$/, "")}@sha256:${digest}`));
    }
    const bareRow = timing(`docker run --rm, same image and flags: ${ENTRIES} entries`, bare);
    const row = timing(`docker: a run of ${ENTRIES} entries`, own);
    const ratio = round(row.p50 / bareRow.p50);
    return [{ ...row, ratio, target: TARGET_DOCKER_RATIO, met: ratio <= TARGET_DOCKER_RATIO }, bareRow];
  } finally {
    await engine.close();
  }
}

function runOf(program: PreparedProgram, path: string): ProgramRun {
  return {
    program,
    statePath: path,
    input,
    environment: { program: "G", sequence: "1", time: "1767225600", seed: "00".repeat(32) },
    limits: { memoryBytes: 256 * MIB, outputBytes: MIB, stateBytes: 16 * MIB, timeoutMs: 60_000 },
  };
}

async function runOnce(engine: Engine, program: PreparedProgram, path = statePath): Promise<number> {
  await writeFile(path, "");
  const began = performance.now();
  const result = await engine.run(runOf(program, path));
  const took = performance.now() - began;
  check(result.status === "accepted" ? Buffer.from(result.output).toString() : JSON.stringify(result));
  return took;
}

async function runBare(image: string): Promise<number> {
  const { tookMs, output } = await runBareDocker({ image, statePath, input });
  check(output);
  return tookMs;
}

function check(output: string): void {
  if (output !== expected) throw new Error(`the program answered ${output}`);
}
