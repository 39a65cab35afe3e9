// A worker's executions on runners in processes of their own: how many a second come with 1, 2, 4 and 8 of them, whose engine sleeps so
// that two cores are enough to see it; what the queue adds to one execution against this process alone; and what 100,000 that wait cost.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { encodeRunPlan } from "../src/wire/run-job.ts";
import { createLocalRuns } from "../src/execution/local-runs.ts";
import { asDb, openBoss, queueOf } from "../src/adapters/run-queue/boss.ts";
import { readRunQueue } from "../src/adapters/run-queue/read-view.ts";
import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import type { Runs } from "../src/ports/runs.ts";
import { planOf } from "../test/compliance/runs.ts";
import { startDaemon, type Daemon } from "../test/helpers/daemon.ts";
import { createPlainEngine } from "../test/helpers/plain-engine.ts";
import { postgresAbsent, startPostgres } from "../test/helpers/postgres.ts";
import { startQueueWorker, type QueueWorker } from "../test/helpers/queue-worker.ts";
import { until } from "../test/helpers/until.ts";
import { percentile, round, writeReport, type ReportRow } from "./report.ts";

const RUNNERS = [1, 2, 4, 8] as const;
const CAPACITY = 2;
const SLEEP_MS = 1_000;
/** Runs for each place at a runner. */
const ROUNDS = 8;
const TARGET_LINEAR = 0.9;
const SINGLE_RUNS = 300;
const QUEUED = 100_000;
const INSERTED_AT_ONCE = 5_000;
const MIB = 1024 * 1024;
const SECOND_MS = 1_000;

const absent = postgresAbsent();
if (absent === undefined) await measure();
else console.log(`left out: ${absent}`);

async function measure(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "sprf-bench-scale-"));
  const server = await startPostgres();
  const worker = await startQueueWorker(server.url, join(home, "worker"), { isChecked: false });
  const runners: Daemon[] = [];
  try {
    const rows: ReportRow[] = [];
    let single = 0;
    for (const count of RUNNERS) {
      while (runners.length < count) {
        const name = `runner-${runners.length}`;
        const options = [server.url, join(home, name), name, String(CAPACITY)];
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
    for (const runner of runners.splice(1)) await runner.stop();
    rows.push(await latency("one execution that does nothing, by the queue", worker.runs, worker));
    const engines = new Map([["wasi" as const, createPlainEngine()]]);
    const local = createLocalRuns({ content: worker.content, engines, scratchDirectory: join(home, "local") });
    rows.push(await latency("the same in the worker's process", local, worker));
    for (const runner of runners.splice(0)) await runner.stop();
    rows.push(...(await memory(worker)));
    await writeReport("scale", rows);
  } finally {
    for (const runner of runners) await runner.kill();
    await worker.stop();
    await server.remove();
    await rm(home, { recursive: true, force: true });
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

async function latency(name: string, runs: Runs, { content }: QueueWorker): Promise<ReportRow> {
  const tookMs: number[] = [];
  for (let n = 0; n < SINGLE_RUNS; n++) {
    const plan = await planOf(content, `${name} ${n}`);
    const startMs = performance.now();
    await runs.run(plan);
    tookMs.push(performance.now() - startMs);
  }
  const [p50, p99] = [percentile(tookMs, 0.5), percentile(tookMs, 0.99)];
  return { name, value: round(p50), unit: "ms", p50: round(p50), p99: round(p99) };
}

/** Jobs in the queue that nobody takes: what this process has grown by, and what a look at them takes. */
async function memory({ content, postgres }: QueueWorker): Promise<ReportRow[]> {
  const boss = await openBoss(postgres, { logger: createMemoryLogger(), watches: false });
  const data = {
    worker: "0xnobody",
    deadlineMs: Date.now() + 3_600_000,
    plan: encodeRunPlan(await planOf(content, "x")),
  };
  const before = process.memoryUsage().rss;
  const startMs = performance.now();
  for (let n = 0; n < QUEUED; n += INSERTED_AT_ONCE) {
    const jobs = Array.from({ length: INSERTED_AT_ONCE }, (_, k) => ({ data, priority: -(n + k) }));
    await boss.insert(queueOf("wasi"), jobs, { db: asDb(postgres.pool) });
  }
  const insertedMs = performance.now() - startMs;
  await until(async () => (await readRunQueue(postgres.pool)).waiting >= QUEUED, { timeoutMs: 60_000 });
  const lookMs = performance.now();
  await readRunQueue(postgres.pool);
  const tookMs = performance.now() - lookMs;
  const grownMib = (process.memoryUsage().rss - before) / MIB;
  const fetchMs = performance.now();
  const [job] = await boss.fetch(queueOf("wasi"), { batchSize: 1 });
  if (job === undefined) throw new Error("nothing to take");
  const takenMs = performance.now() - fetchMs;
  await boss.stop({ graceful: false, close: false });
  return [
    { name: `growth of the worker's process with ${QUEUED} waiting`, value: round(grownMib), unit: "MiB" },
    { name: `putting ${QUEUED} into the queue`, value: round(insertedMs / SECOND_MS), unit: "s" },
    { name: `taking one of ${QUEUED}`, value: round(takenMs), unit: "ms" },
    { name: `counting ${QUEUED}`, value: round(tookMs), unit: "ms" },
  ];
}
