import type pg from "pg";

import { SprfError } from "../../errors.ts";

/** Any number, the same for all processes: one changes tables at a time. */
const MIGRATION_LOCK = 7_710_001;

/** Tables of one part of the program, made and changed by steps that are only ever added to. */
export interface Migrations {
  readonly part: string;
  /** SQL; the first step makes version 1. */
  readonly steps: readonly string[];
}

/**
 * Takes the steps that the database has not seen, each with its number or not at all.
 *
 * @throws SprfError `DATABASE_NEWER` when it has seen more than there are
 */
export async function migrate(pool: pg.Pool, { part, steps }: Migrations): Promise<void> {
  const client = await pool.connect();
  let broken: unknown;
  try {
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    await client.query("CREATE SCHEMA IF NOT EXISTS sprf");
    await client.query("CREATE TABLE IF NOT EXISTS sprf.versions (part text PRIMARY KEY, version int NOT NULL)");
    const { rows } = await client.query<{ version: number }>("SELECT version FROM sprf.versions WHERE part = $1", [
      part,
    ]);
    const version = rows[0]?.version ?? 0;
    if (version > steps.length) {
      const why = `its ${part} tables are of version ${version}, this program knows up to ${steps.length}`;
      throw new SprfError("DATABASE_NEWER", why);
    }
    for (const step of steps.slice(version)) await client.query(step);
    await client.query(
      "INSERT INTO sprf.versions VALUES ($1, $2) ON CONFLICT (part) DO UPDATE SET version = excluded.version",
      [part, steps.length],
    );
    await client.query("COMMIT");
  } catch (error) {
    broken = error;
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  } finally {
    client.release(broken instanceof Error && !(broken instanceof SprfError));
  }
}
