import type { Clock } from "../ports/clock.ts";
import { throwIfAborted } from "./abort.ts";

export interface RetryOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** @default 100 */
  readonly firstDelayMs?: number;
  /** @default 2,000 */
  readonly maxDelayMs?: number;
  /** Whether another try makes sense; otherwise the error is thrown. */
  retriable(error: unknown): boolean;
}

const BACKOFF_FACTOR = 2;

/** Calls `work` until it succeeds, fails for good, or `signal` aborts; delays double up to `maxDelayMs`. */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, signal, maxDelayMs = 2_000 } = options;
  let delayMs = options.firstDelayMs ?? 100;
  for (;;) {
    throwIfAborted(signal);
    try {
      return await work();
    } catch (error) {
      throwIfAborted(signal);
      if (!options.retriable(error)) throw error;
      await clock.sleep(delayMs, { signal });
      delayMs = Math.min(delayMs * BACKOFF_FACTOR, maxDelayMs);
    }
  }
}
