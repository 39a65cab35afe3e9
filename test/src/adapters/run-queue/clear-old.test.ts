import { expect } from "chai";
import type { PgBoss } from "pg-boss";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { createPostgres, type Postgres } from "../../../../src/adapters/postgres/connect.ts";
import { RUNS_QUEUE, openBoss, queueOf, queueOfRunner } from "../../../../src/adapters/run-queue/boss.ts";
import { clearOld } from "../../../../src/adapters/run-queue/clear-old.ts";
import { postgresAbsent, startPostgres, type PostgresServer } from "../../../helpers/postgres.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";

describeWithPart("postgres", postgresAbsent(), "adapters/run-queue/clear-old", function () {
  this.timeout(60_000);
  let server: PostgresServer;
  let postgres: Postgres;
  let boss: PgBoss;

  before(async () => {
    server = await startPostgres();
    postgres = createPostgres({ url: server.url, clock: systemClock, logger: createMemoryLogger() });
    boss = await openBoss(postgres, { logger: createMemoryLogger(), watches: false });
  });
  after(async () => {
    await boss.stop({ graceful: false, close: false });
    await postgres.close();
    await server.remove();
  });

  const namesIn = async (sql: string): Promise<unknown[]> =>
    (await postgres.pool.query<{ name: unknown }>(sql)).rows.map(({ name }) => name);

  it("should delete what is of no use any more, and nothing else", async () => {
    const { pool } = postgres;
    await pool.query(
      `INSERT INTO sprf.run_results (run, attempt, worker, runner, claim, reported_at)
       SELECT gen_random_uuid(), n, 'w', 'r', '{}', now() - make_interval(mins => n) FROM unnest(ARRAY[1, 59, 61]) AS n`,
    );
    await pool.query(
      `INSERT INTO sprf.run_workers (worker, multiaddrs, gateway, seen_at)
       SELECT n::text, '{}', '', now() - make_interval(hours => n) FROM unnest(ARRAY[1, 23, 25]) AS n`,
    );
    await pool.query(
      `INSERT INTO sprf.runners (id, engines, capacity, version, seen_at, set_aside_at)
       VALUES ('here', '{}', 1, '0', now() - interval '29 days', NULL), ('gone', '{}', 1, '0', now() - interval '31 days', NULL),
              ('aside', '{}', 1, '0', now() - interval '31 days', now())`,
    );
    for (const id of ["here", "gone"]) await boss.createQueue(queueOfRunner(id), RUNS_QUEUE);
    await clearOld(pool, boss);
    await clearOld(pool, boss);
    expect(await namesIn("SELECT attempt AS name FROM sprf.run_results ORDER BY 1")).to.deep.equal([1, 59]);
    expect(await namesIn("SELECT worker AS name FROM sprf.run_workers ORDER BY 1")).to.deep.equal(["1", "23"]);
    expect(await namesIn("SELECT id AS name FROM sprf.runners ORDER BY 1")).to.deep.equal(["aside", "here"]);
    const queues = (await boss.getQueues()).map(({ name }) => name);
    expect(queues).to.include(queueOfRunner("here"));
    expect(queues).not.to.include(queueOfRunner("gone"));
  });

  it("should have the library delete jobs that have been over for a minute", async () => {
    const { pool } = postgres;
    const queue = queueOf("wasi");
    const sent = await Promise.all([1, 2, 3].map(async (n) => await boss.send(queue, { n })));
    const taken = await boss.fetch(queue, { batchSize: 2 });
    for (const { id } of taken) await boss.complete(queue, id);
    const [old] = taken;
    await pool.query("UPDATE sprf_queue.job SET completed_on = now() - interval '61 seconds' WHERE id = $1", [old?.id]);
    await boss.supervise(queue);
    expect(await namesIn("SELECT id AS name FROM sprf_queue.job")).to.have.members(sent.filter((id) => id !== old?.id));
  });
});
