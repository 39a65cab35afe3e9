// What a worker adds to a run, and what users of one program and of ten get out of a ledger that closes every second, in the direct
// and in the prepaid form. Three workers, the ledger and the users share this machine, in one process.
import { mkdtemp, rm, writeFile } from "node:fs/promises";

import { entriesToCsv, generateEntries } from "../examples/programs/journal.ts";
import { createDockerEngine } from "../src/adapters/engine/docker/create-docker-engine.ts";
import { createWasiEngine } from "../src/adapters/engine/wasi/create-wasi-engine.ts";
import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import { awaitBatch } from "../src/client/await-batch.ts";
import { execute } from "../src/client/execute.ts";
import type { Wallet } from "../src/client/wallet.ts";
import { exampleImage } from "../src/devnet/example-program.ts";
import { isSprfError } from "../src/errors.ts";
import { limitsFor } from "../src/execution/limits.ts";
import type { Engine, ProgramReference } from "../src/ports/engine.ts";
import { utf8 } from "../src/utils/bytes.ts";
import { DEFAULT_BATCH_TIMING } from "../src/worker/batches/components.ts";
import { ask } from "../test/helpers/ask-all.ts";
import { REGISTRY, dockerAbsence } from "../test/helpers/docker-programs.ts";
import { createExecutionScene, type ExecutionScene } from "../test/helpers/execution-scene.ts";
import { batchesOf, prepay, restart } from "../test/helpers/prepaid.ts";
import { isRequired } from "../test/helpers/require-parts.ts";
import { percentile, round, timing, writeReport, type ReportRow } from "./report.ts";

const RUNS = Number(process.argv[2] ?? 60);
const SECONDS = Number(process.argv[3] ?? 15);
const USERS = 20;
const PROGRAMS = 10;
const ENTRIES = 100;
const RUNS_AT_ONCE = 2;
const LEDGER_MS = 1_000;
const ENVIRONMENT = { program: "G".repeat(56), sequence: "1", time: "1", seed: "00".repeat(32) };

const logger = createMemoryLogger();
const rows: ReportRow[] = [];
rows.push(...(await worker("wasi")));
const absent = await dockerAbsence();
if (absent === undefined) rows.push(...(await worker("docker")));
else if (isRequired("docker")) throw new Error(`docker is required: ${absent}`);
else console.log(`docker left out: ${absent}`);
rows.push(...(await ledger()));
await writeReport("executions", rows);

/** Requests through a worker's API, against the bare engine, in turns so that both see the same machine. */
async function worker(kind: ProgramReference["kind"]): Promise<ReportRow[]> {
  const scene = await createExecutionScene({ workers: 1 });
  const { scratchDirectory } = scene;
  const { content } = scene.client;
  const cid = await scene.module("bookkeeping");
  const engine =
    kind === "wasi"
      ? createWasiEngine({ content, logger }, { scratchDirectory })
      : createDockerEngine({ logger }, { scratchDirectory });
  try {
    const reference: ProgramReference = kind === "wasi" ? { kind, cid } : await exampleImage(REGISTRY);
    const [one] = scene.workers;
    if (one === undefined) throw new Error("a scene without workers");
    one.changes.engines = new Map<ProgramReference["kind"], Engine>([[kind, engine]]);
    await restart([one]);
    const program = await scene.program("bookkeeping", { program: reference });
    const wallet = await scene.user();
    const input = entriesToCsv(generateEntries(ENTRIES, 1));
    const requests = [];
    for (let n = 0; n < 2 * RUNS + 1; n += 1) requests.push(await scene.paid(wallet, program, input));
    const [first, ...others] = requests;
    if (first !== undefined) await ask(one, first.signed);

    const bareMs: number[] = [];
    const answerMs: number[] = [];
    for (const { signed } of others.slice(0, RUNS)) {
      bareMs.push(await bare(scene, engine, reference, utf8(input)));
      answerMs.push(await timed(async () => await ask(one, signed)));
    }
    const waiting = others.slice(RUNS);
    const startMs = performance.now();
    await Promise.all(
      Array.from({ length: RUNS_AT_ONCE }, async () => {
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await ask(one, next.signed);
      }),
    );
    const perSecond = (RUNS * 1_000) / (performance.now() - startMs);
    const name = `${kind}: bookkeeping, ${ENTRIES} entries`;
    return [
      timing(`${name}: run on the bare engine`, bareMs),
      {
        ...timing(`${name}: request to signed answer, one worker over HTTP`, answerMs),
        bound: round(percentile(bareMs, 0.5)),
        ratio: round(percentile(answerMs, 0.5) / percentile(bareMs, 0.5)),
      },
      { name: `${name}: answers of one worker, ${RUNS_AT_ONCE} at once`, value: round(perSecond), unit: "per s" },
    ];
  } finally {
    await engine.close();
    await scene.stop();
  }
}

