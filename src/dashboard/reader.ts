import type { Clock } from "../ports/clock.ts";
import { utf8 } from "../utils/bytes.ts";

/** How patient a stream is; tests have less time. */
export interface ReaderLimits {
  /** A line without meaning after so long, so that everything in between knows that the stream lives. @default 15000 */
  readonly heartbeatMs: number;
  /** A reader that takes nothing for so long is dropped. @default 30000 */
  readonly idleMs: number;
}

const DEFAULT_LIMITS: ReaderLimits = { heartbeatMs: 15_000, idleMs: 30_000 };
/** What a browser waits before it connects again. */
const RETRY_MS = 1_000;

/** A topic's newest message, and the number of the change that made it. */
export interface Shown {
  text?: string;
  changedAt: number;
}

/** One open stream. What waits for it is the newest message of each topic, so it is never more than its topics. */
export interface Reader {
  readonly body: ReadableStream<Uint8Array>;
  offer(shown: Shown): void;
  close(): void;
}

export interface ReaderInit {
  readonly clock: Clock;
  readonly boot: string;
  readonly breakOff?: (() => void) | undefined;
  readonly limits: Partial<ReaderLimits>;
}

export function openReader({ clock, boot, breakOff, limits }: ReaderInit, onClose: () => void): Reader {
  const { heartbeatMs, idleMs } = { ...DEFAULT_LIMITS, ...limits };
  const waiting = new Set<Shown>();
  const ended = new AbortController();
  let awake = Promise.withResolvers<void>();
  let taking = new AbortController();
  let isGreeted = false;

  function close(): void {
    if (ended.signal.aborted) return;
    ended.abort();
    taking.abort();
    awake.resolve();
    onClose();
  }

  /** The oldest change first: then whoever has seen a number has seen all before it, and can go on from there. */
  function takeOldest(): Shown | undefined {
    let oldest: Shown | undefined;
    for (const each of waiting) if (oldest === undefined || each.changedAt < oldest.changedAt) oldest = each;
    if (oldest !== undefined) waiting.delete(oldest);
    return oldest;
  }

  async function next(): Promise<string> {
    if (!isGreeted) {
      isGreeted = true;
      return `retry: ${RETRY_MS}\n\n`;
    }
    let shown = takeOldest();
    if (shown === undefined) {
      awake = Promise.withResolvers<void>();
      const pause = new AbortController();
      const heartbeat = clock.sleep(heartbeatMs, { signal: AbortSignal.any([ended.signal, pause.signal]) });
      await Promise.race([awake.promise, heartbeat.catch(() => undefined)]);
      pause.abort();
      shown = takeOldest();
    }
    return shown === undefined ? ": alive\n\n" : `id: ${boot}-${shown.changedAt}\ndata: ${shown.text}\n\n`;
  }

  function expectReader(): void {
    taking = new AbortController();
    const dropIdle = (): void => {
      close();
      breakOff?.();
    };
    clock.sleep(idleMs, { signal: taking.signal }).then(dropIdle, () => undefined);
  }

  const body = new ReadableStream<Uint8Array>(
    {
      start: expectReader,
      async pull(controller) {
        taking.abort();
        const text = ended.signal.aborted ? "" : await next();
        if (ended.signal.aborted) {
          controller.close();
          return;
        }
        controller.enqueue(utf8(text));
        expectReader();
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
  return {
    body,
    offer(shown) {
      waiting.add(shown);
      awake.resolve();
    },
    close,
  };
}
