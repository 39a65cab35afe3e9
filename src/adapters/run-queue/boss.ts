import type pg from "pg";
import { PgBoss, type Db } from "pg-boss";

import { messageOf } from "../../errors.ts";
import type { ProgramReference } from "../../ports/engine.ts";
import type { Logger } from "../../ports/logger.ts";
import { isAway, type Postgres } from "../postgres/connect.ts";
import { migrate } from "../postgres/migrate.ts";
import { RUN_TABLES } from "./tables.ts";

/** Where pg-boss has its tables. */
export const BOSS_SCHEMA = "sprf_queue";
/** Runs that one runner after the other lost. */
export const LOST = "lost";
/** The library's least. A runner renews its lease several times in it. */
const LEASE_SECONDS = 10;
/** How often a run may be lost before it is given up. */
const MAX_RETRIES = 3;
/** Between two looks for leases that ran out. */
const WATCH_SECONDS = 2;
/** Completed jobs say nothing: what came out of them is in a table of its own. */
const DELETE_AFTER_SECONDS = 60;
const CLEAN_SECONDS = 60;
const RETENTION_SECONDS = 3_600;

/** Calls that go in lots: of a server that is away all are told. */
export const LOTS = { isOfAll: isAway } as const;

/** The queue of those that have this engine. */
export function queueOf(kind: ProgramReference["kind"]): string {
  return `run.${kind}`;
}

/** The queue of one runner alone. */
export function queueOfRunner(runner: string): string {
  return `only.${runner}`;
}

/** Options of every queue of runs. */
export const RUNS_QUEUE = {
  heartbeatSeconds: LEASE_SECONDS,
  retryLimit: MAX_RETRIES,
  retryDelay: 0,
  deadLetter: LOST,
  deleteAfterSeconds: DELETE_AFTER_SECONDS,
  retentionSeconds: RETENTION_SECONDS,
} as const;

/** A client of a transaction as pg-boss takes it. */
export function asDb(client: pg.Pool | pg.PoolClient): Db {
  return {
    async executeSql(text, values) {
      return await client.query(text, values);
    },
  };
}

/**
 * pg-boss on the connections of this process, its tables made or changed where they are older.
 *
 * @param watches whether it looks for leases that ran out and clears what is over; one process of a database should
 * @throws SprfError `DATABASE_NEWER`, `DATABASE_UNAVAILABLE`
 */
export async function openBoss(
  postgres: Postgres,
  { logger, watches }: { readonly logger: Logger; readonly watches: boolean },
): Promise<PgBoss> {
  const { pool, patiently } = postgres;
  await patiently(async () => await migrate(pool, RUN_TABLES));
  const boss = new PgBoss({
    db: asDb(pool),
    schema: BOSS_SCHEMA,
    supervise: watches,
    superviseIntervalSeconds: WATCH_SECONDS,
    monitorIntervalSeconds: WATCH_SECONDS,
    maintenanceIntervalSeconds: CLEAN_SECONDS,
    schedule: false,
    registerInstance: false,
    openTelemetry: { enabled: false },
  });
  boss.on("error", (error) => logger.debug("the queue's library complains", { reason: messageOf(error) }));
  await patiently(async () => await boss.start());
  await patiently(async () => {
    await boss.createQueue(LOST, { deleteAfterSeconds: DELETE_AFTER_SECONDS, retentionSeconds: RETENTION_SECONDS });
    for (const kind of ["wasi", "docker"] as const) await boss.createQueue(queueOf(kind), RUNS_QUEUE);
  });
  return boss;
}

/** Work in one transaction, which is rolled back when it throws or comes to undefined. */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T | undefined>,
): Promise<T | undefined> {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query(result === undefined ? "ROLLBACK" : "COMMIT");
    broken = false;
    return result;
  } finally {
    // A connection that is closed has rolled back.
    client.release(broken);
  }
}
