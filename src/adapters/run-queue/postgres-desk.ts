import type { PgBoss } from "pg-boss";
import { z } from "zod";

import { SprfError, messageOf } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ProgramReference } from "../../ports/engine.ts";
import type { Logger } from "../../ports/logger.ts";
import type { RunDesk, RunWorker, TakenRun } from "../../ports/run-queue.ts";
import type { RunPlan } from "../../ports/runs.ts";
import { decodeRunPlan } from "../../wire/run-job.ts";
import type { Postgres } from "../postgres/connect.ts";
import { listen } from "../postgres/listen.ts";
import { RUNS_QUEUE, BOSS_SCHEMA, openBoss, queueOf, queueOfRunner } from "./boss.ts";
import { readRunQueue } from "./read-view.ts";
import { reportInLots, settledSchema } from "./report-lots.ts";
import { CHANNEL_BACK, CHANNEL_NEW, KEEP_RESULTS_SECONDS, KEEP_WORKERS_HOURS } from "./tables.ts";

/** Between two looks for runs of which nothing was heard. */
const LOOK_MS = 1_000;
/**
 * What a runner takes that is set aside would wait for its lease to end. Its own queue is mostly empty, and to look costs less than to
 * take nothing; the columns are those of the version of the library that the lock pins.
 */
const MAY_TAKE = `
  SELECT EXISTS (SELECT FROM ${BOSS_SCHEMA}.job WHERE name = $2 AND state < 'active') AS has_own
  FROM sprf.runners WHERE id = $1 AND set_aside_at IS NULL`;

const jobSchema = z.object({ worker: z.string(), deadlineMs: z.number(), plan: z.unknown() });

