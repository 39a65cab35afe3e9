import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import { syncDirectory } from "./snapshots.ts";

/**
 * Makes a folder, and those above it that are missing, so that they are there after a loss of power: each is in its own folder for good
 * before anything is made in it. The one that was there already is synced too, since it may be from a start that was killed in between.
 */
export async function makeDirectory(
  directory: string,
  sync: (directory: string) => Promise<void> = syncDirectory,
): Promise<void> {
  const path = resolve(directory);
  const parent = dirname(path);
  try {
    await mkdir(path);
  } catch (error) {
    if (isCode(error, "ENOENT") && parent !== path) {
      await makeDirectory(parent, sync);
      return await makeDirectory(path, sync);
    }
    if (!isCode(error, "EEXIST")) throw error;
    // Somebody else's folder may be closed to us; what is in it was not made here.
    return await sync(parent).catch((failure: unknown) => {
      if (!isCode(failure, "EACCES") && !isCode(failure, "EPERM")) throw failure;
    });
  }
  await sync(parent);
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
