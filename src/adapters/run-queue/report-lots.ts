import type { PgBoss } from "pg-boss";
import { z } from "zod";

import type { RunResultClaim, TakenRun } from "../../ports/run-queue.ts";
import { encodeRunClaim } from "../../wire/run-job.ts";
import type { Postgres } from "../postgres/connect.ts";
import { inLots } from "../../utils/in-lots.ts";
import { LOTS, asDb, inTransaction } from "./boss.ts";
import { CHANNEL_DONE } from "./tables.ts";

/** The library's type of it is empty. */
export const settledSchema = z.object({ settled: z.array(z.string()) });

export interface RunToReport {
  readonly run: TakenRun;
  readonly claim: RunResultClaim;
  readonly tookMs: number;
}

/** Nothing where this runner was set aside: its row is locked until the results are there, so that neither passes the other. */
const PUT_RESULTS = `
  WITH counted AS (
    UPDATE sprf.runners SET done = done + $2, failed = failed + $3, busy_ms = busy_ms + $4
    WHERE id = $1 AND set_aside_at IS NULL
    RETURNING id
  ), minutes AS (
    INSERT INTO sprf.runner_minutes AS minutes (runner, minute, done, failed)
    SELECT id, date_trunc('minute', now()), $2::bigint, $3::bigint FROM counted
    ON CONFLICT (runner, minute) DO UPDATE
    SET done = minutes.done + excluded.done, failed = minutes.failed + excluded.failed
  ), put AS (
    INSERT INTO sprf.run_results (run, attempt, worker, runner, claim)
    SELECT run, attempt, worker, id, claim::json
    FROM counted, unnest($5::uuid[], $6::int[], $7::text[], $8::text[]) AS reported (run, attempt, worker, claim)
    RETURNING run
  )
  SELECT pg_notify($9, run::text) FROM put`;

/**
 * Reports in one transaction: jobs are completed for the attempts that were taken alone, their results are there, and their workers
 * hear of them. Resolves with whether it did so.
 */
export function reportInLots(
  { pool }: Postgres,
  runner: string,
  opened: () => PgBoss,
): (report: RunToReport) => Promise<boolean> {
  return inLots(async (lot) => {
    const put = await inTransaction(pool, async (client) => {
      const completed = new Set<string>();
      for (const [queue, own] of Map.groupBy(lot, ({ run }) => run.queue)) {
        const attempts = own.map(({ run: { id, attempt } }) => ({ id, retryCount: attempt }));
        const answer = await opened().complete(queue, attempts, null, { db: asDb(client) });
        for (const id of settledSchema.parse(answer).settled) completed.add(id);
      }
      const own = lot.filter(({ run }) => completed.has(run.id));
      const done = own.filter(({ claim }) => claim.kind === "done").length;
      const { rowCount } = await client.query(PUT_RESULTS, [
        runner,
        done,
        own.length - done,
        own.reduce((sum, { tookMs }) => sum + Math.round(tookMs), 0),
        own.map(({ run }) => run.id),
        own.map(({ run }) => run.attempt),
        own.map(({ run }) => run.worker),
        own.map(({ claim }) => JSON.stringify(encodeRunClaim(claim))),
        CHANNEL_DONE,
      ]);
      return rowCount === own.length && own.length > 0 ? completed : undefined;
    });
    return lot.map(({ run }) => put?.has(run.id) === true);
  }, LOTS);
}
