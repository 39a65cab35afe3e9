import type pg from "pg";

import { SprfError, messageOf } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Postgres } from "./connect.ts";

/** The lock of a name, which one connection of the whole database holds. */
export interface Ownership {
  release(): Promise<void>;
}

/**
 * Takes a name for this process alone. The lock is the server's and ends with the connection, however this process ends; it keeps a
 * second process from starting, and no more: a write is safe by the number that it carries, not by this. After a restart of the server
 * it is taken again.
 *
 * @throws SprfError `STORE_IN_USE` when another process has it
 */
export async function ownName(
  { pool, patiently }: Postgres,
  { name, logger }: { readonly name: string; readonly logger: Logger },
): Promise<Ownership> {
  const over = new AbortController();
  let held: pg.PoolClient | undefined;
  let taking: Promise<void> = Promise.resolve();

  async function take(): Promise<void> {
    const client = await pool.connect();
    client.on("error", onEnd);
    try {
      const sql = "SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS got";
      const { rows } = await client.query<{ got: boolean }>(sql, [name]);
      if (rows[0]?.got !== true) throw new SprfError("STORE_IN_USE", `another process has the store ${name} open`);
      held = client;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  function onEnd(): void {
    if (held === undefined || over.signal.aborted) return;
    held.release(true);
    held = undefined;
    taking = patiently(take, { signal: over.signal }).catch((error: unknown) => {
      if (!over.signal.aborted) logger.error("the lock of the store is lost", { name, reason: messageOf(error) });
    });
  }

  await patiently(take);
  return {
    async release() {
      over.abort();
      await taking;
      // Closed and not given back: the lock is the connection's.
      held?.release(true);
      held = undefined;
    },
  };
}
