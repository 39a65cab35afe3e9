import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryContentStore } from "../../src/adapters/content-store/memory.ts";
import type { CollectingContentStore } from "../../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryLogger, type LogLine } from "../../src/adapters/logger/memory.ts";
import { createPostgres, type Postgres } from "../../src/adapters/postgres/connect.ts";
import { systemRandom } from "../../src/adapters/random/system.ts";
import { createPostgresRunDesk } from "../../src/adapters/run-queue/postgres-desk.ts";
import { createPostgresRunQueue } from "../../src/adapters/run-queue/postgres-queue.ts";
import { createFairOrder } from "../../src/domain/program/fair-order.ts";
import type { Engine } from "../../src/ports/engine.ts";
import type { RunDesk, RunQueue, WaitingView } from "../../src/ports/run-queue.ts";
import type { Runs } from "../../src/ports/runs.ts";
import type { Startable } from "../../src/ports/startable.ts";
import { createServeRuns } from "../../src/runner/serve-runs.ts";
import { createKnownPrograms } from "../../src/worker/runs/known-programs.ts";
import { createQueuedRuns } from "../../src/worker/runs/queued-runs.ts";
import { createRunnerCheck, withoutComparing } from "../../src/worker/runs/runner-check.ts";

/** A worker's end of the queue and runners in this process, whose contents reach each other. */
export interface RunFleet {
  readonly runs: Runs;
  readonly queue: RunQueue;
  readonly content: CollectingContentStore;
  readonly postgres: Postgres;
  readonly lines: LogLine[];
  addRunner(name: string, engine: Engine, options?: { readonly capacity?: number }): Promise<FleetRunner>;
  stop(): Promise<void>;
}

export interface RunFleetInit {
  /** Whether runners are compared. @default true */
  readonly isChecked?: boolean;
  /** By which the worker knows what programs declare. @default none: by what runners agree on */
  readonly engines?: ReadonlyMap<Engine["kind"], Engine>;
  /** What waits before runs are made of it. @default nothing */
  readonly requests?: () => WaitingView;
  /** The worker's content store, and more that reach it. @default a network of their own */
  readonly contents?: { readonly content: CollectingContentStore; addStore(): Promise<CollectingContentStore> };
}

export interface FleetRunner extends Startable {
  readonly desk: RunDesk;
  readonly content: CollectingContentStore;
}

export async function createRunFleet(
  url: string,
  { isChecked = true, engines = new Map(), contents, requests }: RunFleetInit = {},
): Promise<RunFleet> {
  const lines: LogLine[] = [];
  const logger = createMemoryLogger(lines);
  const scratch = await mkdtemp(join(tmpdir(), "sprf-fleet-"));
  const stores: CollectingContentStore[] = [];
  const postgres = createPostgres({ url, clock: systemClock, logger });
  const runners: FleetRunner[] = [];
  const databases: Postgres[] = [postgres];

  async function addStore(): Promise<CollectingContentStore> {
    const own: CollectingContentStore = createMemoryContentStore({
      peers: () => stores.filter((store) => store !== own),
      clock: systemClock,
      logger,
    });
    stores.push(own);
    await own.start();
    return own;
  }

  const content = contents?.content ?? (await addStore());
  const queue = createPostgresRunQueue({
    postgres,
    worker: "0xworker",
    address: () => ({ multiaddrs: [], gateway: "http://127.0.0.1:1" }),
    requests,
    clock: systemClock,
    logger,
  });
  await queue.start();
  const programs = createKnownPrograms({ engines, logger });
  const comparing = createRunnerCheck(
    { queue, programs, clock: systemClock, random: systemRandom, logger },
    { oneIn: 0 },
  );
  const check = isChecked ? comparing : withoutComparing(comparing);
  const order = createFairOrder(systemClock);
  const runs = createQueuedRuns({
    queue,
    content,
    programs,
    hasHolder: false,
    check,
    order,
    clock: systemClock,
    logger,
  });
  return {
    runs,
    queue,
    content,
    postgres,
    lines,
    async addRunner(name, engine, { capacity = 4 } = {}) {
      const database = createPostgres({ url, clock: systemClock, logger });
      databases.push(database);
      const store = await (contents ?? { addStore }).addStore();
      const desk = createPostgresRunDesk({
        postgres: database,
        runner: name,
        engines: [engine.kind],
        capacity,
        version: "0",
        clock: systemClock,
        logger: logger.child({ runner: name }),
      });
      const service = createServeRuns(
        {
          desk,
          content: store,
          engines: new Map([[engine.kind, engine]]),
          scratchDirectory: join(scratch, name),
          clock: systemClock,
          logger: logger.child({ runner: name }),
        },
        { capacity },
      );
      await service.start();
      const runner = { ...service, desk, content: store };
      runners.push(runner);
      return runner;
    },
    async stop() {
      for (const runner of runners) await runner.stop();
      await queue.stop();
      for (const database of databases) await database.close();
      for (const store of stores) await store.stop();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}
