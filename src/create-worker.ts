import { serveCar, serveRawBlock } from "./adapters/content-store/trustless-gateway.ts";
import {
  checkEngines,
  closeEngines,
  createEngines,
  createStates,
  prepareRuns,
  runsOf,
  scratchOf,
  type EngineSettings,
  type Engines,
} from "./create-engines.ts";
import { createWorkerRunQueue, type RunQueueSettings, type WorkerRunQueue } from "./create-run-queue.ts";
import { createFairOrder } from "./domain/program/fair-order.ts";
import { createNode, type GridNodeDaemon, type NodeInit } from "./create-node.ts";
import { createPeer, type PeerInit } from "./create-peer.ts";
import { measureRuns } from "./admin/measure-runs.ts";
import { engineCheck, queueCheck } from "./admin/peer-checks.ts";
import type { Checked } from "./create-admin.ts";
import { DEFAULT_WITHDRAW_FACTOR } from "./domain/worthwhile.ts";
import { SprfError, messageOf } from "./errors.ts";
import type { ContentStore } from "./ports/content-store.ts";
import type { Engine } from "./ports/engine.ts";
import type { Agreement, Twin, WorkerTerms } from "./ports/chain.ts";
import { createLocalRuns } from "./execution/local-runs.ts";
import type { Runs } from "./ports/runs.ts";
import { abortError } from "./utils/abort.ts";
import { toHex } from "./utils/bytes.ts";
import { VERSION } from "./utils/version.ts";
import { followAgreements, type AgreementFollower } from "./worker/agreements/follow-agreements.ts";
import { newRequestId } from "./wire/traceparent.ts";
import { announcedMultiaddrs } from "./wire/address.ts";
import { answerAddressRequests } from "./worker/answer-addresses.ts";
import { watchOutcomes } from "./worker/appeals/appeal-outcomes.ts";
import { agreementWorkers } from "./worker/changes/agreement-workers.ts";
import { keepPrograms } from "./worker/changes/keep-programs.ts";
import { createTipMemory } from "./worker/changes/tip-memory.ts";
import { createKeptRecoveries } from "./worker/changes/kept-recoveries.ts";
import { createConsentedRecords } from "./worker/changes/consented-records.ts";
import { createConsent } from "./worker/changes/consent.ts";
import { createBatches, type Batches } from "./worker/batches/create-batches.ts";
import { createAttempts, type Attempts } from "./worker/executions/attempts.ts";
import { createExecute } from "./worker/executions/execute.ts";
import { pruneAttempts } from "./worker/executions/prune-attempts.ts";
import { createRequestQueue, type RequestQueue } from "./worker/executions/request-queue.ts";
import { createRestoredGuard } from "./worker/executions/restored.ts";
import { createUsedPayments } from "./worker/executions/used-payments.ts";
import { followHistory } from "./worker/history/follow-history.ts";
import { recentOf } from "./worker/history/holders.ts";
import { createHistoryKeeper, type HistoryKeeper } from "./worker/history/keep-history.ts";
import { createRunContent } from "./worker/history/run-content.ts";
import { createWorkerApi, type WorkerApiComponents } from "./worker/http/api.ts";
import { measureApi } from "./worker/http/measure-api.ts";
import { startHttpServer, type HttpServer } from "./worker/http/server.ts";
import { warmUp } from "./worker/warm-up.ts";

const RUNS_AT_ONCE = 2;
const MAX_QUEUED = 64;
/** Where runners make the executions. */
const MAX_QUEUED_FOR_RUNNERS = 10_000;
/** A third of what an execution may take in all. */
const MAX_WAIT_MS = 60_000;
/** How many executions are under way for each that is being run, so that no runner waits for the next. */
const AHEAD = 2;
const LOOK_AT_RUNNERS_MS = 2_000;
const MS_PER_SECOND = 1_000;

