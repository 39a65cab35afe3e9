import { SprfError } from "../../errors.ts";
import type { LogEntry, RecordLog } from "../../ports/record-log.ts";
import { concatBytes } from "../../utils/bytes.ts";

/** What a log in memory keeps; it outlives the log itself, as a disk does a process. */
export interface MemoryDisk {
  entries: LogEntry[];
  readonly snapshots: Map<number, Uint8Array>;
}

export function createMemoryDisk(): MemoryDisk {
  return { entries: [], snapshots: new Map() };
}

/** A log for tests and simulations. */
export function createMemoryRecordLog(disk: MemoryDisk = createMemoryDisk()): RecordLog {
  let isClosed = false;
  const checkOpen = (): void => {
    if (isClosed) throw new SprfError("STORE_UNAVAILABLE", "the log was closed");
  };
  const copy = ({ height, bytes }: LogEntry): LogEntry => ({ height, bytes: new Uint8Array(bytes) });
  const heights = (): number[] => [...disk.snapshots.keys()].sort((a, b) => a - b);
  return {
    async append(entries) {
      checkOpen();
      disk.entries.push(...entries.map(copy));
    },
    async *entries({ fromHeight = 0 } = {}) {
      checkOpen();
      yield* disk.entries.filter(({ height }) => height >= fromHeight).map(copy);
    },
    async saveSnapshot(height, parts) {
      checkOpen();
      const all: Uint8Array[] = [];
      for await (const part of parts) all.push(part);
      disk.snapshots.set(height, concatBytes(...all));
    },
    async snapshots() {
      checkOpen();
      return heights();
    },
    async *readSnapshot(height, { from, to } = { from: 0, to: Number.POSITIVE_INFINITY }) {
      checkOpen();
      const bytes = disk.snapshots.get(height);
      if (bytes === undefined) throw new SprfError("STORE_UNAVAILABLE", `no snapshot of height ${height}`);
      yield new Uint8Array(bytes.subarray(from, to));
    },
    async prune(height) {
      checkOpen();
      const first = disk.entries.findIndex((entry) => entry.height >= height);
      disk.entries = first < 0 ? [] : disk.entries.slice(first);
      const newest = heights().findLast((each) => each <= height);
      for (const each of heights()) if (newest !== undefined && each < newest) disk.snapshots.delete(each);
    },
    async close() {
      isClosed = true;
    },
  };
}
