import type { Keypair } from "@stellar/stellar-sdk";
import PQueue from "p-queue";

import { serveCar, serveRawBlock } from "../../../src/adapters/content-store/trustless-gateway.ts";
import type { CollectingContentStore } from "../../../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryStore } from "../../../src/adapters/store/memory.ts";
import { SprfError } from "../../../src/errors.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { ContentStore } from "../../../src/ports/content-store.ts";
import type { Engine } from "../../../src/ports/engine.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import type { Logger } from "../../../src/ports/logger.ts";
import { createAttempts } from "../../../src/worker/executions/attempts.ts";
import { createExecute } from "../../../src/worker/executions/execute.ts";
import { createUsedPayments } from "../../../src/worker/executions/used-payments.ts";
import { createWorkerApi, type WorkerApiComponents } from "../../../src/worker/http/api.ts";
import type { AnswerWithOutput } from "../../../src/wire/execution-json.ts";
import { messageKeysOf } from "../message-keys.ts";
import { workerKeyOf } from "../scene-worker.ts";
import type { Faults } from "./faults.ts";
import { createLife, livingClock, livingContent, livingEngine, livingLedger, livingStore, type Life } from "./life.ts";
import type { Endpoint } from "./network.ts";

const RUNS_AT_ONCE = 2;
const MAX_QUEUED = 64;

/** A worker whose process can be killed at any step and is started again on what its disk holds. */
export interface SimulatedWorker {
  readonly n: number;
  readonly url: string;
  readonly ledgerKey: Keypair;
  readonly isLiar: boolean;
  /** Its disk: outlives its process. */
  readonly content: CollectingContentStore;
  /** Undefined while it is down. */
  endpoint(): Endpoint | undefined;
  /** `kill -9` */
  kill(why: string): void;
  /** Starts its process, to be killed after so many steps, or on the disk of a machine that lost its store. */
  start(options: { readonly stepsLeft: number | undefined; readonly hasLostStore: boolean }): void;
}

export interface SimulatedWorkerInit {
  readonly n: number;
  readonly isLiar: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ledger: Ledger;
  readonly content: CollectingContentStore;
  readonly engine: Engine;
  readonly faults: Faults;
  readonly scratchDirectory: string;
  onKilled(why: string): void;
  /** Hears what leaves the worker, before any network can lose it. */
  onAnswer(answer: AnswerWithOutput): void;
}

export function createSimulatedWorker(init: SimulatedWorkerInit): SimulatedWorker {
  const { n, content } = init;
  const url = `http://worker-${n}.simulation`;
  const ledgerKey = workerKeyOf(n);
  let store = createMemoryStore();
  let running: Endpoint | undefined;
  let life: Life | undefined;

  return {
    n,
    url,
    ledgerKey,
    isLiar: init.isLiar,
    content,
    endpoint: () => running,
    kill: (why) => life?.kill(why),
    start({ stepsLeft, hasLostStore }) {
      if (hasLostStore) store = createMemoryStore();
      const { promise: cut, reject } = Promise.withResolvers<never>();
      // Nobody may be connected.
      cut.catch(() => undefined);
      life = createLife({
        stepsLeft,
        onKilled: (why) => {
          running = undefined;
          reject(new SprfError("WORKER_UNREACHABLE", `${url}: connection reset`));
          init.onKilled(why);
        },
      });
      running = { app: serviceOf(init, { life, ledgerKey, store }), cut };
    },
  };
}

/** The execution service behind its HTTP API, composed as `create-worker.ts` does it, without the market around it. */
function serviceOf(
  init: SimulatedWorkerInit,
  parts: {
    readonly life: Life;
    readonly ledgerKey: Keypair;
    readonly store: ReturnType<typeof createMemoryStore>;
  },
): Endpoint["app"] {
  const { life, ledgerKey } = parts;
  const { logger, n } = init;
  const clock = livingClock(init.clock, life);
  const ledger = livingLedger(init.ledger, life);
  const content = livingContent(withFaults(init.content, init.faults), life);
  const store = livingStore(parts.store, life);
  const attempts = createAttempts({ store, clock, latestBlock: () => 0 });
  const usedPayments = createUsedPayments({
    store,
    ledger,
    content,
    clock,
    hasAnswered: async (requestHash) => (await attempts.of(requestHash)).length > 0,
  });
  const messageKeys = messageKeysOf(`worker ${n}`);
  const execute = createExecute(
    {
      ledger,
      content,
      engines: new Map([["wasi", livingEngine(init.engine, life)]]),
      scratchDirectory: init.scratchDirectory,
      attempts,
      usedPayments,
      queue: new PQueue({ concurrency: RUNS_AT_ONCE }),
      clock,
      logger,
      keys: { ledgerKey, messagePrivateKey: messageKeys.privateKey },
      serves: async () => await life.step("serves", async () => await Promise.resolve(true)),
    },
    { maxQueued: MAX_QUEUED },
  );
  const components: Pick<WorkerApiComponents, "logger" | "clock" | "execute" | "answersTo" | "content"> = {
    logger,
    clock,
    execute: async (signed) => {
      const answer = await execute(signed);
      init.onAnswer(answer);
      return answer;
    },
    answersTo: async (requestHash) => await attempts.of(requestHash),
    content: {
      block: async (cid) => await serveRawBlock(init.content, cid),
      car: async (cid, options) => await serveCar(init.content, cid, options),
    },
  };
  // Nobody asks for anything else in a simulation.
  return createWorkerApi(components as WorkerApiComponents);
}

/** A disk that is no faster than its peers, who sometimes do not serve what is asked for in time. */
function withFaults(content: ContentStore, faults: Faults): ContentStore {
  return {
    ...content,
    async *get(cid, options) {
      await faults.travel(options);
      if (faults.strikes(faults.rates.lost)) {
        await faults.giveUp(options);
        throw new SprfError("CONTENT_NOT_FOUND", `nobody served ${cid} in time`);
      }
      yield* content.get(cid, options);
    },
    putFile: async (bytes, options) => {
      // The file is read while the program's folder is still there.
      const cid = await content.putFile(bytes, options);
      await faults.travel(options);
      return cid;
    },
  };
}
