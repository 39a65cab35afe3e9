import { join } from "node:path";

import { serveCar, serveRawBlock } from "../../src/adapters/content-store/trustless-gateway.ts";
import type { CollectingContentStore } from "../../src/adapters/content-store/unixfs-content-store.ts";
import { createHttpWorkerApi } from "../../src/adapters/worker-api/http.ts";
import { createMemoryStore } from "../../src/adapters/store/memory.ts";
import { createLocalRuns } from "../../src/execution/local-runs.ts";
import { createStateCache } from "../../src/execution/state-cache.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Engine, ProgramReference } from "../../src/ports/engine.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import type { Logger } from "../../src/ports/logger.ts";
import type { Runs } from "../../src/ports/runs.ts";
import type { Store } from "../../src/ports/store.ts";
import { toHex } from "../../src/utils/bytes.ts";
import type { AnswerWithOutput } from "../../src/wire/execution-json.ts";
import { createAttempts } from "../../src/worker/executions/attempts.ts";
import { createExecute } from "../../src/worker/executions/execute.ts";
import { createRequestQueue } from "../../src/worker/executions/request-queue.ts";
import { createRestoredGuard } from "../../src/worker/executions/restored.ts";
import { createUsedPayments } from "../../src/worker/executions/used-payments.ts";
import { createTipMemory } from "../../src/worker/changes/tip-memory.ts";
import { createConsentedRecords } from "../../src/worker/changes/consented-records.ts";
import type { WorkerApi } from "../../src/ports/worker-api.ts";
import type { BatchTiming } from "../../src/worker/batches/components.ts";
import { createBatches, type Batches } from "../../src/worker/batches/create-batches.ts";
import { createKeptRecoveries } from "../../src/worker/changes/kept-recoveries.ts";
import { createConsent } from "../../src/worker/changes/consent.ts";
import { recentOf } from "../../src/worker/history/holders.ts";
import { createRunContent } from "../../src/worker/history/run-content.ts";
import { createWorkerApi } from "../../src/worker/http/api.ts";
import { startHttpServer, type HttpServer } from "../../src/worker/http/server.ts";
import { keyOf } from "./smart-accounts.ts";
import { messageKeysOf, type MessageKeys } from "./message-keys.ts";
import type { Keypair } from "@stellar/stellar-sdk";

const STATE_CACHE_BYTES = 64 * 1024 * 1024;

/** What a test may change about a worker; each start takes the changes made since. */
export interface WorkerChanges {
  /** @default one in memory that lasts as long as the worker object */
  store?: Store;
  ledger?: Ledger;
  clock?: Clock;
  wrapEngine?: (engine: Engine) => Engine;
  /** What leaves the worker instead of its honest answer. */
  tamper?: (answer: AnswerWithOutput) => AnswerWithOutput;
  serves?: (program: string) => Promise<boolean>;
  /** The market's word on who works under an agreement. @default none knows it */
  workersOf?: (agreement: string, program: string) => Promise<ReadonlySet<string> | undefined>;
  /** Where its executions are made. @default in this process */
  runs?: Runs;
  maxQueued?: number;
  concurrency?: number;
  batchTiming?: Partial<BatchTiming>;
  /** @default wasi alone */
  engines?: ReadonlyMap<ProgramReference["kind"], Engine>;
  /** How it talks to the other workers. @default honestly */
  peers?: (honest: WorkerApi) => Partial<WorkerApi>;
}

export interface SceneWorkerInit {
  readonly n: number;
  readonly ledger: Ledger;
  readonly content: CollectingContentStore;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly scratchDirectory: string;
  readonly port?: number;
  readonly changes?: WorkerChanges;
}

