import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import { asDb, openBoss, queueOf } from "../src/adapters/run-queue/boss.ts";
import { readRunQueue } from "../src/adapters/run-queue/read-view.ts";
import { encodeRunPlan } from "../src/wire/run-job.ts";
import { planOf } from "../test/compliance/runs.ts";
import { startDaemon, type Daemon } from "../test/helpers/daemon.ts";
import { until } from "../test/helpers/until.ts";
import { heapMib, residentMibOf } from "./processes.ts";
import { percentile, round, timing, type ReportRow } from "./report.ts";
import type { ScaleScene } from "./scale-engines.ts";

const CAPACITY = 32;
/** As many as the worker puts into the database: twice what runners can make. */
const AT_ONCE = 2 * CAPACITY;
/** Different ones, so that what comes out of them is fetched and checked, and does not fill the disk. */
const PLANS = 500;
const SMALL_SHARE = 0.2;
const TARGET_GROWTH = 1.2;
const INSERTED_AT_ONCE = 5_000;
const LOOKS = 20;
const SECOND_MS = 1_000;
const HEAP_TIMEOUT_MS = 30_000;

interface Sizes {
  readonly "the worker": { readonly heap: number; readonly resident: number };
  readonly "its runner": { readonly heap: number; readonly resident: number };
}

/** Executions that do nothing, by the whole of the queue: what worker and runner have grown by, and what is left in the database. */
export async function throughTheQueue(scene: ScaleScene, count: number): Promise<ReportRow[]> {
  const { worker, home } = scene;
  const heapFile = join(home, "heap");
  const runner = await startMeasured(scene, "measured", heapFile);
  try {
    const plans = await Promise.all(
      Array.from({ length: PLANS }, async (_, n) => await planOf(worker.content, `append ${n}`, "", n % 256)),
    );
    let begun = 0;
    const runUntil = async (last: number): Promise<void> => {
      const take = async (): Promise<void> => {
        while (begun < last) {
          const plan = plans[begun++ % PLANS];
          if (plan !== undefined) await worker.runs.run(plan);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, take));
    };
    const small = Math.round(count * SMALL_SHARE);
    const startMs = performance.now();
    await runUntil(small);
    const before = await sizesOf(runner, heapFile);
    await runUntil(count);
    const tookMs = performance.now() - startMs;
    const after = await sizesOf(runner, heapFile);
    const { rows } = await worker.postgres.pool.query<{ jobs: string; results: string }>(
      "SELECT (SELECT count(*) FROM sprf_queue.job) AS jobs, (SELECT count(*) FROM sprf.run_results) AS results",
    );
    return [
      {
        name: `${count} executions that do nothing, by the queue`,
        value: round((count * SECOND_MS) / tookMs),
        unit: "1/s",
      },
      ...growth(`${count} executions`, `${small}`, before, after),
      {
        name: `jobs in the database after ${count} executions: those of the last minutes`,
        value: Number(rows[0]?.jobs),
        unit: "rows",
      },
      { name: `results in the database after ${count} executions`, value: Number(rows[0]?.results), unit: "rows" },
    ];
  } finally {
    await runner.kill();
  }
}

/** Jobs that wait behind those that a runner is at, all at once: what worker and runner have grown by, and what looks at them take. */
export async function waitingAtOnce(scene: ScaleScene, count: number): Promise<ReportRow[]> {
  const { worker, home } = scene;
  const { postgres, content } = worker;
  const heapFile = join(home, "heap-waiting");
  const runner = await startMeasured(scene, "waited-for", heapFile);
  const boss = await openBoss(postgres, { logger: createMemoryLogger(), watches: false });
  try {
    await worker.runs.run(await planOf(content, "first"));
    const before = await sizesOf(runner, heapFile);
    const plan = encodeRunPlan(await planOf(content, "sleep 600000"));
    const data = { worker: "0xnobody", deadlineMs: Date.now() + 3_600_000, plan };
    const startMs = performance.now();
    for (let n = 0; n < count; n += INSERTED_AT_ONCE) {
      const length = Math.min(INSERTED_AT_ONCE, count - n);
      const jobs = Array.from({ length }, (_, k) => ({ data, priority: -(n + k) }));
      await boss.insert(queueOf("wasi"), jobs, { db: asDb(postgres.pool) });
    }
    const insertedMs = performance.now() - startMs;
    await until(async () => (await readRunQueue(postgres.pool)).running === CAPACITY, { timeoutMs: 60_000 });
    const looksMs: number[] = [];
    const takesMs: number[] = [];
    for (let n = 0; n < LOOKS; n++) {
      looksMs.push(await timed(async () => await readRunQueue(postgres.pool)));
      takesMs.push(await timed(async () => await boss.fetch(queueOf("wasi"), { batchSize: 1 })));
    }
    const after = await sizesOf(runner, heapFile);
    return [
      ...growth(`${count} waiting at once`, "none", before, after),
      { name: `putting ${count} into the queue`, value: round(insertedMs / SECOND_MS), unit: "s" },
      timing(`taking one of ${count}`, takesMs),
      timing(`counting ${count}`, looksMs),
    ];
  } finally {
    await boss.stop({ graceful: false, close: false });
    await runner.kill();
  }
}

async function startMeasured({ url, home }: ScaleScene, name: string, heapFile: string): Promise<Daemon> {
  return await startDaemon("bench/scale-runner.ts", [url, join(home, name), name, String(CAPACITY), heapFile]);
}

/** Several times, of which the least counts: what is on its way is there only now and then. */
async function sizesOf(runner: Daemon, heapFile: string): Promise<Sizes> {
  const own: number[] = [];
  const others: number[] = [];
  for (let n = 0; n < 3; n++) {
    own.push(heapMib());
    await rm(heapFile, { force: true });
    process.kill(runner.pid, "SIGUSR2");
    const text = async (): Promise<string> => await readFile(heapFile, "utf8").catch(() => "");
    await until(async () => (await text()) !== "", { timeoutMs: HEAP_TIMEOUT_MS, what: "the runner's heap" });
    others.push(Number(await text()));
  }
  return {
    "the worker": { heap: percentile(own, 0), resident: await residentMibOf(process.pid) },
    "its runner": { heap: percentile(others, 0), resident: await residentMibOf(runner.pid) },
  };
}

function growth(what: string, than: string, before: Sizes, after: Sizes): ReportRow[] {
  return (["the worker", "its runner"] as const).flatMap((who) =>
    (["heap", "resident"] as const).map((of) => {
      const ratio = after[who][of] / before[who][of];
      return {
        name: `${of === "heap" ? "reachable" : "resident"} memory of ${who} with ${what}, against ${than}`,
        value: round(after[who][of]),
        unit: "MiB",
        bound: round(before[who][of]),
        ratio: round(ratio),
        target: TARGET_GROWTH,
        met: ratio <= TARGET_GROWTH,
      };
    }),
  );
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}
