import type { ReadinessCheck } from "../admin/readiness.ts";
import type { EventLog } from "../ports/event-log.ts";
import type { Store } from "../ports/store.ts";
import { readCursor } from "./cursor.ts";

/** Whether the chain answers, and how far the index is behind it. */
export function indexCheck({
  eventLog,
  store,
}: {
  readonly eventLog: EventLog;
  readonly store: Store;
}): ReadinessCheck {
  return {
    part: "index",
    async look(options) {
      const { number } = await eventLog.head(options);
      const cursor = await readCursor(store);
      return { block: cursor?.block, behindBlocks: number - (cursor?.block ?? -1) };
    },
  };
}
