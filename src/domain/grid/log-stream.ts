import type { LogChunk, LogsRenewal } from "../../wire/grid/messages.ts";

/** A reader that is not heard of for so long has gone; it renews at least three times as often. */
export const LOG_LEASE_MS = 30_000;
/** A chunk that was not acknowledged after so long is sent again. */
export const LOG_RESEND_MS = 1_000;

/** What of a chunk does not depend on the message that carries it. */
export type ChunkContent = Pick<LogChunk, "sequence" | "entries" | "last">;

/** What a node knows of logs that somebody reads. */
export interface LogStream {
  readonly nextSequence: number;
  readonly leaseUntilMs: number;
  /** How many chunks may be under way. */
  readonly window: number;
  /** Sent and not acknowledged, in order: as many as the window has at most. */
  readonly underWay: readonly { readonly chunk: ChunkContent; readonly sentAtMs: number }[];
  readonly isComplete: boolean;
}

/** The stream that a request for logs opens. */
export function openLogStream(request: { readonly issuedAt: number; readonly window: number }): LogStream {
  const { issuedAt, window } = request;
  return { nextSequence: 0, leaseUntilMs: issuedAt + LOG_LEASE_MS, window, underWay: [], isComplete: false };
}

/** Whether the reader takes more. While it does not, the node reads no more from the container either: nothing piles up. */
export function hasRoom({ underWay, window, isComplete }: LogStream): boolean {
  return !isComplete && underWay.length < window;
}

/** The next chunk, to be sent now. Only while {@link hasRoom}. */
export function appendChunk(
  stream: LogStream,
  { entries, last }: Pick<ChunkContent, "entries" | "last">,
  nowMs: number,
): { readonly stream: LogStream; readonly chunk: ChunkContent } {
  const chunk = { sequence: stream.nextSequence, entries, last };
  const underWay = [...stream.underWay, { chunk, sentAtMs: nowMs }];
  return { stream: { ...stream, nextSequence: stream.nextSequence + 1, underWay, isComplete: last }, chunk };
}

/** The reader is there and has all chunks before `next`. The lease counts from its own time, so that a replay prolongs nothing. */
export function renewLogStream(stream: LogStream, renewal: Pick<LogsRenewal, "next" | "issuedAt">): LogStream {
  // Nobody can have what was never sent.
  const next = Math.min(renewal.next, stream.nextSequence);
  return {
    ...stream,
    leaseUntilMs: Math.max(stream.leaseUntilMs, renewal.issuedAt + LOG_LEASE_MS),
    underWay: stream.underWay.filter(({ chunk }) => chunk.sequence >= next),
  };
}

/** Chunks to send again, because nothing was heard of them for a while. */
export function takeDueAgain(
  stream: LogStream,
  nowMs: number,
): { readonly stream: LogStream; readonly chunks: readonly ChunkContent[] } {
  const isDue = (sentAtMs: number): boolean => nowMs - sentAtMs >= LOG_RESEND_MS;
  const chunks = stream.underWay.filter(({ sentAtMs }) => isDue(sentAtMs)).map(({ chunk }) => chunk);
  const underWay = stream.underWay.map((sent) => (isDue(sent.sentAtMs) ? { ...sent, sentAtMs: nowMs } : sent));
  return { stream: { ...stream, underWay }, chunks };
}

/** Whether the node may forget it: all has arrived, or the reader has gone. */
export function isOver({ isComplete, underWay, leaseUntilMs }: LogStream, nowMs: number): boolean {
  return nowMs > leaseUntilMs || (isComplete && underWay.length === 0);
}

/** What a reader of logs has. */
export interface LogReader {
  /** The number of the first chunk that has not arrived. */
  readonly next: number;
  readonly window: number;
  /** Arrived before their turn. */
  readonly early: ReadonlyMap<number, ChunkContent>;
  readonly isOver: boolean;
}

/** A reader that has nothing yet. */
export function openLogReader(window: number): LogReader {
  return { next: 0, window, early: new Map(), isOver: false };
}

/** Takes a chunk that arrived, perhaps twice or before its turn; `ready` are those whose turn it is now. */
export function takeChunk(
  reader: LogReader,
  chunk: ChunkContent,
): { readonly reader: LogReader; readonly ready: readonly ChunkContent[] } {
  const { sequence } = chunk;
  if (reader.isOver || sequence < reader.next || sequence >= reader.next + reader.window) return { reader, ready: [] };
  const early = new Map(reader.early).set(sequence, chunk);
  const ready: ChunkContent[] = [];
  for (let next = early.get(reader.next); next !== undefined; next = early.get(next.sequence + 1)) {
    ready.push(next);
    early.delete(next.sequence);
    if (next.last) break;
  }
  const isComplete = ready.at(-1)?.last ?? false;
  return { reader: { ...reader, next: reader.next + ready.length, early, isOver: isComplete }, ready };
}
