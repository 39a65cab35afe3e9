import { messageOf } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";

const WARN_EVERY_MS = 5_000;
/** The share of the capacity up to which everything waits its turn. */
const CALM = 0.25;

export interface BoundedQueueInit {
  readonly capacity: number;
  /**
   * What goes first when much waits. `newest` takes the latest, and drops the oldest when full: under more than it can do, what
   * somebody still waits for is done, and what was given up long ago is not. `oldest` keeps the order and drops what comes last.
   */
  readonly overloaded: "newest" | "oldest";
  /** Work of what kind is dropped, for the log. */
  readonly what: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface BoundedQueue {
  /** Does `work` in its turn; `onDrop` is called instead when the queue has no room for it, now or later. */
  offer(work: () => Promise<void>, onDrop?: () => void): void;
  /** Drops what waits and resolves when nothing runs any more. */
  close(): Promise<void>;
}

interface Item {
  readonly work: () => Promise<void>;
  readonly onDrop: (() => void) | undefined;
}

/** Does one thing at a time. Drops what it cannot hold, and says so at most every 5 s: a flood must not fill the log as well. */
export function createBoundedQueue({ capacity, overloaded, what, clock, logger }: BoundedQueueInit): BoundedQueue {
  const waiting: Item[] = [];
  let running: Promise<void> | undefined;
  let closed = false;
  let dropped = 0;
  let warnedAt = -Infinity;

  const drop = (item: Item | undefined): void => {
    item?.onDrop?.();
    dropped += 1;
    if (clock.now() - warnedAt < WARN_EVERY_MS) return;
    logger.warn(`${what} dropped: more arrive than can be dealt with`, { dropped, waiting: waiting.length });
    warnedAt = clock.now();
    dropped = 0;
  };

  const run = async (): Promise<void> => {
    for (;;) {
      const latest = overloaded === "newest" && waiting.length > capacity * CALM;
      const item = latest ? waiting.pop() : waiting.shift();
      if (item === undefined) return;
      try {
        await item.work();
      } catch (error) {
        logger.error(`${what} failed`, { reason: messageOf(error) });
      }
    }
  };

  return {
    offer(work, onDrop) {
      if (closed) return onDrop?.();
      const item = { work, onDrop };
      if (waiting.length < capacity) waiting.push(item);
      else if (overloaded === "oldest") return drop(item);
      else {
        drop(waiting.shift());
        waiting.push(item);
      }
      running ??= run().finally(() => {
        running = undefined;
      });
    },
    async close() {
      closed = true;
      for (const { onDrop } of waiting.splice(0)) onDrop?.();
      await running;
    },
  };
}
