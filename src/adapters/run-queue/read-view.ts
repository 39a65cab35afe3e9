import type pg from "pg";

import type { RunQueueView, RunnerView } from "../../ports/run-queue.ts";
import { BOSS_SCHEMA } from "./boss.ts";
import { LIVE_SECONDS, RATE_MINUTES } from "./tables.ts";

/** How far back runners that are gone are told of. */
const SHOW_HOURS = 24;

interface RunnerRow {
  readonly id: string;
  readonly engines: ("wasi" | "docker")[];
  readonly capacity: number;
  readonly version: string;
  readonly started_at: Date;
  readonly seen_at: Date;
  readonly is_live: boolean;
  readonly set_aside_why: string | null;
  readonly done: string;
  readonly failed: string;
  readonly busy_ms: string;
  readonly done_a_minute: number;
  readonly failed_a_minute: number;
}

/** Runners that were there lately, and all that were set aside. */
export async function readRunners(pool: pg.Pool): Promise<readonly RunnerView[]> {
  const { rows } = await pool.query<RunnerRow>(
    `WITH since AS (
       SELECT date_trunc('minute', now()) - make_interval(mins => $3 - 1) AS first
     ), lately AS (
       SELECT runner, sum(done) AS done, sum(failed) AS failed
       FROM sprf.runner_minutes, since WHERE minute >= first GROUP BY runner
     )
     SELECT runners.*,
       (stopped_at IS NULL AND set_aside_at IS NULL AND seen_at > now() - make_interval(secs => $1)) AS is_live,
       (COALESCE(lately.done, 0) * 60 / extract(epoch FROM now() - first))::float8 AS done_a_minute,
       (COALESCE(lately.failed, 0) * 60 / extract(epoch FROM now() - first))::float8 AS failed_a_minute
     FROM since, sprf.runners LEFT JOIN lately ON lately.runner = runners.id
     WHERE seen_at > now() - make_interval(hours => $2) OR set_aside_at IS NOT NULL
     ORDER BY id`,
    [LIVE_SECONDS, SHOW_HOURS, RATE_MINUTES],
  );
  return rows.map((row) => ({
    id: row.id,
    engines: row.engines,
    capacity: row.capacity,
    version: row.version,
    startedMs: row.started_at.getTime(),
    seenMs: row.seen_at.getTime(),
    isLive: row.is_live,
    ...(row.set_aside_why === null ? {} : { setAside: row.set_aside_why }),
    done: Number(row.done),
    failed: Number(row.failed),
    busyMs: Number(row.busy_ms),
    donePerMinute: row.done_a_minute,
    failedPerMinute: row.failed_a_minute,
  }));
}

/**
 * What is in the queue now. The library's own counts are up to a minute old, so that its table is read; its columns are those of the
 * version that the lock pins.
 */
export async function readRunQueue(pool: pg.Pool): Promise<RunQueueView> {
  const { rows } = await pool.query<{ waiting: string; running: string; oldest_ms: number | null }>(
    `SELECT count(*) FILTER (WHERE state < 'active') AS waiting,
            count(*) FILTER (WHERE state = 'active') AS running,
            (extract(epoch FROM now() - min(created_on) FILTER (WHERE state < 'active')) * 1000)::float8 AS oldest_ms
     FROM ${BOSS_SCHEMA}.job
     WHERE (name LIKE 'run.%' OR name LIKE 'only.%') AND state <= 'active'`,
  );
  const [row] = rows;
  const requests = await pool.query<{ waiting: string | null; oldest_ms: number | null }>(
    `SELECT sum(waiting) AS waiting,
            (extract(epoch FROM now() - min(oldest_at) FILTER (WHERE waiting > 0)) * 1000)::float8 AS oldest_ms
     FROM sprf.run_workers WHERE seen_at > now() - make_interval(secs => $1)`,
    [LIVE_SECONDS],
  );
  const [inWorkers] = requests.rows;
  return {
    waiting: Number(row?.waiting ?? 0),
    running: Number(row?.running ?? 0),
    oldestMs: Math.max(0, Math.round(row?.oldest_ms ?? 0)),
    requests: {
      waiting: Number(inWorkers?.waiting ?? 0),
      oldestMs: Math.max(0, Math.round(inWorkers?.oldest_ms ?? 0)),
    },
    runners: await readRunners(pool),
  };
}
