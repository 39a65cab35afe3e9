import type Docker from "dockerode";

import { abortError, throwIfAborted } from "../../../utils/abort.ts";
import { isSprfError } from "../../../errors.ts";
import type { LogEntry, LogOptions } from "../../../ports/workloads.ts";
import { translateDockerError } from "../../engine/docker/docker-errors.ts";
import { read } from "./docker-calls.ts";

const HEADER_BYTES = 8;
const STDERR = 2;
const DEFAULT_MAX_BYTES = 1024 * 1024;
const SPACE = 0x20;
const CANNOT = "the log cannot be read";

/** The log of a container, as it comes; the reader's pace is kept. */
export async function* readLogs(container: Docker.Container, options: LogOptions): AsyncGenerator<LogEntry> {
  const { follow = false, since, signal } = options;
  const maxBytes = options.maxBytes ?? (follow ? Number.POSITIVE_INFINITY : DEFAULT_MAX_BYTES);
  throwIfAborted(signal);
  const ended = new AbortController();
  const abortSignal = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]);
  const asked = {
    stdout: true,
    stderr: true,
    timestamps: true,
    abortSignal,
    ...(since === undefined ? {} : { since: since.toFixed(9) }),
  };
  let bytes = 0;
  try {
    // What is not followed comes as a whole; the limit of the log's files bounds it.
    const pieces = follow
      ? ((await read(container.logs({ ...asked, follow: true }), CANNOT, signal)) as AsyncIterable<Buffer>)
      : [await read(container.logs({ ...asked, follow: false }), CANNOT, signal)];
    for await (const entry of logEntries(pieces)) {
      bytes += entry.bytes.length;
      if (bytes > maxBytes) return;
      yield entry;
    }
    throwIfAborted(signal);
  } catch (error) {
    if (signal?.aborted) throw abortError(signal);
    throw isSprfError(error) ? error : translateDockerError(error, CANNOT);
  } finally {
    ended.abort();
  }
}

/**
 * Takes a log apart: frames of { stream: u8, 0, 0, 0, length: u32 big endian }, each a time stamp, a space, and (part of) a
 * line. Where the pieces of the stream begin and end does not matter; a frame that is cut short at the end is left out.
 */
export async function* logEntries(stream: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<LogEntry> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const piece of stream) {
    pending = pending.length === 0 ? piece : Buffer.concat([pending, piece]);
    while (pending.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + pending.readUInt32BE(4);
      if (pending.length < end) break;
      const frame = pending.subarray(HEADER_BYTES, end);
      const space = frame.indexOf(SPACE);
      yield {
        stream: pending.readUInt8(0) === STDERR ? "stderr" : "stdout",
        at: frame.subarray(0, Math.max(0, space)).toString("latin1"),
        bytes: new Uint8Array(frame.subarray(space + 1)),
      };
      pending = pending.subarray(end);
    }
  }
}

const TAIL_LINES = 20;
const TAIL_BYTES = 4096;

/** The end of a container's log, or nothing when it cannot be read. */
export async function logTail(container: Docker.Container): Promise<string> {
  try {
    const asked = container.logs({ stdout: true, stderr: true, timestamps: true, tail: TAIL_LINES, follow: false });
    const parts: Uint8Array[] = [];
    for await (const { bytes } of logEntries([await read(asked, CANNOT)])) parts.push(bytes);
    return Buffer.concat(parts).subarray(-TAIL_BYTES).toString("utf8");
  } catch {
    return "";
  }
}