export interface WorkerInit extends PeerInit {
  readonly http: {
    /** @default 127.0.0.1 */
    readonly host?: string;
    /** @default 0, any free one */
    readonly port?: number;
    /** What clients are told. @default the address that is listened on */
    readonly publicUrl?: string;
  };
  readonly engines: EngineSettings;
  /** What is registered when this account has no entry for the application type yet. */
  readonly registration?: { readonly terms: WorkerTerms; /** @default the least */ readonly stakeWei?: bigint };
  /** How many times its gas a withdrawal has to bring. @default 2 */
  readonly withdrawFactor?: number;
  /** Takes no more agreements and serves those that it has to their end, which `drained` waits for. @default false */
  readonly drain?: boolean;
  /** Makes it a node of the grid as well. */
  readonly node?: NodeInit | undefined;
  /** How executions are made where the state is in a database. */
  readonly runs?: (RunQueueSettings & { /** @default 10,000 */ readonly maxWaiting?: number | undefined }) | undefined;
  /** Puts something around each engine: self-checks, or the faults of a test. */
  readonly wrapEngine?: (engine: Engine) => Engine;
}

export interface Worker extends Checked {
  readonly account: string;
  /** Known after start. */
  readonly apiUrl: string;
  readonly workerId: number;
  readonly twin: Twin;
  /** Of its node on the grid; undefined when it is none. */
  readonly nodeId: number | undefined;
  /** Resolves when the market waits for no agreement of this worker any more; `onProgress` says what is still open. */
  drained(options?: {
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: (open: readonly Agreement[]) => void;
  }): Promise<void>;
}

