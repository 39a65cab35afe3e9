import { DatabaseSync } from "node:sqlite";

import { SprfError, messageOf } from "../../errors.ts";
import type { Store, StoreChange } from "../../ports/store.ts";
import { equalBytes } from "../../utils/bytes.ts";
import { checkChanges } from "./check-changes.ts";
import { migrate, refuseNewer } from "./migrations.ts";

const DEFAULT_LIST_LIMIT = 1_000;
const BUSY_TIMEOUT_MS = 5_000;
/** Greater than every printable ASCII character, so that keys with a prefix are those from it to it with this behind. */
const KEYS_END = "\x7f";

/**
 * A store in one SQLite file: write-ahead log, `synchronous = FULL`, so a resolved `apply` survives a loss of power.
 *
 * @throws SprfError `STORE_UNAVAILABLE` when the file cannot be opened, `STORE_TOO_NEW` when a later release has written it
 */
export function createSqliteStore(path: string): Store {
  const database = open(path);
  const insert = database.prepare("INSERT OR IGNORE INTO entries (tbl, key, value) VALUES (?, ?, ?)");
  const put = database.prepare(
    "INSERT INTO entries (tbl, key, value) VALUES (?, ?, ?) ON CONFLICT (tbl, key) DO UPDATE SET value = excluded.value",
  );
  const remove = database.prepare("DELETE FROM entries WHERE tbl = ? AND key = ?");
  const get = database.prepare("SELECT value FROM entries WHERE tbl = ? AND key = ?");
  // One bound a side, since SQLite would walk from or to the first of two and pass over the rest.
  const range = "SELECT key, value FROM entries WHERE tbl = ? AND key >= ? AND key < ? AND key <> ? ORDER BY key";
  const list = database.prepare(`${range} LIMIT ?`);
  const listReverse = database.prepare(`${range} DESC LIMIT ?`);
  let closed = false;

  function perform(change: StoreChange): void {
    if (change.kind === "expect") expectValue(change);
    else if (change.kind === "delete") remove.run(change.table, change.key);
    else if (change.kind === "put") put.run(change.table, change.key, change.value);
    else if (insert.run(change.table, change.key, change.value).changes === 0) {
      throw new SprfError("STORE_CONFLICT", `${change.table}/${change.key} exists already`);
    }
  }

  function expectValue({ table, key, value }: Extract<StoreChange, { kind: "expect" }>): void {
    const found = get.get(table, key)?.["value"] as Uint8Array | undefined;
    const same = found === undefined || value === undefined ? found === value : equalBytes(found, value);
    if (!same) throw new SprfError("STORE_CONFLICT", `${table}/${key} was changed by somebody else`);
  }

  /** Whatever SQLite refuses comes out with a code. */
  function guarded<T>(verb: "read" | "write", work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof SprfError) throw error;
      throw new SprfError("STORE_UNAVAILABLE", `cannot ${verb} ${path}: ${messageOf(error)}`, { cause: error });
    }
  }

  return {
    async get(table, key) {
      return guarded("read", () => get.get(table, key)?.["value"] as Uint8Array | undefined);
    },
    async list(
      table,
      { prefix = "", after = "", before = KEYS_END, reverse = false, limit = DEFAULT_LIST_LIMIT } = {},
    ) {
      const statement = reverse ? listReverse : list;
      const from = prefix > after ? prefix : after;
      const to = before < prefix + KEYS_END ? before : prefix + KEYS_END;
      const rows = guarded("read", () => statement.all(table, from, to, after, limit));
      return rows.map((row) => ({ key: row["key"] as string, value: row["value"] as Uint8Array }));
    },
    async apply(changes) {
      checkChanges(changes);
      guarded("write", () => {
        database.exec("BEGIN IMMEDIATE");
        try {
          for (const change of changes) perform(change);
          database.exec("COMMIT");
        } finally {
          // A full disk has rolled it back already.
          if (database.isTransaction) database.exec("ROLLBACK");
        }
      });
    },
    async close() {
      if (closed) return;
      closed = true;
      database.close();
    },
  };
}

function open(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    refuseNewer(database, path);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    migrate(database);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof SprfError) throw error;
    throw new SprfError("STORE_UNAVAILABLE", `cannot open ${path}: ${messageOf(error)}`, { cause: error });
  }
}
