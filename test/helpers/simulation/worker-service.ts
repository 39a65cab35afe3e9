import type { Keypair } from "@stellar/stellar-sdk";

import { serveCar, serveRawBlock } from "../../../src/adapters/content-store/trustless-gateway.ts";
import type { CollectingContentStore } from "../../../src/adapters/content-store/unixfs-content-store.ts";
import { SprfError } from "../../../src/errors.ts";
import { createLocalRuns } from "../../../src/execution/local-runs.ts";
import type { TipMemory } from "../../../src/execution/tip.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { ContentStore } from "../../../src/ports/content-store.ts";
import type { Engine } from "../../../src/ports/engine.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import type { Logger } from "../../../src/ports/logger.ts";
import type { Store } from "../../../src/ports/store.ts";
import type { WorkerApi } from "../../../src/ports/worker-api.ts";
import type { BatchProposal } from "../../../src/wire/batch-proposal.ts";
import type { AnswerWithOutput } from "../../../src/wire/execution-json.ts";
import { createBatches } from "../../../src/worker/batches/create-batches.ts";
import { createConsent } from "../../../src/worker/changes/consent.ts";
import { createConsentedRecords } from "../../../src/worker/changes/consented-records.ts";
import { createKeptRecoveries } from "../../../src/worker/changes/kept-recoveries.ts";
import { keepPrograms } from "../../../src/worker/changes/keep-programs.ts";
import { createTipMemory } from "../../../src/worker/changes/tip-memory.ts";
import { createAttempts } from "../../../src/worker/executions/attempts.ts";
import { createExecute } from "../../../src/worker/executions/execute.ts";
import { createRequestQueue } from "../../../src/worker/executions/request-queue.ts";
import { createUsedPayments } from "../../../src/worker/executions/used-payments.ts";
import { createWorkerApi, type WorkerApiComponents } from "../../../src/worker/http/api.ts";
import { messageKeysOf } from "../message-keys.ts";
import type { Faults } from "./faults.ts";
import {
  livingClock,
  livingContent,
  livingEngine,
  livingLedger,
  livingStore,
  livingWorkerApi,
  type Life,
} from "./life.ts";
import type { Endpoint } from "./network.ts";

const RUNS_AT_ONCE = 2;
const MAX_QUEUED = 64;
/** A minute would be as well, but a simulation has few. */
const KEEP_EVERY_MS = 15_000;
/** Twice the usual time: each look takes real time too. */
const POLL_MS = 1_000;

/** What a worker is made of, whichever of its lives it is in. */
export interface ServiceInit {
  readonly n: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ledger: Ledger;
  readonly content: CollectingContentStore;
  readonly engine: Engine;
  readonly faults: Faults;
  readonly scratchDirectory: string;
  /** How it talks to the other workers. */
  readonly peers: WorkerApi;
  /** What its agreements bind it to. */
  readonly programs: () => readonly string[];
  /** Hears what leaves the worker, before any network can lose it. */
  onAnswer(answer: AnswerWithOutput): void;
  /** Hears which proposals of others it signs. */
  onEndorsed(proposal: BatchProposal): void;
}

/** A worker's services in one life. */
export interface WorkerService {
  readonly app: Endpoint["app"];
  start(): Promise<void>;
  follow(program: string): void;
  /** Ends its loops, at once. */
  stop(): void;
}

/** Executions of both forms and changes behind the HTTP API, composed as `create-worker.ts` does it, without the market around them. */
export function createWorkerService(
  init: ServiceInit,
  parts: { readonly life: Life; readonly ledgerKey: Keypair; readonly store: Store },
): WorkerService {
  const { life, ledgerKey } = parts;
  const { logger, n, programs, scratchDirectory } = init;
  const clock = livingClock(init.clock, life);
  const ledger = livingLedger(init.ledger, life);
  const content = livingContent(withFaults(init.content, init.faults), life);
  const store = livingStore(parts.store, life);
  const workerApi = livingWorkerApi(init.peers, life);
  const memory = createTipMemory({
    store,
    workerApi,
    networkPassphrase: ledger.networkPassphrase,
    ownKey: ledgerKey.publicKey(),
  });
  // The ledger's service forgets nothing within a simulation, so nobody has to be asked for a tip.
  const tips: TipMemory = {
    get: async (program) => await memory.get(program),
    put: async (program, tip) => await memory.put(program, tip),
  };
  const attempts = createAttempts({ store, clock, latestBlock: () => 0 });
  const usedPayments = createUsedPayments({
    store,
    ledger,
    content,
    clock,
    tips,
    hasAnswered: async (requestHash) => (await attempts.of(requestHash)).length > 0,
  });
  const shared = {
    ledger,
    content,
    runs: createLocalRuns({
      content,
      engines: new Map([["wasi", livingEngine(init.engine, life)]] as const),
      scratchDirectory,
    }),
    attempts,
    usedPayments,
    tips,
    queue: createRequestQueue({ clock }, { concurrency: RUNS_AT_ONCE }),
    clock,
    logger,
    keys: { ledgerKey, messagePrivateKey: messageKeysOf(`worker ${n}`).privateKey },
    serves: async () => await life.step("serves", async () => await Promise.resolve(true)),
  };
  const execute = createExecute(shared, { maxQueued: MAX_QUEUED });
  const batches = createBatches({ ...shared, store, workerApi, timing: { pollMs: POLL_MS } });
  const consented = createConsentedRecords({ store, content, ledger });
  const waitingStroops = (program: string): bigint => batches.waitingStroops(program);
  const care = keepPrograms(
    { ledger, content, clock, workerApi, tips, logger, ledgerKey, consented, programs, waitingStroops },
    { everyMs: KEEP_EVERY_MS },
  );
  const components: Pick<
    WorkerApiComponents,
    "logger" | "clock" | "execute" | "endorse" | "consent" | "answersTo" | "content"
  > = {
    logger,
    clock,
    execute: async (signed) => {
      const answer = signed.request.form === "prepaid" ? await batches.execute(signed) : await execute(signed);
      init.onAnswer(answer);
      return answer;
    },
    endorse: async (proposal) => {
      const verdict = await batches.endorse(proposal);
      if (verdict.kind === "signed") init.onEndorsed(proposal);
      return verdict;
    },
    consent: createConsent({
      ledger,
      content,
      clock,
      tips,
      consented,
      recoveries: createKeptRecoveries({ store, content }),
      logger,
      ledgerKey,
      // Owners of a simulation name no agreement.
      workersOf: async () => await Promise.resolve(undefined),
      waitingStroops,
    }),
    answersTo: async (requestHash) => await attempts.of(requestHash),
    content: {
      block: async (cid) => await serveRawBlock(init.content, cid),
      car: async (cid, options) => await serveCar(init.content, cid, options),
    },
  };
  return {
    // Nobody asks for anything else in a simulation.
    app: createWorkerApi(components as WorkerApiComponents),
    async start() {
      await batches.start();
      programs().forEach((program) => batches.follow(program));
      await care.start();
    },
    follow: (program) => batches.follow(program),
    stop() {
      batches.stop().catch(() => undefined);
      care.stop().catch(() => undefined);
    },
  };
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
