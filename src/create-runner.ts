import { mkdir, readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

import { z } from "zod";

import { systemClock } from "./adapters/clock/system.ts";
import { createGatewayBook } from "./adapters/content-store/gateway-book.ts";
import { createHeliaContentStore } from "./adapters/content-store/helia.ts";
import { followPeers } from "./adapters/libp2p/follow-peers.ts";
import { createLibp2pNode } from "./adapters/libp2p/node.ts";
import { createPostgres } from "./adapters/postgres/connect.ts";
import { systemRandom } from "./adapters/random/system.ts";
import { createPostgresRunDesk } from "./adapters/run-queue/postgres-desk.ts";
import { noMetrics } from "./adapters/metrics/none.ts";
import { createSqliteStore } from "./adapters/store/sqlite.ts";
import { measureRuns } from "./admin/measure-runs.ts";
import { contentCheck, engineCheck, queueCheck, storeCheck } from "./admin/peer-checks.ts";
import type { Checked } from "./create-admin.ts";
import {
  checkEngines,
  closeEngines,
  createEngines,
  createStates,
  prepareRuns,
  runsOf,
  type EngineSettings,
} from "./create-engines.ts";
import { SprfError } from "./errors.ts";
import type { Engine } from "./ports/engine.ts";
import type { Logger } from "./ports/logger.ts";
import type { Metrics } from "./ports/metrics.ts";
import type { RunDesk, RunQueueView, RunWorker } from "./ports/run-queue.ts";
import { createServeRuns } from "./runner/serve-runs.ts";
import { fromHex, toHex } from "./utils/bytes.ts";
import { VERSION } from "./utils/version.ts";

const KEY_BYTES = 32;
const NAME_BYTES = 4;
const MAX_NAME_LENGTH = 40;
/** Between two looks for where workers are. */
const FOLLOW_MS = 2_000;

const identitySchema = z.strictObject({ name: z.string(), key: z.string().regex(/^[0-9a-f]{64}$/) });

export interface RunnerInit {
  /** `postgres://user:password@host:port/database`, the worker's. */
  readonly databaseUrl: string;
  /** Of this runner alone. */
  readonly dataDirectory: string;
  readonly engines: EngineSettings;
  /** Runs at once. */
  readonly capacity: number;
  /** @default one that is made of the machine's name, the same in each life of this data directory */
  readonly name?: string | undefined;
  readonly logger: Logger;
  /** Where it counts what it does. @default nowhere */
  readonly metrics?: Metrics | undefined;
  /** Puts something around each engine: the faults of a test. */
  readonly wrapEngine?: (engine: Engine) => Engine;
  /** The same around its end of the queue. */
  readonly wrapDesk?: (desk: RunDesk) => RunDesk;
}

export interface Runner extends Checked {
  readonly name: string;
}

/**
 * Makes a runner: it takes a worker's executions from its database, and gets and gives content through the worker's node. Its start
 * throws `RUNNER_SET_ASIDE` when nothing of it is taken any more.
 */
export async function createRunner(init: RunnerInit): Promise<Runner> {
  const { dataDirectory, capacity } = init;
  await mkdir(dataDirectory, { recursive: true });
  const { name, key } = await identityOf(dataDirectory, init.name);
  const logger = init.logger.child({ runner: name });
  const clock = systemClock;
  const postgres = createPostgres({ url: init.databaseUrl, clock, logger });
  const store = createSqliteStore(join(dataDirectory, "store.sqlite"));
  const node = await createLibp2pNode({ messageKey: fromHex(key), clock, logger });
  const gateways = createGatewayBook({ clock });
  const content = createHeliaContentStore({
    libp2p: node,
    directory: join(dataDirectory, "blocks"),
    store,
    gateways,
    clock,
    logger,
  });
  const scratchDirectory = init.engines.scratchDirectory ?? join(dataDirectory, "scratch");
  const settings = { ...init.engines, scratchDirectory };
  const engines = new Map(
    [...createEngines({ content, logger }, settings)].map(([kind, engine]) => [
      kind,
      init.wrapEngine?.(engine) ?? engine,
    ]),
  );
  const desk = createPostgresRunDesk({
    postgres,
    runner: name,
    engines: [...engines.keys()],
    capacity,
    version: VERSION,
    clock,
    logger,
  });
  const states = createStates({ clock, logger }, settings);
  const parts = {
    desk: init.wrapDesk?.(desk) ?? desk,
    content,
    engines,
    states,
    scratchDirectory: runsOf(scratchDirectory),
    clock,
    logger,
  };
  const service = createServeRuns(parts, { capacity });
  const over = new AbortController();
  const closers: (() => Promise<void>)[] = [];
  let stopping: Promise<void> | undefined;

  /** The queue, and of its runners this one: others speak for themselves. */
  async function view(): Promise<RunQueueView> {
    const found = await desk.view();
    return { ...found, runners: found.runners.filter(({ id }) => id === name) };
  }

  async function workers(): Promise<readonly (readonly string[])[]> {
    const found: readonly RunWorker[] = await desk.workers();
    gateways.add(found.map(({ gateway }) => gateway));
    return found.map(({ multiaddrs }) => multiaddrs);
  }

  async function stop(): Promise<void> {
    for (const close of closers.splice(0).reverse()) await close();
    await postgres.close();
    await store.close();
  }

  return {
    name,
    checks: [
      contentCheck(content),
      storeCheck({ store, clock }),
      engineCheck(engines),
      queueCheck(async () => {
        const { runners, ...queue } = await view();
        const setAside = runners[0]?.setAside;
        return { ...queue, problem: setAside === undefined ? undefined : `this runner is set aside: ${setAside}` };
      }),
    ],
    async start(options) {
      await prepareRuns(scratchDirectory);
      await checkEngines(engines, options);
      closers.push(async () => await node.stop());
      await node.start(options);
      closers.push(async () => await content.stop());
      await content.start(options);
      closers.push(async () => await closeEngines(engines));
      closers.push(async () => await service.stop());
      await service.start(options);
      measureRuns(view, { metrics: init.metrics ?? noMetrics, clock });
      const signal = over.signal;
      const following = followPeers({ node, peers: workers, everyMs: FOLLOW_MS, clock, logger, signal });
      // Before the desk is closed, and after the last result was fetched over the connection.
      closers.splice(closers.length - 1, 0, async () => {
        over.abort();
        await following;
      });
    },
    async stop() {
      await (stopping ??= stop());
    },
  };
}

/** The same in each life: under another name, a runner that was set aside would be a new one. */
async function identityOf(
  directory: string,
  wanted: string | undefined,
): Promise<{ readonly name: string; readonly key: string }> {
  const path = join(directory, "runner.json");
  const text = await readFile(path, "utf8").catch(() => undefined);
  const known = text === undefined ? undefined : identitySchema.parse(JSON.parse(text));
  const host = hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, "-")
    .slice(0, MAX_NAME_LENGTH - 2 * NAME_BYTES - 1);
  const name = wanted ?? known?.name ?? `${host}-${toHex(systemRandom.bytes(NAME_BYTES))}`;
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name) || name.length > MAX_NAME_LENGTH) {
    const rule = `at most ${MAX_NAME_LENGTH} of a to z, 0 to 9 and -`;
    throw new SprfError("CONFIG_INVALID", `the runner's name ${JSON.stringify(name)}: expected ${rule}`);
  }
  const identity = { name, key: known?.key ?? toHex(systemRandom.bytes(KEY_BYTES)) };
  await writeFile(path, JSON.stringify(identity), { mode: 0o600 });
  return identity;
}
