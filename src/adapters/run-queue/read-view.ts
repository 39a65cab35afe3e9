import type pg from "pg";

import type { RunQueueView, RunnerView } from "../../ports/run-queue.ts";
import { BOSS_SCHEMA } from "./boss.ts";
import { LIVE_SECONDS } from "./tables.ts";

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
}

/** Runners that were there lately, and all that were set aside. */
export async function readRunners(pool: pg.Pool): Promise<readonly RunnerView[]> {
  const { rows } = await pool.query<RunnerRow>(
    `SELECT *, (stopped_at IS NULL AND set_aside_at IS NULL AND seen_at > now() - make_interval(secs => $1)) AS is_live
     FROM sprf.runners
     WHERE seen_at > now() - make_interval(hours => $2) OR set_aside_at IS NOT NULL
     ORDER BY id`,
    [LIVE_SECONDS, SHOW_HOURS],
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
  return {
    waiting: Number(row?.waiting ?? 0),
    running: Number(row?.running ?? 0),
    oldestMs: Math.max(0, Math.round(row?.oldest_ms ?? 0)),
    runners: await readRunners(pool),
  };
}
