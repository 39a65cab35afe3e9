import { createReadStream } from "node:fs";
import { open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

const NAME = /^(\d{16})\.snapshot$/;
const DIGITS = 16;

/** The snapshots in a folder. */
export interface SnapshotFiles {
  save(height: number, parts: AsyncIterable<Uint8Array>): Promise<void>;
  heights(): Promise<number[]>;
  read(height: number, range?: { readonly from: number; readonly to: number }): AsyncIterable<Uint8Array>;
  /** All but the newest that is not above `height`. */
  prune(height: number): Promise<void>;
}

export function createSnapshotFiles(directory: string): SnapshotFiles {
  const pathOf = (height: number): string => join(directory, `${String(height).padStart(DIGITS, "0")}.snapshot`);
  const heights = async (): Promise<number[]> =>
    (await readdir(directory))
      .flatMap((name) => NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  return {
    heights,
    // The last byte that a stream is told of is one that it reads.
    read: (height, range) =>
      createReadStream(pathOf(height), range === undefined ? {} : { start: range.from, end: range.to - 1 }),
    async save(height, parts) {
      const path = pathOf(height);
      // Under its name once it is whole: a snapshot that is there can be read.
      const file = await open(`${path}.part`, "w");
      try {
        for await (const part of parts) await file.writeFile(part);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.part`, path);
      await syncDirectory(directory);
    },
    async prune(height) {
      const all = await heights();
      const newest = all.findLast((each) => each <= height);
      for (const each of all) if (newest !== undefined && each < newest) await rm(pathOf(each), { force: true });
    },
  };
}

/** So that a file that was made or renamed in it is there after a loss of power. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