export interface PostgresRunDeskInit {
  readonly postgres: Postgres;
  /** The runner's name: lower-case letters, digits and hyphens. */
  readonly runner: string;
  readonly engines: readonly ProgramReference["kind"][];
  readonly capacity: number;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A runner's end of the runs in PostgreSQL. */
export function createPostgresRunDesk(init: PostgresRunDeskInit): RunDesk {
  const { postgres, runner, engines, capacity, version, clock } = init;
  const { pool, patiently } = postgres;
  const logger = init.logger.child({ component: "run-desk" });
  const ownQueue = queueOfRunner(runner);
  const shared = engines.map(queueOf);
  const queues = [ownQueue, ...shared];
  const listeners: ((id: string) => void)[] = [];
  const closers: (() => Promise<void>)[] = [];
  const life = new AbortController();
  let boss: PgBoss | undefined;
  let wake = Promise.withResolvers<void>();

  const opened = (): PgBoss => {
    if (boss === undefined) throw new SprfError("INTERNAL", "the runner's desk was not started");
    return boss;
  };
  const reportOnce = reportInLots(postgres, runner, opened);

  /** One run of a shared queue at a time per call would leave the rest to others, so that it takes what it has room for. */
  async function fetch(most: number): Promise<readonly TakenRun[]> {
    const taken: TakenRun[] = [];
    const { rows } = await pool.query<{ has_own: boolean }>(MAY_TAKE, [runner, ownQueue]);
    const [found] = rows;
    if (found === undefined) return taken;
    for (const queue of found.has_own ? queues : shared) {
      if (taken.length === most) break;
      for (const job of await opened().fetch(queue, { batchSize: most - taken.length })) {
        const data = jobSchema.safeParse(job.data);
        taken.push({
          id: job.id,
          attempt: job.retryCount,
          queue,
          worker: data.data?.worker ?? "",
          deadlineMs: data.data?.deadlineMs ?? 0,
          plan: planOf(data.data?.plan),
        });
      }
    }
    return taken;
  }

  function planOf(value: unknown): RunPlan | undefined {
    try {
      return decodeRunPlan(value);
    } catch (error) {
      logger.warn("a run cannot be read", { reason: messageOf(error) });
      return undefined;
    }
  }

  const onNotice = (channel: string, payload: string): void => {
    if (channel === CHANNEL_NEW && queues.includes(payload)) wake.resolve();
    if (channel === CHANNEL_BACK) for (const listener of listeners) listener(payload);
  };

  async function register(): Promise<void> {
    const { rows } = await pool.query<{ set_aside_why: string | null }>(
      `INSERT INTO sprf.runners (id, engines, capacity, version) VALUES ($1, $2, $3, $4)
       ON CONFLICT (id) DO UPDATE SET engines = excluded.engines, capacity = excluded.capacity,
         version = excluded.version, started_at = now(), seen_at = now(), stopped_at = NULL
       RETURNING set_aside_why`,
      [runner, engines, capacity, version],
    );
    const why = rows[0]?.set_aside_why ?? undefined;
    if (why !== undefined) throw new SprfError("RUNNER_SET_ASIDE", `runner ${runner} is set aside: ${why}`);
  }

  return {
    async start() {
      if (boss !== undefined) return;
      const opening = await openBoss(postgres, { logger, watches: false });
      boss = opening;
      closers.push(async () => await opening.stop({ graceful: false, close: false }));
      await patiently(async () => await opening.createQueue(ownQueue, RUNS_QUEUE));
      await patiently(register);
      const channels = [CHANNEL_NEW, CHANNEL_BACK];
      const ear = await listen(postgres, { channels, logger, onNotice, onListening: () => wake.resolve() });
      closers.push(async () => await ear.close());
    },

    async stop() {
      if (life.signal.aborted) return;
      life.abort();
      if (boss !== undefined) {
        await pool
          .query("UPDATE sprf.runners SET stopped_at = now() WHERE id = $1", [runner])
          .catch((error: unknown) =>
            logger.warn("the database does not hear of the end", { reason: messageOf(error) }),
          );
      }
      for (const close of closers.splice(0).reverse()) await close();
    },

    async take(most, { signal }) {
      const either = AbortSignal.any([signal, life.signal]);
      while (!either.aborted) {
        wake = Promise.withResolvers<void>();
        try {
          const taken = await fetch(most);
          if (taken.length > 0) return taken;
        } catch (error) {
          logger.warn("runs cannot be taken now", { reason: messageOf(error) });
        }
        const pause = new AbortController();
        await Promise.race([
          wake.promise,
          clock.sleep(LOOK_MS, { signal: AbortSignal.any([either, pause.signal]) }).catch(() => undefined),
        ]);
        pause.abort();
      }
      return [];
    },

    async renew(runs) {
      const sql = "UPDATE sprf.runners SET seen_at = now() WHERE id = $1 RETURNING set_aside_why";
      const { rows } = await pool.query<{ set_aside_why: string | null }>(sql, [runner]);
      const lost: TakenRun[] = [];
      for (const queue of queues) {
        const own = runs.filter((run) => run.queue === queue);
        if (own.length === 0) continue;
        const attempts = own.map(({ id, attempt }) => ({ id, retryCount: attempt }));
        const { settled } = settledSchema.parse(await opened().touch(queue, attempts));
        lost.push(...own.filter(({ id }) => !settled.includes(id)));
      }
      return { lost, setAside: rows[0]?.set_aside_why ?? undefined };
    },

    onTakenBack(listener) {
      listeners.push(listener);
    },

    async report(run, claim, { tookMs }) {
      return await patiently(async () => (await reportOnce({ run, claim, tookMs })) || (await wasReported(run)));
    },

    async released(ids) {
      const { rows } = await pool.query<{ run: string }>(
        `SELECT run FROM sprf.run_results
         WHERE run = ANY($1::uuid[]) AND collected_at IS NULL
           AND reported_at > now() - make_interval(secs => $2)`,
        [ids, KEEP_RESULTS_SECONDS],
      );
      const kept = new Set(rows.map((row) => row.run));
      const over = ids.filter((id) => !kept.has(id));
      await pool.query("DELETE FROM sprf.run_results WHERE run = ANY($1::uuid[])", [over]);
      return over;
    },

    async workers(): Promise<readonly RunWorker[]> {
      const sql = "SELECT multiaddrs, gateway FROM sprf.run_workers WHERE seen_at > now() - make_interval(hours => $1)";
      return (await pool.query<{ multiaddrs: string[]; gateway: string }>(sql, [KEEP_WORKERS_HOURS])).rows;
    },

    view: async () => await readRunQueue(pool),
  };

  /** The server may have gone away after it had committed. */
  async function wasReported(run: TakenRun): Promise<boolean> {
    const sql = "SELECT 1 FROM sprf.run_results WHERE run = $1 AND attempt = $2 AND runner = $3";
    return (await pool.query(sql, [run.id, run.attempt, runner])).rowCount === 1;
  }
}
