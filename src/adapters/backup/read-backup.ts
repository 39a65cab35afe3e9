import { existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";

import { SprfError, messageOf } from "../../errors.ts";
import { throwIfAborted } from "../../utils/abort.ts";
import { createSqliteStore } from "../store/sqlite.ts";
import type { Store } from "../../ports/store.ts";
import { CONTENT_FOLDER, STORE_FILE, openArchive, type BackupMark } from "./archive.ts";

const PAGE = 500;

export interface RestoreOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a data directory of a backup, all of which is checked before. The directory appears under its name when all is on the disk;
 * whoever is killed before leaves `<directory>.partial`, which the next restore replaces.
 *
 * @param mark writes into the store that it was restored, before anybody can open it
 * @throws SprfError `BACKUP_EXISTS` when something is in the directory, `BACKUP_INVALID`, `STORE_TOO_NEW`, `STORE_UNAVAILABLE`
 */
export async function readBackup(
  file: string,
  directory: string,
  mark: (store: Store, backup: BackupMark) => Promise<void>,
  { signal }: RestoreOptions = {},
): Promise<BackupMark> {
  if (!existsSync(file)) throw new SprfError("BACKUP_INVALID", `there is no ${file}`);
  if (existsSync(directory) && (await readdir(directory)).length > 0) {
    throw new SprfError("BACKUP_EXISTS", `${directory} is not empty`);
  }
  const { database, mark: backup } = openArchive(file);
  const partial = `${resolve(directory)}.partial`;
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    const content = join(partial, CONTENT_FOLDER);
    for (const row of database.prepare("SELECT path, data FROM files").iterate()) {
      throwIfAborted(signal);
      await writeDurably(insideOf(content, String(row["path"])), row["data"] as Uint8Array);
    }
    const store = createSqliteStore(join(partial, STORE_FILE));
    try {
      let page: { readonly tbl: string; readonly key: string; readonly value: Uint8Array }[] = [];
      for (const row of database.prepare("SELECT tbl, key, value FROM entries").iterate()) {
        page.push(row as (typeof page)[number]);
        if (page.length < PAGE) continue;
        await store.apply(page.map(({ tbl, key, value }) => ({ kind: "insert", table: tbl, key, value })));
        page = [];
      }
      if (page.length > 0) {
        await store.apply(page.map(({ tbl, key, value }) => ({ kind: "insert", table: tbl, key, value })));
      }
      await mark(store, backup);
    } finally {
      await store.close();
    }
    await rename(partial, directory);
    const parent = await open(dirname(resolve(directory)), "r");
    await parent.sync();
    await parent.close();
    return backup;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (error instanceof SprfError) throw error;
    throw new SprfError("STORE_UNAVAILABLE", `cannot write ${directory}: ${messageOf(error)}`, { cause: error });
  } finally {
    database.close();
  }
}

/** A backup may come from anywhere: no name in it leads out of the folder. */
function insideOf(folder: string, path: string): string {
  const inside = resolve(folder, path);
  if (inside.startsWith(folder + sep)) return inside;
  throw new SprfError("BACKUP_INVALID", `a file in it is called ${JSON.stringify(path)}`);
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(path, "wx");
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
