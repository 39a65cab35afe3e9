import type { DatabaseSync } from "node:sqlite";

import { SprfError } from "../../errors.ts";

/**
 * What brings a store's file from one version to the next, in order; the file says in `user_version` how many are done. A migration is
 * never changed once it was released: a new one follows it.
 */
const MIGRATIONS: readonly string[] = [
  // Files of before there were versions have the table already.
  "CREATE TABLE IF NOT EXISTS entries (tbl TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (tbl, key)) WITHOUT ROWID",
];

/** Version of the files that this release writes. */
export const STORE_VERSION = MIGRATIONS.length;

/** To be called before anything is written. @throws SprfError `STORE_TOO_NEW` */
export function refuseNewer(database: DatabaseSync, path: string): void {
  const found = versionOf(database);
  if (found <= STORE_VERSION) return;
  throw new SprfError("STORE_TOO_NEW", `${path} is of version ${found}, this release knows ${STORE_VERSION}`);
}

/** All steps or none; a file that is of this version already is not written. */
export function migrate(database: DatabaseSync): void {
  if (versionOf(database) === STORE_VERSION) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have been faster.
    for (const step of MIGRATIONS.slice(versionOf(database))) database.exec(step);
    database.exec(`PRAGMA user_version = ${STORE_VERSION}`);
    database.exec("COMMIT");
  } finally {
    if (database.isTransaction) database.exec("ROLLBACK");
  }
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
}
