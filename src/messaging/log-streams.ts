import {
  LOG_RESEND_MS,
  appendChunk,
  hasRoom,
  isOver,
  openLogStream,
  renewLogStream,
  takeDueAgain,
  type ChunkContent,
  type LogStream,
} from "../domain/grid/log-stream.ts";
import type { Refusal } from "../domain/grid/decide-deploy.ts";
import { messageOf } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { LogEntry } from "../ports/workloads.ts";
import { equalBytes, toHex } from "../utils/bytes.ts";
import { MAX_LOG_CHUNK_BYTES, MAX_LOG_ENTRIES, type GridRequest, type LogsRenewal } from "../wire/grid/messages.ts";

const MAX_STREAMS = 64;
/** How long what was written waits for more, so that a chunk is not a line. */
const GATHER_MS = 100;

type ChunkEntry = ChunkContent["entries"][number];

interface OpenStream {
  readonly request: GridRequest;
  readonly ended: AbortController;
  readonly hear: () => Promise<void>;
  stream: LogStream;
  stir: PromiseWithResolvers<void>;
}

export interface StreamParts {
  readonly signal: AbortSignal;
  readonly read: (signal: AbortSignal) => Promise<AsyncIterable<LogEntry> | Refusal>;
  readonly send: (chunk: ChunkContent) => Promise<void>;
  /** Says that the node is there. */
  readonly hear: () => Promise<void>;
}

/** Logs that users read now. They live in memory: who reads asks again when the node was started anew. */
export interface LogStreams {
  /** Resolves when all has arrived or the reader has gone, or with why it got nothing. */
  run(request: Extract<GridRequest, { kind: "logs" }>, parts: StreamParts): Promise<Refusal | undefined>;
  renew(message: LogsRenewal): void;
  end(message: Pick<LogsRenewal, "from" | "stream">): void;
}

/** Keeps the streams of one node. */
export function createLogStreams({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }): LogStreams {
  const streams = new Map<string, OpenStream>();

  async function pump(open: OpenStream, entries: AsyncIterable<LogEntry>, { send }: StreamParts): Promise<void> {
    const { signal } = open.ended;
    const source = gather(entries, clock, signal);
    try {
      for (;;) {
        while (!hasRoom(open.stream) && !open.stream.isComplete && !signal.aborted) await open.stir.promise;
        if (signal.aborted || open.stream.isComplete) return;
        const { done, value } = await source.next();
        if (signal.aborted) return;
        const appended = appendChunk(open.stream, { entries: [...(value ?? [])], last: done === true }, clock.now());
        open.stream = appended.stream;
        await send(appended.chunk);
      }
    } finally {
      await source.return(undefined);
    }
  }

  async function tend(open: OpenStream, { send }: StreamParts): Promise<void> {
    const { signal } = open.ended;
    while (!signal.aborted) {
      await clock.sleep(LOG_RESEND_MS, { signal });
      const nowMs = clock.now();
      const due = takeDueAgain(open.stream, nowMs);
      open.stream = due.stream;
      for (const chunk of due.chunks) await send(chunk);
      if (isOver(open.stream, nowMs)) open.ended.abort();
    }
  }

  function find({ from, stream }: Pick<LogsRenewal, "from" | "stream">): OpenStream | undefined {
    const open = streams.get(toHex(stream));
    return open !== undefined && equalBytes(open.request.from, from) ? open : undefined;
  }

  function stirred(open: OpenStream): void {
    open.stir.resolve();
    open.stir = Promise.withResolvers();
  }

  return {
    async run(request, parts) {
      if (streams.size >= MAX_STREAMS) return { kind: "refuse", code: "busy", detail: "" };
      const open: OpenStream = {
        request,
        ended: new AbortController(),
        hear: parts.hear,
        stream: openLogStream({ issuedAt: request.issuedAt, window: request.window }),
        stir: Promise.withResolvers(),
      };
      const stop = (): void => open.ended.abort();
      const { signal } = open.ended;
      signal.addEventListener("abort", () => stirred(open), { once: true });
      parts.signal.addEventListener("abort", stop, { once: true });
      const key = toHex(request.id);
      streams.set(key, open);
      try {
        const entries = await parts.read(signal);
        if ("kind" in entries) return entries;
        await parts.hear();
        const tended = tend(open, parts).catch(() => undefined);
        try {
          await pump(open, entries, parts);
        } catch (error) {
          if (!signal.aborted) throw error;
        }
        // Whatever is still under way is sent until it has arrived.
        await tended;
        return undefined;
      } finally {
        open.ended.abort();
        parts.signal.removeEventListener("abort", stop);
        streams.delete(key);
      }
    },
    renew(message) {
      const open = find(message);
      if (open === undefined) return;
      open.stream = renewLogStream(open.stream, message);
      if (isOver(open.stream, clock.now())) open.ended.abort();
      else {
        // A container that writes nothing must not look like a node that is gone.
        open.hear().catch((error: unknown) => logger.debug("not said that we are here", { reason: messageOf(error) }));
      }
      stirred(open);
    },
    end(message) {
      find(message)?.ended.abort();
    },
  };
}

/** Entries in chunks: as many as are there, or come within a moment, up to what a chunk takes. */
async function* gather(
  entries: AsyncIterable<LogEntry>,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<readonly ChunkEntry[], undefined> {
  const source = entries[Symbol.asyncIterator]();
  let next = source.next();
  try {
    for (;;) {
      const chunk: ChunkEntry[] = [];
      let bytes = 0;
      const moment = new AbortController();
      let timer: Promise<undefined> | undefined;
      try {
        for (;;) {
          const got = timer === undefined ? await next : await Promise.race([next, timer]);
          if (got === undefined) break;
          if (got.done === true) {
            if (chunk.length > 0) yield chunk;
            return undefined;
          }
          const entry = entryOf(got.value);
          if (bytes + entry.bytes.length > MAX_LOG_CHUNK_BYTES || chunk.length === MAX_LOG_ENTRIES) break;
          chunk.push(entry);
          bytes += entry.bytes.length;
          next = source.next();
          const over = AbortSignal.any([signal, moment.signal]);
          timer ??= clock.sleep(GATHER_MS, { signal: over }).then(
            () => undefined,
            () => undefined,
          );
        }
      } finally {
        moment.abort();
      }
      yield chunk;
    }
  } finally {
    next.catch(() => undefined);
    await source.return?.();
  }
}

/** Lines that are too long for a chunk lose their end. */
function entryOf({ stream, at, bytes }: LogEntry): ChunkEntry {
  const atMs = Math.max(0, Math.floor(Date.parse(at)));
  return { stream, atMs, bytes: new Uint8Array(bytes.subarray(0, MAX_LOG_CHUNK_BYTES)) };
}
