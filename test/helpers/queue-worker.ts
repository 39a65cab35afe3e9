import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryLogger, type LogLine } from "../../src/adapters/logger/memory.ts";
import { createPostgres, type Postgres } from "../../src/adapters/postgres/connect.ts";
import { systemRandom } from "../../src/adapters/random/system.ts";
import { createPostgresRunQueue } from "../../src/adapters/run-queue/postgres-queue.ts";
import { createFairOrder } from "../../src/domain/program/fair-order.ts";
import type { ContentStore } from "../../src/ports/content-store.ts";
import type { RunQueue } from "../../src/ports/run-queue.ts";
import type { Runs } from "../../src/ports/runs.ts";
import { createKnownPrograms } from "../../src/worker/runs/known-programs.ts";
import { createQueuedRuns } from "../../src/worker/runs/queued-runs.ts";
import { createRunnerCheck, withoutComparing } from "../../src/worker/runs/runner-check.ts";
import { startHeliaNode } from "./helia-node.ts";

/** A worker's end of the queue with a content node that runners dial, as in `create-run-queue.ts`, and no market around it. */
export interface QueueWorker {
  readonly runs: Runs;
  readonly queue: RunQueue;
  readonly content: ContentStore;
  readonly postgres: Postgres;
  readonly lines: LogLine[];
  stop(): Promise<void>;
}

export async function startQueueWorker(
  url: string,
  directory: string,
  {
    oneIn = 0,
    isChecked = true,
    listen,
  }: { readonly oneIn?: number; readonly isChecked?: boolean; readonly listen?: readonly string[] } = {},
): Promise<QueueWorker> {
  const lines: LogLine[] = [];
  const logger = createMemoryLogger(lines);
  const clock = systemClock;
  const helia = await startHeliaNode("worker", directory, [], undefined, listen);
  const { node, content } = helia;
  const postgres = createPostgres({ url, clock, logger });
  const address = (): { multiaddrs: string[]; gateway: string } => ({ multiaddrs: node.multiaddrs(), gateway: "" });
  const queue = createPostgresRunQueue({ postgres, worker: "0xworker", address, clock, logger });
  await queue.start();
  const programs = createKnownPrograms({ engines: new Map(), logger });
  const comparing = createRunnerCheck({ queue, programs, clock, random: systemRandom, logger }, { oneIn });
  const check = isChecked ? comparing : withoutComparing(comparing);
  const order = createFairOrder(clock);
  return {
    runs: createQueuedRuns({ queue, content, programs, hasHolder: false, check, order, clock, logger }),
    queue,
    content,
    postgres,
    lines,
    async stop() {
      await queue.stop();
      await postgres.close();
      await helia.stop();
    },
  };
}
