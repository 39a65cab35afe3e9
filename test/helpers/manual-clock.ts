import { setImmediate as turn } from "node:timers/promises";

import { abortError } from "../../src/utils/abort.ts";
import type { Clock } from "../../src/ports/clock.ts";

/** Turns of the event loop that let work go on which a timer has just released. */
const TURNS = 25;

export interface ManualClock extends Clock {
  /** Moves time on, releasing each sleeper in its turn and letting it work. */
  advance(ms: number): Promise<void>;
  /** How many wait. */
  readonly sleepers: number;
}

/** A clock that stands still until it is told to move. */
export function createManualClock(startMs = 1_800_000_000_000): ManualClock {
  let nowMs = startMs;
  const waiting = new Set<{ readonly atMs: number; readonly wake: () => void }>();
  return {
    now: () => nowMs,
    get sleepers() {
      return waiting.size;
    },
    async sleep(ms, { signal } = {}) {
      if (signal?.aborted) throw abortError(signal);
      await new Promise<void>((resolve, reject) => {
        const sleeper = {
          atMs: nowMs + ms,
          wake: () => {
            waiting.delete(sleeper);
            signal?.removeEventListener("abort", onAbort);
            resolve();
          },
        };
        const onAbort = (): void => {
          waiting.delete(sleeper);
          if (signal !== undefined) reject(abortError(signal));
        };
        waiting.add(sleeper);
        signal?.addEventListener("abort", onAbort, { once: true });
      });
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      await settle();
      for (;;) {
        const next = [...waiting].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined) break;
        nowMs = Math.max(nowMs, next.atMs);
        next.wake();
        await settle();
      }
      nowMs = untilMs;
    },
  };
}

async function settle(): Promise<void> {
  for (let i = 0; i < TURNS; i += 1) await turn();
}
