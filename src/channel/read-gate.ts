import { SprfError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import { createFairQueue } from "./fair-queue.ts";

/** Views that wait, of which each account has its share. */
const MAX_WAITING = 1_024;

/** Does `work` for an account when it is its turn. @throws SprfError `CHANNEL_BUSY`, and what `work` throws */
export type ReadGate = <T>(account: string, work: () => Promise<T>) => Promise<T>;

/**
 * One view at a time, by turns of who asks; while others wait, records have as much time after each as it took. A view may cost as much
 * as a call, nobody pays for it, and all of them run where records do.
 */
export function createReadGate(clock: Clock, signal: AbortSignal): ReadGate {
  const waiting = createFairQueue<() => Promise<void>>(MAX_WAITING);
  let isRunning = false;

  async function run(): Promise<void> {
    if (isRunning) return;
    isRunning = true;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const beganMs = clock.now();
      await next();
      const tookMs = clock.now() - beganMs;
      if (tookMs > 0 && waiting.size > 0) await clock.sleep(tookMs, { signal }).catch(() => undefined);
    }
    isRunning = false;
  }

  return async <T>(account: string, work: () => Promise<T>): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const isTaken = waiting.push({ peer: "", account }, async () => await work().then(resolve, reject));
    if (!isTaken) throw new SprfError("CHANNEL_BUSY", `${waiting.size} views wait already, enough of them this one's`);
    // It never fails: what a view throws is for who asked.
    void run();
    return await promise;
  };
}
