import { SprfError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RequestQueue } from "./request-queue.ts";

/** How much the last one says of what the next will take. */
const WEIGHT = 0.1;
const MS_PER_SECOND = 1_000;
const MAX_RETRY_SECONDS = 60;

/** What waits, and how long that takes. */
export interface Load {
  /** @throws SprfError `WORKER_BUSY`, which says after how many seconds there may be room (`retryAfterSeconds`) */
  check(): void;
  /** Does one of those that waited. */
  measure<T>(work: () => Promise<T>): Promise<T>;
}

export interface LoadInit {
  readonly maxQueued: number;
  /** @default any time */
  readonly maxWaitMs?: number | undefined;
}

export function createLoad(
  { queue, clock }: { readonly queue: Pick<RequestQueue, "size" | "concurrency">; readonly clock: Pick<Clock, "now"> },
  { maxQueued, maxWaitMs = Infinity }: LoadInit,
): Load {
  let meanMs = 0;
  return {
    check() {
      const waitMs = (queue.size * meanMs) / queue.concurrency;
      if (queue.size < maxQueued && waitMs <= maxWaitMs) return;
      // By then a tenth of what waits is done, or what is too much.
      const afterMs = Math.max(waitMs / 10, waitMs - maxWaitMs);
      const retryAfterSeconds = Math.min(Math.max(1, Math.ceil(afterMs / MS_PER_SECOND)), MAX_RETRY_SECONDS);
      throw new SprfError(
        "WORKER_BUSY",
        `${queue.size} requests are waiting already; try again after ${retryAfterSeconds} s`,
        { context: { waiting: queue.size, retryAfterSeconds } },
      );
    },
    async measure(work) {
      const startMs = clock.now();
      try {
        return await work();
      } finally {
        const tookMs = clock.now() - startMs;
        meanMs = meanMs === 0 ? tookMs : meanMs + WEIGHT * (tookMs - meanMs);
      }
    },
  };
}
