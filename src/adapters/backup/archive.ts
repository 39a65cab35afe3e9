import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";

import { SprfError, messageOf } from "../../errors.ts";
import { STORE_VERSION } from "../store/migrations.ts";

/** What a backup is of: one SQLite file with the entries of the store, each file of the content, and this. */
export interface BackupMark {
  readonly storeVersion: number;
  /** Milliseconds since the Unix epoch: nothing later is in it. */
  readonly takenAtMs: number;
  readonly entries: number;
  readonly files: number;
  readonly fileBytes: number;
}

/** `SPRF` in ASCII, by which other SQLite files are told apart. */
const APPLICATION_ID = 0x53505246;

const BUSY_TIMEOUT_MS = 5_000;

/** Where the store and the content rest in a data directory. */
export const STORE_FILE = "store.sqlite";
export const CONTENT_FOLDER = "blocks";

/** An empty archive. Whoever kills the writer leaves a file under another name than the backup's, so nothing of it has to survive. */
export function createArchive(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  database.exec(`
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA application_id = ${APPLICATION_ID};
    CREATE TABLE entries (tbl TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (tbl, key)) WITHOUT ROWID;
    CREATE TABLE files (path TEXT PRIMARY KEY, sha256 BLOB NOT NULL, data BLOB NOT NULL);
    CREATE TABLE mark (json TEXT NOT NULL);
  `);
  return database;
}

/**
 * Opens a backup to read, after checking all of it: SQLite's own structure, and each file against its hash.
 *
 * @throws SprfError `BACKUP_INVALID`, `STORE_TOO_NEW`
 */
export function openArchive(path: string): { readonly database: DatabaseSync; readonly mark: BackupMark } {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    const mark = check(database, path);
    return { database, mark };
  } catch (error) {
    database?.close();
    if (error instanceof SprfError) throw error;
    throw new SprfError("BACKUP_INVALID", `${path}: ${messageOf(error)}`, { cause: error });
  }
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

function check(database: DatabaseSync, path: string): BackupMark {
  const value = (sql: string): unknown => Object.values(database.prepare(sql).get() ?? {})[0];
  const refuse = (why: string): never => {
    throw new SprfError("BACKUP_INVALID", `${path}: ${why}`);
  };
  if (value("PRAGMA application_id") !== APPLICATION_ID) refuse("this is no backup");
  const intact = value("PRAGMA integrity_check");
  if (intact !== "ok") refuse(String(intact));
  const mark = JSON.parse(String(value("SELECT json FROM mark"))) as BackupMark;
  if (mark.storeVersion > STORE_VERSION) {
    throw new SprfError(
      "STORE_TOO_NEW",
      `${path} is of version ${mark.storeVersion}, this release knows ${STORE_VERSION}`,
    );
  }
  if (value("SELECT count(*) FROM entries") !== mark.entries) refuse("entries are missing");
  let files = 0;
  for (const row of database.prepare("SELECT path, sha256, data FROM files").iterate()) {
    files++;
    if (Buffer.compare(sha256(row["data"] as Uint8Array), row["sha256"] as Uint8Array) !== 0) {
      refuse(`${String(row["path"])} is damaged`);
    }
  }
  if (files !== mark.files) refuse("files are missing");
  return mark;
}