/** Makes a worker daemon: registered, found over Waku, serving its API, running what its agreements bind it to. */
export async function createWorker(init: WorkerInit): Promise<Worker> {
  const logger = init.logger.child({ worker: init.keys.account });
  const peer = await createPeer({ ...init, logger });
  const { chain, clock, content, keys, ledger, metrics, store } = peer;
  const scratchDirectory = scratchOf(init, init.keys.account);
  const engines = wrapAll(createEngines({ content, logger }, { ...init.engines, scratchDirectory }), init.wrapEngine);
  const consented = createConsentedRecords({ store, content, ledger });
  const states = createStates({ clock, logger }, { ...init.engines, scratchDirectory });
  const node: GridNodeDaemon | undefined =
    init.node === undefined ? undefined : createNode(peer, init.node, { directory: init.dataDirectory });
  const closers: (() => Promise<void>)[] = [];
  const life = new AbortController();
  const tips = createTipMemory({
    store,
    workerApi: peer.workerApi,
    networkPassphrase: ledger.networkPassphrase,
    ownKey: keys.ledgerKeypair.publicKey(),
  });
  const withdrawFactor = init.withdrawFactor ?? DEFAULT_WITHDRAW_FACTOR;
  let remote: WorkerRunQueue | undefined;
  let requests: RequestQueue | undefined;
  let follower: AgreementFollower | undefined;
  metrics.gauge("sprf_worker_open_agreements", () => follower?.open().length ?? 0);
  let running: { readonly twin: Twin; readonly workerId: number; readonly apiUrl: string } | undefined;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  let followBatches: ((program: string) => void) | undefined;

  async function start(signal: AbortSignal | undefined): Promise<void> {
    closers.push(async () => await peer.stop());
    await peer.start({ signal });
    closers.push(async () => await closeEngines(engines));
    await prepareRuns(scratchDirectory);
    await checkEngines(engines, { signal });
    remote = await startRunQueue(signal);
    const twin = await peer.ensureTwin({ signal });
    const workerId = await ensureRegistered(signal);
    await offer(workerId, signal);
    const attempts = createAttempts({ store, clock, latestBlock: () => agreements.latestBlock() });
    const appeals = watchOutcomes(
      {
        ...peer,
        runs: runsOver(content, { isOwn: false }),
        tips,
        messageKey: keys.messageKey,
        answersTo: async (requestHash) => (await attempts.of(requestHash)).map(({ signed }) => signed),
        logger,
      },
      { workerId, withdrawFactor },
    );
    const holderNow = (): string => recentOf({ block: agreements.latestBlock(), nowMs: clock.now() });
    const keeper = createHistoryKeeper(
      { ...peer, tips, logger },
      {
        ledgerKey: keys.ledgerKeypair.publicKey(),
        holderNow,
        isBound: (program) => agreements.running().some((bound) => bound.program === program),
      },
    );
    const history = followHistory(keeper, { clock, logger });
    const pruner = pruneAttempts({ chain, attempts, alsoPrune: async (block) => await history.prune(block) });
    const agreements = followAgreements(
      { chain, store, clock, logger },
      {
        workerId,
        onProgram: (program) => onProgram(program, keeper),
        withdrawFactor,
        onLook: async (look, lookSignal) => {
          appeals.onLook(look);
          await pruner.onLook(look, { signal: lookSignal });
        },
      },
    );
    follower = agreements;
    closers.push(async () => await appeals.stop());
    const runContent = createRunContent(content, holderNow);
    const serves = async (program: string): Promise<boolean> => await agreements.serves(program);
    const { api, batches } = createApi(attempts, runContent, serves);
    followBatches = (program) => batches.follow(program);
    await batches.start({ signal });
    const server: HttpServer = await startHttpServer(api, {
      host: init.http.host ?? "127.0.0.1",
      port: init.http.port ?? 0,
    });
    // Calls that wait for a batch are handed back first: those that run here may end.
    closers.push(async () => await server.close());
    closers.push(async () => await batches.stop());
    const apiUrl = init.http.publicUrl ?? `http://${init.http.host ?? "127.0.0.1"}:${server.port}`;
    peer.gateways.exclude(apiUrl);
    running = { twin, workerId, apiUrl };
    const addresses = answerAddressRequests({
      messenger: peer.messenger,
      identity: { publicKey: keys.messageKey, privateKey: keys.messagePrivateKey },
      authorise: async (request, options) => await agreements.authorise(request, options),
      describe: () => ({
        apiUrl,
        ledgerKey: new Uint8Array(keys.ledgerKeypair.rawPublicKey()),
        multiaddrs: announcedMultiaddrs(peer.node.multiaddrs()),
      }),
      clock,
      random: peer.random,
      logger,
    });
    closers.push(
      async () => await agreements.stop(),
      async () => await addresses.stop(),
    );
    closers.push(async () => await history.stop());
    await agreements.start({ signal });
    history.start();
    await addresses.start({ signal });
    const care = keepPrograms({
      ...peer,
      tips,
      consented,
      logger: logger.child({ component: "keep-programs" }),
      ledgerKey: keys.ledgerKeypair,
      waitingStroops: (program) => batches.waitingStroops(program),
      programs: () => [...new Set(agreements.running().flatMap(({ program }) => program ?? []))],
    });
    closers.push(async () => await care.stop());
    await care.start({ signal });
    if (node !== undefined) {
      closers.push(async () => await node.stop());
      await node.start({ signal });
    }
    logger.info("worker started", { workerId, apiUrl });
  }

  function onProgram(program: string, keeper: HistoryKeeper): void {
    followBatches?.(program);
    const ready = async (): Promise<void> => {
      await keeper.follow(program);
      await warmUp({ ...peer, engines, history: keeper, logger }, program, { signal: life.signal });
    };
    ready().catch((error: unknown) => {
      if (!life.signal.aborted) logger.warn("a program cannot be made ready", { program, reason: messageOf(error) });
    });
  }

  async function ensureRegistered(signal: AbortSignal | undefined): Promise<number> {
    const applicationType = init.registration?.terms.applicationType ?? `0x${"0".repeat(64)}`;
    const found = await chain.workerOf(chain.account, applicationType, { signal });
    if (found !== undefined) return found;
    if (init.drain === true) throw new SprfError("NOT_REGISTERED", `${chain.account} is no registered worker`);
    if (init.registration === undefined) {
      throw new SprfError(
        "CONFIG_INVALID",
        `${chain.account} is no registered worker, and no terms to register are set`,
      );
    }
    const { terms } = init.registration;
    const stakeWei = init.registration.stakeWei ?? (await chain.requiredStakeWei(terms, { signal }));
    return await chain.registerWorker(terms, stakeWei, { signal });
  }

  /** In the order book, unless it is to be drained. */
  async function offer(workerId: number, signal: AbortSignal | undefined): Promise<void> {
    const status = (await chain.worker(workerId, { signal }))?.status;
    if (init.drain === true && status === "active") await chain.pauseWorker(workerId, { signal });
    if (init.drain !== true && status === "paused") await chain.unpauseWorker(workerId, { signal });
  }

  /** Where the state is in a database, the queue of executions is there too. */
  async function startRunQueue(signal: AbortSignal | undefined): Promise<WorkerRunQueue | undefined> {
    if (init.database === undefined) return undefined;
    const queue = createWorkerRunQueue(
      { ...peer, engines, states, scratchDirectory: runsOf(scratchDirectory), logger },
      {
        ...init.runs,
        databaseUrl: init.database.url,
        account: keys.account,
        version: VERSION,
        address: () => ({ multiaddrs: peer.node.multiaddrs(), gateway: running?.apiUrl ?? "" }),
        requests: () => ({ waiting: requests?.size ?? 0, oldestMs: requests?.oldestMs() ?? 0 }),
      },
    );
    closers.push(async () => await queue.stop());
    await queue.start({ signal });
    measureRuns(async () => await queue.view(), { metrics, clock });
    return queue;
  }

  /** What waits here and in the database, in one. */
  async function queueNow(): Promise<{
    readonly waiting: number;
    readonly running: number;
    readonly oldestMs: number;
  }> {
    const { size = 0, pending = 0 } = requests ?? {};
    const oldestMs = requests?.oldestMs() ?? 0;
    if (remote === undefined) return { waiting: size, running: pending, oldestMs };
    const runs = await remote.view();
    return { waiting: size + runs.waiting, running: runs.running, oldestMs: Math.max(oldestMs, runs.oldestMs) };
  }

  /** Takes as many executions at once as keep all runners busy. */
  async function followRunners(queue: RequestQueue, from: WorkerRunQueue): Promise<void> {
    while (!life.signal.aborted) {
      try {
        const live = (await from.runners()).filter(({ isLive }) => isLive);
        const capacity = live.reduce((sum, runner) => sum + runner.capacity, 0);
        queue.concurrency = Math.max(RUNS_AT_ONCE, AHEAD * capacity);
      } catch (error) {
        if (!life.signal.aborted) logger.warn("runners cannot be counted now", { reason: messageOf(error) });
      }
      await clock.sleep(LOOK_AT_RUNNERS_MS, { signal: life.signal }).catch(() => undefined);
    }
  }

  /**
   * Runs that leave what comes out of them in this content store.
   *
   * @param isOwn whether this worker signs what comes out, and so holds all of it
   */
  function runsOver(kept: ContentStore, { isOwn }: { readonly isOwn: boolean }): Runs {
    if (remote !== undefined) return remote.runsOver(kept, { hasHolder: isOwn, keepsInputs: isOwn, isChecked: isOwn });
    return createLocalRuns({
      content: kept,
      engines,
      states,
      scratchDirectory: runsOf(scratchDirectory),
      ...(isOwn ? { keepInput: async (cid, options) => await kept.pin(cid, options) } : {}),
    });
  }

  function createApi(
    attempts: Attempts,
    runContent: ContentStore,
    serves: (program: string) => Promise<boolean>,
  ): { readonly api: ReturnType<typeof createWorkerApi>; readonly batches: Batches } {
    const usedPayments = createUsedPayments({
      ...peer,
      tips,
      hasAnswered: async (requestHash) => (await attempts.of(requestHash)).length > 0,
    });
    const order = remote === undefined ? undefined : createFairOrder(clock);
    const queue = createRequestQueue({ clock }, { concurrency: RUNS_AT_ONCE, order });
    requests = queue;
    metrics.gauge("sprf_worker_oldest_request_seconds", () => queue.oldestMs() / MS_PER_SECOND);
    metrics.gauge("sprf_worker_queue_requests", () => [
      { labels: { state: "waiting" }, value: queue.size },
      { labels: { state: "running" }, value: queue.pending },
    ]);
    closers.push(async () => {
      queue.clear();
      // Ends the runs in flight, here and on runners, which nobody waits for any more.
      await Promise.all([closeEngines(engines), remote?.stop()]);
      await queue.onIdle();
    });
    const runs = runsOver(runContent, { isOwn: true });
    if (remote !== undefined) {
      const following = followRunners(queue, remote);
      closers.push(async () => await following);
    }
    const execute = createExecute(
      {
        ...peer,
        content: runContent,
        runs,
        tips,
        attempts,
        usedPayments,
        restored: createRestoredGuard(store),
        queue,
        logger,
        serves,
        keys: { ledgerKey: keys.ledgerKeypair, messagePrivateKey: keys.messagePrivateKey },
      },
      remote === undefined
        ? { maxQueued: MAX_QUEUED }
        : { maxQueued: init.runs?.maxWaiting ?? MAX_QUEUED_FOR_RUNNERS, maxWaitMs: MAX_WAIT_MS },
    );
    const batches = createBatches({
      ...peer,
      content: runContent,
      runs,
      tips,
      attempts,
      newRequestId: () => newRequestId(peer.random),
      usedPayments,
      queue,
      logger,
      serves,
      keys: { ledgerKey: keys.ledgerKeypair, messagePrivateKey: keys.messagePrivateKey },
    });
    closers.push(async () => await batches.stop());
    const components = {
      logger,
      newRequestId: () => newRequestId(peer.random),
      execute: async (signed) =>
        signed.request.form === "prepaid" ? await batches.execute(signed) : await execute(signed),
      endorse: async (proposal) => await batches.endorse(proposal),
      answersTo: async (requestHash) => await attempts.of(requestHash),
      clock,
      content: {
        block: async (cid) => await serveRawBlock(content, cid),
        car: async (cid, options) => await serveCar(content, cid, options),
      },
      tip: async (program) => await tips.get(program),
      consent: createConsent({
        ...peer,
        tips,
        consented,
        recoveries: createKeptRecoveries({ store, content }),
        logger,
        ledgerKey: keys.ledgerKeypair,
        waitingStroops: (program) => batches.waitingStroops(program),
        workersOf: async (agreement, program) => await agreementWorkers(chain, { agreement, program }),
      }),
      health: async () => ({
        status: "ok",
        version: VERSION,
        blockNumber: await chain.blockNumber(),
        ledger: (await ledger.latest()).sequence,
        ...(node === undefined ? {} : { node: { nodeId: node.nodeId, problem: node.problem() } }),
      }),
      describe: () => ({
        messageKey: toHex(keys.messageKey),
        ledgerKey: keys.ledgerKeypair.publicKey(),
        multiaddrs: announcedMultiaddrs(peer.node.multiaddrs()),
        engines: [...engines.keys()],
      }),
    } satisfies WorkerApiComponents;
    return { api: createWorkerApi(measureApi(components, { metrics, clock })), batches };
  }

  async function stop(): Promise<void> {
    life.abort();
    await starting?.catch(() => undefined);
    for (const close of closers.splice(0).reverse()) await close();
  }

  const started = (): NonNullable<typeof running> => {
    if (running === undefined) throw new SprfError("INTERNAL", "the worker was not started");
    return running;
  };
  return {
    account: keys.account,
    checks: [...peer.checks, engineCheck(engines), queueCheck(queueNow)],
    get apiUrl() {
      return started().apiUrl;
    },
    get workerId() {
      return started().workerId;
    },
    get twin() {
      return started().twin;
    },
    get nodeId() {
      return started() && node?.nodeId;
    },
    async drained({ signal, onProgress } = {}) {
      const ended = signal === undefined ? life.signal : AbortSignal.any([signal, life.signal]);
      for await (const _block of chain.blocks({ signal: ended })) {
        const open = follower?.open() ?? [];
        if (open.length === 0) return;
        onProgress?.(open);
      }
      throw abortError(ended);
    },
    async start({ signal } = {}) {
      starting ??= start(signal);
      await starting;
    },
    async stop() {
      stopping ??= stop();
      await stopping;
    },
  };
}

function wrapAll(engines: Engines, wrap: WorkerInit["wrapEngine"]): Engines {
  if (wrap === undefined) return engines;
  return new Map([...engines].map(([kind, engine]) => [kind, wrap(engine)]));
}