async function bare(
  scene: ExecutionScene,
  engine: Engine,
  reference: ProgramReference,
  input: Uint8Array,
): Promise<number> {
  const folder = await mkdtemp(`${scene.scratchDirectory}/bare-`);
  try {
    const statePath = `${folder}/state`;
    await writeFile(statePath, "");
    const program = await engine.prepare(reference);
    return await timed(
      async () =>
        await engine.run({
          program,
          statePath,
          input,
          environment: ENVIRONMENT,
          limits: limitsFor(engine.kind, program.seconds),
        }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One program and ten on a ledger of 1 s, in both forms; then 20 users who pay at once. */
async function ledger(): Promise<ReportRow[]> {
  const scene = await createExecutionScene({ closeEveryMs: LEDGER_MS });
  try {
    for (const { changes } of scene.workers) changes.batchTiming = { ...DEFAULT_BATCH_TIMING, pollMs: 100 };
    await restart(scene.workers);
    await scene.fundWorkers();
    const users = await Promise.all(Array.from({ length: USERS }, async () => await scene.user()));
    const programs = await Promise.all(Array.from({ length: PROGRAMS }, async () => await scene.program("probe")));
    const found: ReportRow[] = [];
    for (const form of [undefined, "prepaid"] as const) {
      for (const used of [programs.slice(0, 1), programs]) {
        const perSecond = await drive(scene, { users, programs: used, form });
        found.push({
          name: `${form ?? "direct"}: executions landed, ${USERS} users of ${used.length} program(s), 3 workers, ledger of 1 s`,
          value: round(perSecond),
          unit: "per s",
        });
      }
    }
    found.push(...(await fairness(scene, users)));
    return found;
  } finally {
    await scene.stop();
  }
}

/** How many executions land a second while users ask one after the other, each as fast as it can, to the end of the last one. */
async function drive(
  scene: ExecutionScene,
  parts: {
    readonly users: readonly Wallet[];
    readonly programs: readonly string[];
    readonly form: "prepaid" | undefined;
  },
): Promise<number> {
  const { users, programs, form } = parts;
  const startMs = performance.now();
  const untilMs = startMs + SECONDS * 1_000;
  let landed = 0;
  await Promise.all(
    users.map(async (wallet, n) => {
      const program = programs[n % programs.length] ?? "";
      while (performance.now() < untilMs) {
        const input = { bytes: new Uint8Array(utf8(`append ${n};\n`)) };
        const request = { program, wallet, input, maxGas: 50_000n, ...(form === undefined ? {} : { form }) };
        try {
          await execute(scene.client, request);
          landed += 1;
        } catch (error) {
          // Others were faster three times: what contention costs in the direct form.
          if (!isSprfError(error)) throw error;
        }
      }
    }),
  );
  return (landed * 1_000) / (performance.now() - startMs);
}

/** How many ledgers each of 20 users waits who pay for one program at the same time. */
async function fairness(scene: ExecutionScene, users: readonly Wallet[]): Promise<ReportRow[]> {
  const program = await scene.program("probe");
  const waited = await Promise.all(
    users.map(async (wallet, n) => {
      const paid = await prepay(scene, wallet, program, `append ${n};`);
      const { transition } = await awaitBatch(scene.client, paid);
      return (transition?.ledger ?? 0) - paid.ledger;
    }),
  );
  const batches = await batchesOf(scene, program);
  const name = `prepaid: ${USERS} users pay at once (${batches.length} batches)`;
  return [
    {
      name: `${name}: ledgers from payment to result`,
      value: percentile(waited, 0.5),
      unit: "ledgers",
      p50: percentile(waited, 0.5),
      p99: percentile(waited, 0.99),
    },
    {
      name: `${name}: the longest wait less the shortest`,
      value: Math.max(...waited) - Math.min(...waited),
      unit: "ledgers",
    },
  ];
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}
