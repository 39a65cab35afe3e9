import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { SprfError, messageOf } from "../../errors.ts";

const LOCK_FILE = "lock.sqlite";
/** For people: the lock itself is the operating system's. */
const OWNER_FILE = "lock.pid";

/** A directory that is this process's alone. */
export interface DirectoryLock {
  /** May be called twice. */
  release(): void;
}

/**
 * Takes a directory for this process alone, and makes it where there is none. SQLite's lock on a file is the operating system's, which
 * ends with the process however that ends: no pid has to be judged dead, which another process may have by then.
 *
 * @throws SprfError `DIRECTORY_IN_USE` naming the process that has it, `STORE_UNAVAILABLE` when it cannot be written
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  let database: DatabaseSync | undefined;
  try {
    await mkdir(directory, { recursive: true });
    database = new DatabaseSync(join(directory, LOCK_FILE));
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    await writeFile(join(directory, OWNER_FILE), String(process.pid));
  } catch (error) {
    database?.close();
    if (!isBusy(error)) {
      throw new SprfError("STORE_UNAVAILABLE", `cannot lock ${directory}: ${messageOf(error)}`, { cause: error });
    }
    const pid = await readFile(join(directory, OWNER_FILE), "utf8").catch(() => "unknown");
    throw new SprfError("DIRECTORY_IN_USE", `process ${pid} works in ${directory}`, { context: { directory, pid } });
  }
  const held = database;
  return {
    release() {
      if (held.isOpen) held.close();
    },
  };
}

function isBusy(error: unknown): boolean {
  const SQLITE_BUSY = 5;
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
}
