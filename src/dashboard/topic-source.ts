import { SprfError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import { createAlarm, type Alarm } from "../utils/alarm.ts";

/** Where the views of a topic come from. */
export interface TopicSource<View> {
  /**
   * Yields the view as it is now, and again whenever it is another one, until aborted.
   *
   * @throws SprfError when there is none, or not now
   */
  views(id: string, options: { readonly signal: AbortSignal }): AsyncIterable<View>;
}

/** However often there is news. */
const LEAST_MS = 200;

/** The view as often as `read` gives another one: it is asked every so many milliseconds, and earlier when the alarm rings. */
export async function* viewsByLooking<View>(
  read: () => Promise<View>,
  {
    clock,
    everyMs,
    alarm = createAlarm(clock),
    signal,
  }: {
    readonly clock: Clock;
    readonly everyMs: number;
    readonly alarm?: Alarm | undefined;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<View, void, undefined> {
  let last: string | undefined;
  while (!signal.aborted) {
    alarm.rearm();
    const view = await read();
    const text = JSON.stringify(view);
    if (text !== last) yield view;
    last = text;
    await clock.sleep(Math.min(LEAST_MS, everyMs), { signal }).catch(() => undefined);
    await alarm.pause(Math.max(0, everyMs - LEAST_MS), signal);
  }
}

/** Of what the settings do not name. */
export function missingSource(why: string): TopicSource<never> {
  return {
    views: () => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => await Promise.reject(new SprfError("CONFIG_INVALID", why)),
      }),
    }),
  };
}
