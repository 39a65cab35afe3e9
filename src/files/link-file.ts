import { constants } from "node:fs";
import { copyFile, link } from "node:fs/promises";

/**
 * Puts a file at another path without copying it, where the file system has links. Nobody may write into either of them from
 * then on; each may be replaced. Elsewhere it is a copy that shares blocks if it can.
 */
export async function linkFile(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}
