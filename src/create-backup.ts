import { readBackup } from "./adapters/backup/read-backup.ts";
import { writeBackup } from "./adapters/backup/write-backup.ts";
import type { BackupMark } from "./adapters/backup/archive.ts";
import { systemClock } from "./adapters/clock/system.ts";
import { markRestored } from "./worker/executions/restored.ts";

export type { BackupMark } from "./adapters/backup/archive.ts";

interface Options {
  readonly signal?: AbortSignal | undefined;
}

/** Writes a data directory's store and content into one file, while its daemon may be at work. @throws SprfError see `writeBackup` */
export async function backUp(directory: string, file: string, options: Options = {}): Promise<BackupMark> {
  return await writeBackup({ clock: systemClock }, directory, file, options);
}

/** Makes a data directory of such a file; the daemon that opens it knows where it comes from. @throws SprfError see `readBackup` */
export async function restore(file: string, directory: string, options: Options = {}): Promise<BackupMark> {
  return await readBackup(
    file,
    directory,
    async (store, { takenAtMs }) => await markRestored(store, { takenAtMs, restoredAtMs: systemClock.now() }),
    options,
  );
}
