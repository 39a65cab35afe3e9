import { SprfError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";

/** One for all: making an error for every pause that is cut short is most of what such a pause costs. */
const RUNG = new SprfError("ABORTED", "there is something to do");

/** A pause of somebody who looks at intervals whether there is something to do, and that others can cut short. */
export interface Alarm {
  /** Ends the pause; when there is none now, the next one. */
  ring(): void;
  /** Since the last {@link Alarm.rearm}. */
  readonly isRung: boolean;
  /** Forgets that it has rung. */
  rearm(): void;
  /** Ends after `ms`, with a ring, or when `signal` aborts; never rejects. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

export function createAlarm(clock: Pick<Clock, "sleep">): Alarm {
  let bell = new AbortController();
  return {
    ring: () => bell.abort(RUNG),
    get isRung() {
      return bell.signal.aborted;
    },
    rearm() {
      if (bell.signal.aborted) bell = new AbortController();
    },
    async pause(ms, signal) {
      await clock.sleep(ms, { signal: AbortSignal.any([signal, bell.signal]) }).catch(() => undefined);
    },
  };
}
