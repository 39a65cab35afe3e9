import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

import { SprfError, messageOf } from "../../errors.ts";
import type { RecordLog } from "../../ports/record-log.ts";
import { decodeFrame } from "./frames.ts";
import { createSnapshotFiles } from "./snapshots.ts";

const SEGMENT = /^\d{10}\.log$/;

/**
 * Reads a log that another process may be writing to, as far as its entries are whole, and changes nothing.
 *
 * @throws SprfError `STORE_UNAVAILABLE` when the folder cannot be read, also later from what it gives
 */
export function readFileRecordLog(directory: string): Pick<RecordLog, "entries" | "snapshots" | "readSnapshot"> {
  const snapshots = createSnapshotFiles(directory);
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw new SprfError("STORE_UNAVAILABLE", `cannot read ${directory}: ${messageOf(error)}`, { cause: error });
    }
  };
  return {
    async *entries({ fromHeight = 0 } = {}) {
      const names = await guarded(async () => await readdir(directory));
      const files = names.filter((name) => SEGMENT.test(name)).toSorted();
      for (const name of files) {
        const content = await guarded(async () => await readFile(join(directory, name)));
        for (let frame = decodeFrame(content, 0); frame !== undefined; frame = decodeFrame(content, frame.end)) {
          if (frame.entry.height >= fromHeight) yield frame.entry;
        }
      }
    },
    snapshots: async () => await guarded(async () => await snapshots.heights()),
    readSnapshot: (height, range) => snapshots.read(height, range),
  };
}
