import { setTimeout as wait } from "node:timers/promises";

import { abortError } from "../../utils/abort.ts";
import type { Clock } from "../../ports/clock.ts";

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, { signal } = {}) {
    try {
      await wait(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      throw signal?.aborted ? abortError(signal) : error;
    }
  },
};
