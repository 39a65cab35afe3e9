import type pg from "pg";
import type { PgBoss } from "pg-boss";

import { queueOfRunner } from "./boss.ts";
import { KEEP_RESULTS_SECONDS, KEEP_RUNNERS_DAYS, KEEP_WORKERS_HOURS, RATE_MINUTES } from "./tables.ts";

/**
 * Deletes what is of no use any more. Results are deleted by their runners, once these have let go of what came out; what is left is of
 * runners that are gone for good. Jobs that are over are the library's to delete.
 */
export async function clearOld(pool: pg.Pool, boss: PgBoss): Promise<void> {
  await pool.query("DELETE FROM sprf.run_results WHERE reported_at < now() - make_interval(secs => $1)", [
    KEEP_RESULTS_SECONDS,
  ]);
  await pool.query("DELETE FROM sprf.run_workers WHERE seen_at < now() - make_interval(hours => $1)", [
    KEEP_WORKERS_HOURS,
  ]);
  await pool.query("DELETE FROM sprf.runner_minutes WHERE minute < now() - make_interval(mins => $1)", [
    2 * RATE_MINUTES,
  ]);
  const { rows } = await pool.query<{ id: string }>(
    `DELETE FROM sprf.runners WHERE seen_at < now() - make_interval(days => $1) AND set_aside_at IS NULL RETURNING id`,
    [KEEP_RUNNERS_DAYS],
  );
  for (const { id } of rows) await boss.deleteQueue(queueOfRunner(id));
}