/** A worker's execution service behind its real HTTP API, without the market around it. */
export interface SceneWorker {
  readonly url: string;
  readonly ledgerKey: Keypair;
  readonly messageKeys: MessageKeys;
  readonly content: CollectingContentStore;
  readonly changes: WorkerChanges;
  /** How often its engine was asked to run a program. */
  readonly runs: number;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The ledger key of the n-th worker of every scene. */
export const workerKeyOf = (n: number): Keypair => keyOf(100 + n);

export async function createSceneWorker(init: SceneWorkerInit): Promise<SceneWorker> {
  const { n, content, logger } = init;
  const ledgerKey = workerKeyOf(n);
  const messageKeys = messageKeysOf(`worker ${n}`);
  const changes: WorkerChanges = { store: createMemoryStore(), ...init.changes };
  let server: HttpServer | undefined;
  let port = init.port ?? 0;
  let runs = 0;
  let batches: Batches | undefined;

  const start = async (): Promise<void> => {
    if (server !== undefined) return;
    const { store = createMemoryStore(), ledger = init.ledger, clock = init.clock } = changes;
    const counting: Engine = {
      ...init.engine,
      run: async (run, options) => {
        runs += 1;
        return await init.engine.run(run, options);
      },
    };
    const engine = changes.wrapEngine?.(counting) ?? counting;
    const tips = createTipMemory({
      store,
      workerApi: createHttpWorkerApi(),
      networkPassphrase: ledger.networkPassphrase,
      ownKey: ledgerKey.publicKey(),
    });
    const attempts = createAttempts({ store, clock, latestBlock: () => 0 });
    const usedPayments = createUsedPayments({
      store,
      ledger,
      content,
      clock,
      tips,
      hasAnswered: async (requestHash) => (await attempts.of(requestHash)).length > 0,
    });
    const runContent = createRunContent(content, () => recentOf({ block: 0, nowMs: clock.now() }));
    const queue = createRequestQueue({ clock }, { concurrency: changes.concurrency ?? 2 });
    const serves = async (program: string): Promise<boolean> => (await changes.serves?.(program)) ?? true;
    const keys = { ledgerKey, messagePrivateKey: messageKeys.privateKey };
    const honestApi = createHttpWorkerApi();
    const runsHere = createLocalRuns({
      content: runContent,
      keepInput: async (cid: string, options: { readonly signal: AbortSignal | undefined }) =>
        await runContent.pin(cid, options),
      engines: changes.engines ?? new Map([[engine.kind, engine]]),
      scratchDirectory: init.scratchDirectory,
      states: createStateCache(
        { clock, logger },
        { directory: join(init.scratchDirectory, `states-${n}`), maxBytes: STATE_CACHE_BYTES },
      ),
    });
    const runsOn = { ledger, content: runContent, runs: changes.runs ?? runsHere, tips };
    batches = createBatches({
      ...runsOn,
      store,
      attempts,
      usedPayments,
      queue,
      clock,
      logger,
      keys,
      serves,
      workerApi: { ...honestApi, ...changes.peers?.(honestApi) },
      timing: { pollMs: 25, proposerTimeoutMs: 1_000, fairAfterMs: 0, refundAfterMs: 200, ...changes.batchTiming },
    });
    const running = batches;
    await running.start();
    const execute = createExecute(
      {
        ...runsOn,
        attempts,
        usedPayments,
        restored: createRestoredGuard(store),
        queue,
        clock,
        logger,
        keys,
        serves,
      },
      { maxQueued: changes.maxQueued ?? 64 },
    );
    const app = createWorkerApi({
      logger,
      execute: async (signed) => {
        const prepaid = signed.request.form === "prepaid";
        const answer = prepaid ? await running.execute(signed) : await execute(signed);
        return changes.tamper?.(answer) ?? answer;
      },
      endorse: async (proposal) => await running.endorse(proposal),
      answersTo: async (requestHash) => await attempts.of(requestHash),
      clock,
      content: {
        block: async (cid) => await serveRawBlock(content, cid),
        car: async (cid, options) => await serveCar(content, cid, options),
      },
      tip: async (program) => await tips.get(program),
      consent: createConsent({
        ledger,
        consented: createConsentedRecords({ store, content, ledger }),
        recoveries: createKeptRecoveries({ store, content }),
        tips,
        content,
        clock,
        logger,
        ledgerKey,
        waitingStroops: (program) => running.waitingStroops(program),
        workersOf: async (agreement, program) => await changes.workersOf?.(agreement, program),
      }),
      health: async () => ({ status: "ok", version: "0", blockNumber: 0, ledger: (await ledger.latest()).sequence }),
      describe: () => ({
        messageKey: toHex(messageKeys.publicKey),
        ledgerKey: ledgerKey.publicKey(),
        multiaddrs: [],
        engines: [init.engine.kind],
      }),
    });
    server = await startHttpServer(app, { host: "127.0.0.1", port });
    port = server.port;
  };

  await start();
  return {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    ledgerKey,
    messageKeys,
    content,
    changes,
    get runs() {
      return runs;
    },
    start,
    async stop() {
      const stopping = server;
      server = undefined;
      await batches?.stop();
      await stopping?.close();
    },
  };
}
