import { readFile } from "node:fs/promises";
import { join } from "node:path";

import PQueue from "p-queue";

import { entriesToCsv, generateEntries } from "../examples/programs/journal.ts";
import { systemClock } from "../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import { closeEngines, createEngines, createStates, prepareRuns, runsOf } from "../src/create-engines.ts";
import { exampleImage } from "../src/devnet/example-program.ts";
import { createLocalRuns } from "../src/execution/local-runs.ts";
import { EMPTY_STATE } from "../src/execution/run-state.ts";
import type { ProgramReference } from "../src/ports/engine.ts";
import type { RunPlan, Runs } from "../src/ports/runs.ts";
import { utf8 } from "../src/utils/bytes.ts";
import { planOf } from "../test/compliance/runs.ts";
import { startDaemon, type Daemon } from "../test/helpers/daemon.ts";
import { REGISTRY, dockerAbsence } from "../test/helpers/docker-programs.ts";
import { isRequired } from "../test/helpers/require-parts.ts";
import type { QueueWorker } from "../test/helpers/queue-worker.ts";
import { percentile, round, type ReportRow } from "./report.ts";

const RUNNERS = [1, 2, 4] as const;
/** As `sprf runner` has it by default. */
const CAPACITY = 2;
/** The worker puts so many more into the queue than runners can make at once, so that none of them waits for it. */
const AHEAD = 2;
const ROUNDS = 3;
/** For each runner and round. */
const RUNS = { wasi: 60, docker: 8 } as const;
const ENTRIES = 100;
const TARGET = 0.8;
const SECOND_MS = 1_000;
const MODULE = new URL("../examples/programs/bookkeeping-wasi/bookkeeping.wasm", import.meta.url);

export interface ScaleScene {
  /** Of the database. */
  readonly url: string;
  /** For what is made here. */
  readonly home: string;
  readonly worker: QueueWorker;
}

/**
 * Real programs by `sprf runner` processes, to the machine's limit: each against the same number of them at once in this process alone,
 * in turns. More runners than there are cores add nothing; what is missing to one is the price of the queue.
 */
export async function realEngines(scene: ScaleScene): Promise<ReportRow[]> {
  const rows = await engine(scene, "wasi");
  const absent = await dockerAbsence();
  if (absent === undefined) rows.push(...(await engine(scene, "docker")));
  else if (isRequired("docker")) throw new Error(`docker is required: ${absent}`);
  else console.log(`docker left out: ${absent}`);
  return rows;
}

async function engine(scene: ScaleScene, kind: ProgramReference["kind"]): Promise<ReportRow[]> {
  const { content, runs } = scene.worker;
  const reference: ProgramReference =
    kind === "wasi" ? { kind, cid: await content.putFile(await readFile(MODULE)) } : await exampleImage(REGISTRY);
  const logger = createMemoryLogger();
  const scratchDirectory = join(scene.home, `${kind}-local`);
  const settings = { kinds: [kind], scratchDirectory };
  const engines = createEngines({ content, logger }, settings);
  await prepareRuns(scratchDirectory);
  const states = createStates({ clock: systemClock, logger }, settings);
  const local = createLocalRuns({ content, engines, states, scratchDirectory: runsOf(scratchDirectory) });
  const runners: Daemon[] = [];
  let made = 0;

  /** No two are alike, so that what comes out of each has to be fetched. */
  async function plans(count: number): Promise<RunPlan[]> {
    const plan = { ...(await planOf(content, "")), reference, state: EMPTY_STATE };
    return Array.from({ length: count }, () => {
      const entries = generateEntries(ENTRIES, ++made);
      return { ...plan, input: { bytes: new Uint8Array(utf8(entriesToCsv(entries))) } };
    });
  }

  async function perSecond(by: Runs, atOnce: number, count: number): Promise<number> {
    const waiting = await plans(count);
    const queue = new PQueue({ concurrency: atOnce });
    const startMs = performance.now();
    const outcomes = await queue.addAll(waiting.map((plan) => async () => await by.run(plan)));
    const took = performance.now() - startMs;
    const odd = outcomes.find(({ status }) => status !== "accepted");
    if (odd !== undefined) throw new Error(`a run was rejected: ${odd.detail}`);
    return (count * SECOND_MS) / took;
  }

  try {
    const rows: ReportRow[] = [];
    for (const count of RUNNERS) {
      while (runners.length < count) {
        const name = `${kind}-${runners.length}`;
        const flags = ["--database", scene.url, "--engines", kind, "--data", join(scene.home, name), "--name", name];
        runners.push(
          await startDaemon("runner", [...flags, "--runs", String(CAPACITY), "--log-level", "error", "--json"]),
        );
      }
      const atOnce = count * CAPACITY;
      // Each has taken the program before it is measured.
      await perSecond(runs, atOnce, 2 * atOnce);
      await perSecond(local, atOnce, atOnce);
      const found: { queued: number; alone: number }[] = [];
      for (let n = 0; n < ROUNDS; n++) {
        const alone = await perSecond(local, atOnce, RUNS[kind] * Math.min(count, 2));
        found.push({ alone, queued: await perSecond(runs, AHEAD * atOnce, RUNS[kind] * Math.min(count, 2)) });
      }
      const ratio = percentile(
        found.map(({ queued, alone }) => queued / alone),
        0.5,
      );
      rows.push({
        name: `${kind}: bookkeeping, ${ENTRIES} entries, on ${count} ${count === 1 ? "runner" : "runners"}, against ${atOnce} at once in one process`,
        value: round(
          percentile(
            found.map(({ queued }) => queued),
            0.5,
          ),
        ),
        unit: "1/s",
        bound: round(
          percentile(
            found.map(({ alone }) => alone),
            0.5,
          ),
        ),
        ratio: round(ratio),
        target: TARGET,
        met: ratio >= TARGET,
      });
    }
    return rows;
  } finally {
    for (const runner of runners) await runner.kill();
    await closeEngines(engines);
  }
}
