import PQueue from "p-queue";

import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";

const WARN_EVERY_MS = 5_000;

export interface BoundedQueue {
  /** Runs `work` in its turn, or drops it when the queue is full. */
  offer(work: () => Promise<void>): boolean;
  /** Drops what waits and resolves when nothing runs any more. */
  close(): Promise<void>;
}

/** A queue that drops what it cannot hold, and says so at most every 5 s: a flood must not fill the log as well. */
export function createBoundedQueue(init: {
  readonly concurrency: number;
  readonly capacity: number;
  readonly clock: Clock;
  readonly logger: Logger;
}): BoundedQueue {
  const queue = new PQueue({ concurrency: init.concurrency });
  let dropped = 0;
  let warnedAt = -Infinity;
  return {
    offer(work) {
      if (queue.size >= init.capacity) {
        dropped += 1;
        if (init.clock.now() - warnedAt >= WARN_EVERY_MS) {
          init.logger.warn("messages dropped: more arrive than can be decrypted", { dropped, waiting: queue.size });
          warnedAt = init.clock.now();
          dropped = 0;
        }
        return false;
      }
      queue.add(work).catch(() => undefined);
      return true;
    },
    async close() {
      queue.clear();
      await queue.onIdle();
    },
  };
}
