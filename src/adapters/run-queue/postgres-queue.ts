import { randomUUID } from "node:crypto";

import type { PgBoss } from "pg-boss";

import { SprfError, messageOf } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { RunQueue, RunReport, RunWorker, WaitingView } from "../../ports/run-queue.ts";
import { raceAbort } from "../../utils/abort.ts";
import { decodeRunClaim, encodeRunPlan } from "../../wire/run-job.ts";
import type { Postgres } from "../postgres/connect.ts";
import { inLots } from "../../utils/in-lots.ts";
import { listen } from "../postgres/listen.ts";
import { LOST, LOTS, asDb, inTransaction, openBoss, queueOf, queueOfRunner } from "./boss.ts";
import { clearOld } from "./clear-old.ts";
import { readRunQueue, readRunners } from "./read-view.ts";
import { sendInLots } from "./send-lots.ts";
import { CHANNEL_BACK, CHANNEL_DONE } from "./tables.ts";

/** Between two looks for what was not heard of. */
const LOOK_MS = 2_000;
const LOOKS_PER_CLEARING = 30;
/** A run that nobody waits for any more is ended after that. */
const GRACE_SECONDS = 5;
const MAX_LOST_AT_ONCE = 100;
const MS_PER_SECOND = 1_000;

export interface PostgresRunQueueInit {
  readonly postgres: Postgres;
  /** Whose runs these are, among those of the database. */
  readonly worker: string;
  /** Asked for whenever it is told. */
  readonly address: () => RunWorker;
  /** What waits in this process, asked for as well. @default nothing */
  readonly requests?: (() => WaitingView) | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Waiting {
  readonly queue: string;
  readonly program: string;
  readonly deadlineMs: number;
  readonly resolve: (report: RunReport) => void;
  readonly reject: (error: unknown) => void;
}

/** Runs in PostgreSQL by pg-boss: one job each, with a lease, taken by any process that has the database's address. */
export function createPostgresRunQueue(init: PostgresRunQueueInit): RunQueue {
  const { postgres, worker, clock } = init;
  const { pool, patiently } = postgres;
  const logger = init.logger.child({ component: "run-queue" });
  const waiting = new Map<string, Waiting>();
  const life = new AbortController();
  const closers: (() => Promise<void>)[] = [];
  /** What to look for next. */
  let told: Set<string> | "all" = new Set();
  let boss: PgBoss | undefined;
  let isLooking = false;
  let looking: Promise<void> | undefined;

  const opened = (): PgBoss => {
    if (boss === undefined) throw new SprfError("INTERNAL", "the queue of runs was not started");
    return boss;
  };

  const send = sendInLots(postgres, opened);
  const collect = inLots(async (ids: readonly string[]) => {
    await pool.query("UPDATE sprf.run_results SET collected_at = now() WHERE run = ANY($1::uuid[])", [ids]);
    return ids.map(() => undefined);
  }, LOTS);

  /** Looks for results of what waits, or of one of them, in turn with others that ask for it. */
  function look(id?: string): void {
    if (id === undefined) told = "all";
    else if (told !== "all") told.add(id);
    if (!isLooking) looking = lookWhileTold();
  }

  async function lookWhileTold(): Promise<void> {
    isLooking = true;
    while ((told === "all" || told.size > 0) && !life.signal.aborted) {
      const ids = told === "all" ? [...waiting.keys()] : [...told];
      told = new Set();
      try {
        if (ids.length > 0) await lookOnce(ids);
      } catch (error) {
        if (!life.signal.aborted) logger.warn("results cannot be read", { reason: messageOf(error) });
      }
    }
    isLooking = false;
  }

  async function lookOnce(ids: readonly string[]): Promise<void> {
    const sql = "SELECT run, runner, claim FROM sprf.run_results WHERE run = ANY($1::uuid[]) AND collected_at IS NULL";
    const { rows } = await patiently(
      async () => await pool.query<{ run: string; runner: string; claim: unknown }>(sql, [ids]),
      { signal: life.signal },
    );
    for (const { run: id, runner, claim } of rows) settle(id, (run) => run.resolve({ id, runner, claim: read(claim) }));
  }

  function read(claim: unknown): RunReport["claim"] {
    try {
      return decodeRunClaim(claim);
    } catch (error) {
      return { kind: "failed", code: "RESULT_REFUSED", message: messageOf(error), wasBegun: false };
    }
  }

  function settle(id: string, how: (run: Waiting) => void): void {
    const run = waiting.get(id);
    waiting.delete(id);
    if (run !== undefined) how(run);
  }

  /** What every runner that had it has lost. */
  async function bury(): Promise<void> {
    const jobs = await opened().fetch(LOST, { batchSize: MAX_LOST_AT_ONCE, includeMetadata: true });
    for (const { id, sourceId } of jobs) {
      if (sourceId !== null) {
        settle(sourceId, (run) =>
          run.reject(new SprfError("RUN_LOST", `one runner after the other ended in the middle of run ${sourceId}`)),
        );
      }
      await opened().complete(LOST, id);
    }
  }

  async function announce(): Promise<void> {
    const { multiaddrs, gateway } = init.address();
    const { waiting: requests, oldestMs } = init.requests?.() ?? { waiting: 0, oldestMs: 0 };
    await pool.query(
      `INSERT INTO sprf.run_workers (worker, multiaddrs, gateway, waiting, oldest_at)
       VALUES ($1, $2, $3, $4, now() - make_interval(secs => $5))
       ON CONFLICT (worker) DO UPDATE SET multiaddrs = excluded.multiaddrs, gateway = excluded.gateway,
         waiting = excluded.waiting, oldest_at = excluded.oldest_at, seen_at = now()`,
      [worker, multiaddrs, gateway, requests, oldestMs / MS_PER_SECOND],
    );
  }

  async function keepLooking(): Promise<void> {
    for (let n = 0; !life.signal.aborted; n++) {
      await clock.sleep(LOOK_MS, { signal: life.signal }).catch(() => undefined);
      if (life.signal.aborted) return;
      look();
      try {
        await announce();
        await bury();
        if (n % LOOKS_PER_CLEARING === 0) await clearOld(pool, opened());
      } catch (error) {
        logger.debug("the database cannot be asked now", { reason: messageOf(error) });
      }
    }
  }

  /** What an earlier process of this worker left: nobody waits for it. */
  async function clear(): Promise<void> {
    await pool.query("UPDATE sprf.run_results SET collected_at = now() WHERE worker = $1 AND collected_at IS NULL", [
      worker,
    ]);
    for (const { name } of await opened().getQueues()) {
      if (name === LOST) continue;
      for (;;) {
        const jobs = await opened().findJobs(name, { data: { worker } });
        const left = jobs.filter(({ state }) => state === "created" || state === "retry" || state === "active");
        if (left.length === 0) break;
        await opened().cancel(
          name,
          left.map(({ id }) => id),
        );
      }
    }
  }

  /** By queue, the runs that nobody waits for any more: whoever has them hears of it, and ends them. */
  async function takeBack(left: ReadonlyMap<string, readonly string[]>): Promise<void> {
    await inTransaction(pool, async (client) => {
      for (const [queue, ids] of left) {
        await opened().cancel(queue, [...ids], { db: asDb(client) });
        // They may have been reported meanwhile.
        await client.query("UPDATE sprf.run_results SET collected_at = now() WHERE run = ANY($1::uuid[])", [ids]);
        await client.query("SELECT pg_notify($1, id) FROM unnest($2::text[]) AS id", [CHANNEL_BACK, ids]);
      }
      return true;
    });
  }

  return {
    async start() {
      if (boss !== undefined) return;
      const opening = await openBoss(postgres, { logger, watches: true });
      boss = opening;
      closers.push(async () => await opening.stop({ graceful: false, close: false }));
      await patiently(clear);
      await patiently(announce);
      const ear = await listen(postgres, {
        channels: [CHANNEL_DONE],
        logger,
        onNotice: (_channel, id) => {
          if (waiting.has(id)) look(id);
        },
        onListening: () => look(),
      });
      closers.push(async () => await ear.close());
      const loop = keepLooking();
      closers.push(async () => await loop);
    },

    async stop() {
      if (life.signal.aborted) return;
      life.abort();
      const left = Map.groupBy(waiting.keys(), (id) => waiting.get(id)?.queue ?? "");
      for (const id of waiting.keys()) {
        settle(id, (run) => run.reject(new SprfError("ABORTED", "the worker stops")));
      }
      await looking;
      // The next start would do it; until then runners would make what nobody wants.
      await takeBack(left).catch((error: unknown) =>
        logger.warn("runs cannot be taken back", { runs: left.size, reason: messageOf(error) }),
      );
      for (const close of closers.splice(0).reverse()) await close();
    },

    async make({ plan, priority, deadlineMs, runner }, { signal }) {
      const id = randomUUID();
      const queue = runner === undefined ? queueOf(plan.reference.kind) : queueOfRunner(runner);
      const leftSeconds = Math.ceil((deadlineMs - clock.now()) / MS_PER_SECOND) + GRACE_SECONDS;
      const data = { worker, deadlineMs, plan: encodeRunPlan(plan) };
      const { promise, resolve, reject } = Promise.withResolvers<RunReport>();
      const { program } = plan;
      const passes = [...waiting.values()].some(
        (other) => other.queue === queue && other.program === program && other.deadlineMs > deadlineMs,
      );
      waiting.set(id, { queue, program, deadlineMs, resolve, reject });
      // It may be settled while it is still being sent.
      promise.catch(() => undefined);
      try {
        const either = AbortSignal.any([signal, life.signal]);
        const expireInSeconds = Math.max(leftSeconds, 1);
        const run = { id, queue, priority, expireInSeconds, worker, program, passes, data };
        await patiently(async () => await send(run), { signal: either });
        return await raceAbort(promise, signal);
      } catch (error) {
        if (waiting.delete(id) && !life.signal.aborted) {
          patiently(async () => await takeBack(new Map([[queue, [id]]]))).catch((failure: unknown) =>
            logger.warn("a run cannot be taken back", { id, reason: messageOf(failure) }),
          );
        }
        throw error;
      }
    },

    async collected(id, { signal } = {}) {
      await patiently(async () => await collect(id), { signal });
    },

    async setAside(runner, why) {
      const sql =
        "UPDATE sprf.runners SET set_aside_at = now(), set_aside_why = $2 WHERE id = $1 AND set_aside_at IS NULL";
      await patiently(async () => await pool.query(sql, [runner, why]));
    },

    runners: async () => await patiently(async () => await readRunners(pool)),
    view: async () => await readRunQueue(pool),
  };
}
