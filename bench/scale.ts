// A worker's executions on runners in processes of their own: how many a second come with 1, 2, 4 and 8 of them, whose engine sleeps so
// that two cores are enough to see it; with real engines; what the queue adds to one execution against this process alone; and what
// 100,000 of them leave in memory. `node bench/scale.ts 20000` makes fewer of these last.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createLocalRuns } from "../src/execution/local-runs.ts";
import type { Runs } from "../src/ports/runs.ts";
import { planOf } from "../test/compliance/runs.ts";
import { startDaemon, type Daemon } from "../test/helpers/daemon.ts";
import { createPlainEngine } from "../test/helpers/plain-engine.ts";
import { postgresAbsent, startPostgres } from "../test/helpers/postgres.ts";
import { startQueueWorker, type QueueWorker } from "../test/helpers/queue-worker.ts";
import { percentile, round, timing, writeReport, type ReportRow } from "./report.ts";
import { realEngines, type ScaleScene } from "./scale-engines.ts";
import { throughTheQueue, waitingAtOnce } from "./scale-memory.ts";

const QUEUED = Number(process.argv[2] ?? 100_000);
const RUNNERS = [1, 2, 4, 8] as const;
const CAPACITY = 2;
const SLEEP_MS = 1_000;
/** Runs for each place at a runner. */
const ROUNDS = 8;
const TARGET_LINEAR = 0.9;
const SINGLE_RUNS = 300;
const SECOND_MS = 1_000;

const absent = postgresAbsent();
if (absent === undefined) await measure();
else console.log(`left out: ${absent}`);

async function measure(): Promise<void> {
  const rows: ReportRow[] = [];
  for (const part of [sleeping, realEngines, overhead, queued, waiting]) rows.push(...(await onItsOwn(part)));
  await writeReport("scale", rows);
}

/** Each with a database and a worker of its own, so that nothing is left of the one before. */
async function onItsOwn(part: (scene: ScaleScene) => Promise<ReportRow[]>): Promise<ReportRow[]> {
  const home = await mkdtemp(join(tmpdir(), "sprf-bench-scale-"));
  const server = await startPostgres();
  const worker = await startQueueWorker(server.url, join(home, "worker"), { isChecked: false });
  try {
    return await part({ url: server.url, home, worker });
  } finally {
    await worker.stop();
    await server.remove();
    await rm(home, { recursive: true, force: true });
  }
}

async function queued(scene: ScaleScene): Promise<ReportRow[]> {
  return await throughTheQueue(scene, QUEUED);
}

async function waiting(scene: ScaleScene): Promise<ReportRow[]> {
  return await waitingAtOnce(scene, QUEUED);
}

/** From the call of `runs.run` to a checked outcome: the queue, the lease, the run, its report and what the worker fetches and checks. */
async function sleeping({ url, home, worker }: ScaleScene): Promise<ReportRow[]> {
  const runners: Daemon[] = [];
  try {
    const rows: ReportRow[] = [];
    let single = 0;
    for (const count of RUNNERS) {
      while (runners.length < count) {
        const name = `runner-${runners.length}`;
        const options = [url, join(home, name), name, String(CAPACITY)];
        runners.push(await startDaemon("test/helpers/runner-process.ts", options));
      }
      const perSecond = await throughput(worker, count);
      single ||= perSecond;
      const ratio = perSecond / (single * count);
      rows.push({
        name: `executions of ${SLEEP_MS} ms on ${count} ${count === 1 ? "runner" : "runners"}, ${CAPACITY} at once each`,
        value: round(perSecond),
        unit: "1/s",
        ratio: round(ratio),
        target: TARGET_LINEAR,
        met: ratio >= TARGET_LINEAR,
      });
    }
    return rows;
  } finally {
    for (const runner of runners) await runner.kill();
  }
}

async function throughput({ runs, content }: QueueWorker, count: number): Promise<number> {
  const total = count * CAPACITY * ROUNDS;
  const plans = await Promise.all(
    Array.from({ length: total }, async (_, n) => await planOf(content, `sleep ${SLEEP_MS} ${n}`, "", n % 256)),
  );
  const startMs = performance.now();
  await Promise.all(plans.map(async (plan) => await runs.run(plan)));
  return (total * SECOND_MS) / (performance.now() - startMs);
}

/** One execution after the other that does nothing: by the queue, and in this process on its SQLite store, in turns. */
async function overhead({ url, home, worker }: ScaleScene): Promise<ReportRow[]> {
  const runner = await startDaemon("test/helpers/runner-process.ts", [url, join(home, "single"), "single", "1"]);
  try {
    const engines = new Map([["wasi" as const, createPlainEngine()]]);
    const local = createLocalRuns({ content: worker.content, engines, scratchDirectory: join(home, "local") });
    const queuedMs: number[] = [];
    const aloneMs: number[] = [];
    const time = async (runs: Runs, input: string): Promise<number> => {
      const plan = await planOf(worker.content, input);
      const startMs = performance.now();
      await runs.run(plan);
      return performance.now() - startMs;
    };
    for (let n = 0; n < SINGLE_RUNS; n++) {
      queuedMs.push(await time(worker.runs, `queued ${n}`));
      aloneMs.push(await time(local, `alone ${n}`));
    }
    const addedMs = queuedMs.map((ms, n) => ms - (aloneMs[n] ?? 0));
    const bound = round(percentile(aloneMs, 0.5));
    return [
      { ...timing("one execution that does nothing, by the queue", queuedMs), bound },
      timing("the same in the worker's process, on SQLite", aloneMs),
      timing("what the queue adds to one execution", addedMs),
    ];
  } finally {
    await runner.kill();
  }
}
