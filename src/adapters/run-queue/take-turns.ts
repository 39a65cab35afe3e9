import type pg from "pg";

import { BOSS_SCHEMA } from "./boss.ts";

/**
 * Lets a program's waiting runs change places with each other, so that what ends sooner has an earlier one: no other program waits
 * for longer because of it. What a runner takes at the same moment stays where it is. The columns are those of the version of the
 * library that the lock pins.
 */
export async function takeTurns(
  client: pg.PoolClient,
  { queue, worker, program }: { readonly queue: string; readonly worker: string; readonly program: string },
): Promise<void> {
  await client.query(
    `WITH waiting AS (
       SELECT id, priority, (data->>'deadlineMs')::float8 AS deadline, created_on FROM ${BOSS_SCHEMA}.job
       WHERE name = $1 AND group_id = $2 AND state < 'active' AND data->>'worker' = $3
       FOR UPDATE SKIP LOCKED
     ), runs AS (
       SELECT id, priority, row_number() OVER (ORDER BY deadline, created_on, id) AS turn FROM waiting
     ), places AS (
       SELECT priority, row_number() OVER (ORDER BY priority DESC) AS turn FROM waiting
     )
     UPDATE ${BOSS_SCHEMA}.job AS job SET priority = places.priority
     FROM runs JOIN places USING (turn)
     WHERE job.name = $1 AND job.id = runs.id AND runs.priority <> places.priority`,
    [queue, program, worker],
  );
}
