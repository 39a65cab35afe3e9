import { existsSync } from "node:fs";
import { link, open, readFile, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { SprfError, messageOf } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { throwIfAborted } from "../../utils/abort.ts";
import { STORE_VERSION } from "../store/migrations.ts";
import { CONTENT_FOLDER, STORE_FILE, createArchive, openArchive, sha256, type BackupMark } from "./archive.ts";

/** Of the files of the content store. */
const BLOCK_SUFFIX = ".data";

export interface BackupOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes store and content of a data directory into one new file while their daemon may be at work: the store as it is at one instant,
 * then all content, so that what the store names is there unless the daemon let go of it meanwhile. The file appears under its name
 * when all of it is on the disk and was read back; whoever is killed before leaves `<file>.partial`, which the next backup replaces.
 *
 * @throws SprfError `BACKUP_EXISTS`, `BACKUP_INVALID` when what was written reads otherwise, `CONFIG_INVALID` when there is no store,
 * `DIRECTORY_IN_USE` when another backup goes into the same file, `STORE_UNAVAILABLE`
 */
export async function writeBackup(
  { clock }: { readonly clock: Clock },
  directory: string,
  file: string,
  { signal }: BackupOptions = {},
): Promise<BackupMark> {
  const storePath = join(directory, STORE_FILE);
  if (!existsSync(storePath)) {
    const why = `there is no store in ${directory}; one that DATABASE_URL has put into PostgreSQL is kept by its own means`;
    throw new SprfError("CONFIG_INVALID", why);
  }
  if (existsSync(file)) throw new SprfError("BACKUP_EXISTS", `${file} is there already`);
  const partial = `${file}.partial`;
  await removeAbandoned(partial);
  try {
    const archive = createArchive(partial);
    try {
      // Of the archive alone: the daemon goes on writing into its store.
      archive.exec("PRAGMA main.locking_mode = EXCLUSIVE");
      const takenAtMs = clock.now();
      const entries = copyEntries(archive, storePath);
      const { files, fileBytes } = await copyContent(archive, join(directory, CONTENT_FOLDER), signal);
      const mark: BackupMark = { storeVersion: STORE_VERSION, takenAtMs, entries, files, fileBytes };
      archive.prepare("INSERT INTO mark (json) VALUES (?)").run(JSON.stringify(mark));
    } finally {
      archive.close();
    }
    await flush(partial);
    const { database, mark } = openArchive(partial);
    database.close();
    // Unlike a rename, it fails where something has come up meanwhile.
    await link(partial, file);
    await flush(dirname(file));
    return mark;
  } catch (error) {
    if (error instanceof SprfError) throw error;
    if (isCode(error, "EEXIST")) throw new SprfError("BACKUP_EXISTS", `${file} is there already`, { cause: error });
    throw new SprfError("STORE_UNAVAILABLE", `cannot write ${file}: ${messageOf(error)}`, { cause: error });
  } finally {
    await rm(partial, { force: true });
  }
}

/** What a killed backup has left; one that is being written is locked. */
async function removeAbandoned(partial: string): Promise<void> {
  if (!existsSync(partial)) return;
  const database = new DatabaseSync(partial);
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    const SQLITE_BUSY = 5;
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) {
      throw new SprfError("DIRECTORY_IN_USE", `another backup is being written into ${partial}`, { cause: error });
    }
    // Cut short, it is not even a database.
  } finally {
    database.close();
  }
  await rm(partial, { force: true });
}

/** One statement reads one state of the store, whatever its daemon writes meanwhile. */
function copyEntries(archive: DatabaseSync, storePath: string): number {
  archive.prepare("ATTACH DATABASE ? AS source").run(storePath);
  const { changes } = archive
    .prepare("INSERT INTO main.entries SELECT tbl, key, value FROM source.entries WHERE true")
    .run();
  archive.exec("DETACH DATABASE source");
  return Number(changes);
}

async function copyContent(
  archive: DatabaseSync,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly files: number; readonly fileBytes: number }> {
  if (!existsSync(folder)) return { files: 0, fileBytes: 0 };
  const insert = archive.prepare("INSERT INTO files (path, sha256, data) VALUES (?, ?, ?)");
  let files = 0;
  let fileBytes = 0;
  for (const path of await readdir(folder, { recursive: true })) {
    throwIfAborted(signal);
    // What has another name is being written: it gets this one when it is whole.
    if (!path.endsWith(BLOCK_SUFFIX)) continue;
    const bytes = await readIfThere(join(folder, path));
    if (bytes === undefined) continue;
    insert.run(path, sha256(bytes), bytes);
    files++;
    fileBytes += bytes.length;
  }
  return { files, fileBytes };
}

/** A folder is not read, nor is what the daemon has just collected. */
async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isCode(error, "EISDIR") || isCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
