import { open, readFile, readdir, rm, truncate, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

import { SprfError, messageOf } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import type { LogEntry, RecordLog } from "../../ports/record-log.ts";
import { decodeFrame, encodeFrame } from "./frames.ts";
import { makeDirectory } from "./make-directory.ts";
import { createSnapshotFiles, syncDirectory } from "./snapshots.ts";

const DEFAULT_SEGMENT_BYTES = 8 * 1024 * 1024;
const SEGMENT = /^(\d{10})\.log$/;
const DIGITS = 10;

export interface FileRecordLogInit {
  readonly directory: string;
  readonly logger: Logger;
  /** A file that is larger gets no more entries. @default 8 MiB */
  readonly segmentBytes?: number;
}

interface Segment {
  readonly number: number;
  bytes: number;
  /** -1 for no entry. */
  highest: number;
}

/**
 * A log in files of one folder. What was being written when the process or the machine died is cut off at the start: it had been
 * promised to nobody.
 *
 * @throws SprfError `STORE_UNAVAILABLE` when the folder cannot be used, or a file that was finished is damaged
 */
export async function openFileRecordLog(init: FileRecordLogInit): Promise<RecordLog> {
  const { directory, segmentBytes = DEFAULT_SEGMENT_BYTES, logger } = init;
  const pathOf = (number: number): string => join(directory, `${String(number).padStart(DIGITS, "0")}.log`);
  const guarded = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof SprfError) throw error;
      throw unavailable(`cannot ${what} ${directory}: ${messageOf(error)}`, error);
    }
  };

  const segments = await guarded("open", async () => {
    await makeDirectory(directory);
    return await readSegments(directory, pathOf, logger);
  });
  const snapshots = createSnapshotFiles(directory);
  let file: FileHandle | undefined;
  let failure: unknown;
  let isClosed = false;
  let waiting: { readonly entries: readonly LogEntry[]; readonly done: PromiseWithResolvers<void> }[] = [];
  let writing: Promise<void> | undefined;

  const checkOpen = (): void => {
    if (isClosed) throw unavailable(`${directory} was closed`);
    if (failure !== undefined) throw unavailable(`${directory} could not be written: ${messageOf(failure)}`, failure);
  };

  async function writable(): Promise<{ readonly segment: Segment; readonly handle: FileHandle }> {
    let segment = segments.at(-1);
    if (segment === undefined || segment.bytes >= segmentBytes) {
      await file?.close();
      file = undefined;
      segment = { number: (segment?.number ?? 0) + 1, bytes: 0, highest: -1 };
      segments.push(segment);
      file = await open(pathOf(segment.number), "a");
      await syncDirectory(directory);
    }
    file ??= await open(pathOf(segment.number), "a");
    return { segment, handle: file };
  }

  /** Whatever waits goes into one write and one sync. */
  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const turn = waiting;
      waiting = [];
      try {
        checkOpen();
        const entries = turn.flatMap((each) => each.entries);
        const { segment, handle } = await writable();
        const bytes = Buffer.concat(entries.map(encodeFrame));
        await handle.appendFile(bytes);
        await handle.datasync();
        segment.bytes += bytes.length;
        for (const { height } of entries) segment.highest = Math.max(segment.highest, height);
        for (const { done } of turn) done.resolve();
      } catch (error) {
        // After a failed write or sync nobody knows what is on the disk: nothing is promised any more.
        failure ??= error;
        for (const { done } of turn)
          done.reject(unavailable(`cannot append to ${directory}: ${messageOf(error)}`, error));
      }
    }
  }

  return {
    async append(entries) {
      checkOpen();
      const done = Promise.withResolvers<void>();
      waiting.push({ entries, done });
      writing ??= writeAll().finally(() => {
        writing = undefined;
      });
      await done.promise;
    },
    async *entries({ fromHeight = 0 } = {}) {
      checkOpen();
      // Those that are there now, as long as they are now.
      const now = segments
        .filter(({ highest }) => highest >= fromHeight)
        .map(({ number, bytes }) => ({ number, bytes }));
      for (const { number, bytes } of now) {
        const content = await guarded("read", async () => await readFile(pathOf(number)));
        for (let at = 0; at < bytes;) {
          const frame = decodeFrame(content, at);
          if (frame === undefined) throw unavailable(`${pathOf(number)} is damaged at byte ${at}`);
          at = frame.end;
          yield frame.entry;
        }
      }
    },
    async saveSnapshot(height, parts) {
      checkOpen();
      await guarded("save a snapshot in", async () => await snapshots.save(height, parts));
    },
    async snapshots() {
      checkOpen();
      return await guarded("read", async () => await snapshots.heights());
    },
    async *readSnapshot(height, range) {
      checkOpen();
      if (range !== undefined && range.to <= range.from) return;
      try {
        yield* snapshots.read(height, range);
      } catch (error) {
        throw unavailable(`no snapshot of height ${height} in ${directory}: ${messageOf(error)}`, error);
      }
    },
    async prune(height) {
      checkOpen();
      await guarded("prune", async () => {
        // From the front only, and never the one that is written to: the order of what is left tells the story.
        while (segments.length > 1 && (segments[0]?.highest ?? height) < height) {
          const segment = segments.shift();
          if (segment !== undefined) await rm(pathOf(segment.number), { force: true });
        }
        await snapshots.prune(height);
      });
    },
    async close() {
      if (isClosed) return;
      await writing;
      isClosed = true;
      await file?.close();
    },
  };
}

/** The files of a log. The newest loses what was torn; each of the others was finished before the next was begun. */
async function readSegments(directory: string, pathOf: (number: number) => string, logger: Logger): Promise<Segment[]> {
  const numbers = (await readdir(directory)).flatMap((name) => SEGMENT.exec(name)?.[1] ?? []).map(Number);
  numbers.sort((a, b) => a - b);
  const segments: Segment[] = [];
  for (const number of numbers) {
    const content = await readFile(pathOf(number));
    const segment: Segment = { number, bytes: 0, highest: -1 };
    for (let frame = decodeFrame(content, 0); frame !== undefined; frame = decodeFrame(content, segment.bytes)) {
      segment.bytes = frame.end;
      segment.highest = Math.max(segment.highest, frame.entry.height);
    }
    if (segment.bytes < content.length) {
      if (number !== numbers.at(-1)) throw unavailable(`${pathOf(number)} is damaged at byte ${segment.bytes}`);
      logger.warn("the end of a log was torn and is cut off", { bytes: content.length - segment.bytes });
      await truncate(pathOf(number), segment.bytes);
    }
    segments.push(segment);
  }
  return segments;
}

function unavailable(message: string, cause?: unknown): SprfError {
  return new SprfError("STORE_UNAVAILABLE", message, cause === undefined ? {} : { cause });
}
