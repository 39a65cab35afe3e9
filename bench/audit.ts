// How long the audit of a program with 1,000 transitions takes (wasi), against the bare time of the same 1,000 runs by the same
// engine in the same process, as many at a time: no records, no signatures, no hashes, nothing fetched or kept.
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

import PQueue from "p-queue";

import { createMemoryContentStore } from "../src/adapters/content-store/memory.ts";
import { createWasiEngine } from "../src/adapters/engine/wasi/create-wasi-engine.ts";
import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import { createSqliteStore } from "../src/adapters/store/sqlite.ts";
import { auditProgram } from "../src/audit/audit-program.ts";
import type { AuditReport } from "../src/audit/report.ts";
import { previousOf } from "../src/domain/program/chain-record.ts";
import { limitsFor } from "../src/execution/limits.ts";
import { readContent } from "../src/execution/read-content.ts";
import { readChainRecord } from "../src/execution/read-record.ts";
import { findTip } from "../src/execution/tip.ts";
import type { ProgramRun } from "../src/ports/engine.ts";
import { toHex } from "../src/utils/bytes.ts";
import { createExecutionScene } from "../test/helpers/execution-scene.ts";
import { createHistoryMaker } from "../test/helpers/history.ts";
import { round, writeReport } from "./report.ts";

const TRANSITIONS = Number(process.argv[2] ?? 1_000);
const JOBS = availableParallelism();
const MAX_STATE_BYTES = 1024 * 1024;
const MS_PER_SECOND = 1_000;
const MIB = 1024 * 1024;
/** What an audit may cost over the runs themselves. */
const TARGET_RATIO = 2;

const scene = await createExecutionScene({ workers: 3 });
const folder = await mkdtemp(join(tmpdir(), "sprf-bench-audit-"));
const logger = createMemoryLogger();
const { client, clock } = scene;
const content = createMemoryContentStore({ peers: () => [client.content], clock, logger });
await content.start();
const engine = createWasiEngine({ content, logger }, { scratchDirectory: folder });
const store = createSqliteStore(join(folder, "audit.sqlite"));
try {
  const program = await scene.program("probe");
  const history = createHistoryMaker(scene, engine, program);
  const wallet = await scene.user();
  const madeIn = await timed(async () => {
    for (let n = 0; n < TRANSITIONS; n++) await history.land(wallet, `append ${n % 10}\n`);
  });

  const runs = await runsOf(program);
  const first = runs[0];
  if (first === undefined) throw new Error("there is nothing to run");
  await engine.run(first);
  const bareMs = await timed(async () => await runAll(runs));
  const rssBefore = process.memoryUsage().rss;
  const audited = await audit();
  const grownBytes = Math.max(0, process.memoryUsage().rss - rssBefore);
  const again = await audit();
  if (audited.report.ran !== TRANSITIONS || again.report.ran !== 0) throw new Error("not all was run, or some twice");
  const fresh = createSqliteStore(join(folder, "chain.sqlite"));
  const chain = await audit({ last: 0, store: fresh });
  await fresh.close();

  const ratio = round(audited.ms / bareMs);
  await writeReport("audit", [
    {
      name: `audit of ${TRANSITIONS} transitions (wasi), ${JOBS} at a time`,
      value: round(audited.ms / MS_PER_SECOND),
      unit: "s",
      bound: round(bareMs / MS_PER_SECOND),
      ratio,
      target: TARGET_RATIO,
      met: ratio <= TARGET_RATIO,
    },
    { name: `the same ${TRANSITIONS} runs by the bare engine`, value: round(bareMs / MS_PER_SECOND), unit: "s" },
    { name: "the chain alone (--last 0), a record", value: round(chain.ms / (TRANSITIONS + 1)), unit: "ms" },
    { name: "the same audit again, with nothing new", value: round(again.ms), unit: "ms" },
    { name: "growth of the process in the audit", value: round(grownBytes / MIB), unit: "MiB" },
    { name: "making the history", value: round(madeIn / MS_PER_SECOND), unit: "s" },
  ]);

  async function audit({ last, store: own = store }: { last?: number; store?: typeof store } = {}): Promise<{
    readonly ms: number;
    readonly report: AuditReport;
  }> {
    let report: AuditReport | undefined;
    const ms = await timed(async () => {
      const engines = new Map([["wasi" as const, engine]]);
      report = await auditProgram(
        { ledger: client.ledger, content, engines, scratchDirectory: join(folder, "runs"), store: own, clock },
        program,
        { jobs: JOBS, ...(last === undefined ? {} : { last }) },
      );
    });
    if (report?.outcome !== "clean") throw new Error(`the audit came to ${JSON.stringify(report?.wrong?.faults)}`);
    return { ms, report };
  }
} finally {
  await engine.close();
  await content.stop();
  await store.close();
  await scene.stop();
  await rm(folder, { recursive: true, force: true });
}

/** All runs of a history, each with its state in a file. */
async function runsOf(program: string): Promise<readonly ProgramRun[]> {
  const prepared = await engine.prepare({ kind: "wasi", cid: await scene.module("probe") });
  const limits = limitsFor("wasi", prepared.seconds);
  const runs: ProgramRun[] = [];
  let at: string | undefined = (await findTip(client.ledger, await scene.account(program))).recordCid;
  while (at !== undefined) {
    const record = await readChainRecord(client.content, at);
    at = previousOf(record)?.recordCid;
    if (record.kind !== "transition") continue;
    const { input } = record.signedRequest.request;
    if (!("bytes" in input)) throw new Error("expected inline inputs");
    const statePath = join(folder, `state-${runs.length}`);
    await writeFile(statePath, await readContent(client.content, record.previousState, { maxBytes: MAX_STATE_BYTES }));
    const { sequence, time, seed } = record.environment;
    const environment = { program, sequence: sequence.toString(), time: time.toString(), seed: toHex(seed) };
    runs.push({ program: prepared, statePath, input: input.bytes, environment, limits });
  }
  return runs.toReversed();
}

async function runAll(runs: readonly ProgramRun[]): Promise<void> {
  const queue = new PQueue({ concurrency: JOBS });
  await queue.addAll(
    runs.map((run, index) => async () => {
      const statePath = join(folder, `bare-${index}`);
      await copyFile(run.statePath, statePath);
      const { status } = await engine.run({ ...run, statePath });
      if (status !== "accepted") throw new Error(`a run ended as ${status}`);
    }),
  );
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
