import { SprfError, messageOf } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Store, StoreChange } from "../../ports/store.ts";
import type { Postgres } from "../postgres/connect.ts";
import { migrate } from "../postgres/migrate.ts";
import { ownName } from "../postgres/own.ts";
import { checkChanges } from "./check-changes.ts";
import { APPLY_STATES, STORE_TABLES } from "./postgres-tables.ts";

const DEFAULT_LIST_LIMIT = 1_000;
/** Greater than every printable ASCII character, so that keys with a prefix are those from it to it with this behind. */
const KEYS_END = "\x7f";
const RANGE =
  "SELECT key, value FROM sprf.entries WHERE store = $1 AND tbl = $2 AND key >= $3 AND key < $4 AND key <> $5";

export interface PostgresStoreInit {
  readonly postgres: Postgres;
  /** Of this store among the others of the database. */
  readonly name: string;
  readonly logger: Logger;
}

/**
 * A store in a PostgreSQL database, which one process at a time has open. Calls wait while the server restarts.
 *
 * @throws SprfError `STORE_IN_USE` when another process has it open, `DATABASE_UNAVAILABLE`, `DATABASE_NEWER`
 */
export async function openPostgresStore({ postgres, name, logger }: PostgresStoreInit): Promise<Store> {
  const { pool, patiently } = postgres;
  await patiently(async () => await migrate(pool, STORE_TABLES));
  const ownership = await ownName(postgres, { name, logger });
  const term = await patiently(async () => {
    const { rows } = await pool.query<{ term: string }>(
      "INSERT INTO sprf.stores VALUES ($1, 1, 0) ON CONFLICT (name) DO UPDATE SET term = stores.term + 1, calls = 0 RETURNING term",
      [name],
    );
    return rows[0]?.term;
  });
  let calls = 0n;
  let isClosed = false;
  let last: Promise<void> = Promise.resolve();

  /** Whatever the database refuses comes out with a code of the port. */
  async function guarded<T>(verb: "read" | "write", work: () => Promise<T>): Promise<T> {
    if (isClosed) throw new SprfError("STORE_UNAVAILABLE", `the store ${name} is closed`);
    try {
      return await patiently(work);
    } catch (error) {
      if (error instanceof SprfError && error.code !== "DATABASE_UNAVAILABLE") throw error;
      throw new SprfError("STORE_UNAVAILABLE", `cannot ${verb} the store ${name}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  async function write(changes: readonly StoreChange[]): Promise<void> {
    calls += 1n;
    const call = calls.toString();
    const values = changes.map((change) => ("value" in change ? bufferOf(change.value) : undefined));
    await guarded("write", async () => {
      try {
        await pool.query("SELECT sprf.apply($1, $2, $3, $4, $5, $6, $7)", [
          name,
          term,
          call,
          changes.map(({ kind }) => kind),
          changes.map(({ table }) => table),
          changes.map(({ key }) => key),
          values,
        ]);
      } catch (error) {
        throw refusalOf(error) ?? error;
      }
    });
  }

  return {
    async get(table, key) {
      const sql = "SELECT value FROM sprf.entries WHERE store = $1 AND tbl = $2 AND key = $3";
      const { rows } = await guarded("read", async () => await pool.query<{ value: Buffer }>(sql, [name, table, key]));
      return rows[0] === undefined ? undefined : new Uint8Array(rows[0].value);
    },
    async list(
      table,
      { prefix = "", after = "", before = KEYS_END, reverse = false, limit = DEFAULT_LIST_LIMIT } = {},
    ) {
      const from = prefix > after ? prefix : after;
      const to = before < prefix + KEYS_END ? before : prefix + KEYS_END;
      const sql = `${RANGE} ORDER BY key ${reverse ? "DESC" : "ASC"} LIMIT $6`;
      const { rows } = await guarded(
        "read",
        async () => await pool.query<{ key: string; value: Buffer }>(sql, [name, table, from, to, after, limit]),
      );
      return rows.map(({ key, value }) => ({ key, value: new Uint8Array(value) }));
    },
    async apply(changes) {
      checkChanges(changes);
      // One after the other: the number of the last call tells whether it was made.
      const own = last.then(async () => await write(changes));
      last = own.catch(() => undefined);
      await own;
    },
    async close() {
      if (isClosed) return;
      await last;
      isClosed = true;
      await ownership.release();
    },
  };
}

function bufferOf(value: Uint8Array | undefined): Buffer | undefined {
  return value === undefined ? undefined : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

function refusalOf(error: unknown): SprfError | undefined {
  const state = error instanceof Error && "code" in error ? error.code : undefined;
  if (state === APPLY_STATES.conflict) return new SprfError("STORE_CONFLICT", messageOf(error));
  if (state === APPLY_STATES.otherOwner) return new SprfError("STORE_IN_USE", messageOf(error));
  return undefined;
}
