import { messageOf } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { HistoryKeeper } from "./keep-history.ts";

/** About a ledger's time: more looks would see nothing new. */
const LOOK_EVERY_MS = 5_000;

export interface HistoryFollower {
  start(): void;
  /** Lets go of what runs left behind before this block, when the history is up to date. */
  prune(beforeBlock: number): Promise<void>;
  stop(): Promise<void>;
}

/** Looks at the history of all followed programs again and again, beside whatever else the worker does. */
export function followHistory(
  keeper: HistoryKeeper,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): HistoryFollower {
  const life = new AbortController();
  let loop: Promise<void> | undefined;
  let isUpToDate = false;

  async function follow(): Promise<void> {
    const { signal } = life;
    while (!signal.aborted) {
      try {
        isUpToDate = await keeper.look({ signal });
        await clock.sleep(LOOK_EVERY_MS, { signal });
      } catch (error) {
        if (signal.aborted) return;
        isUpToDate = false;
        logger.error("the history cannot be followed now", { reason: messageOf(error) });
        await clock.sleep(LOOK_EVERY_MS, { signal }).catch(() => undefined);
      }
    }
  }

  return {
    start() {
      loop ??= follow();
    },
    async prune(beforeBlock) {
      if (isUpToDate) await keeper.prune(beforeBlock, { signal: life.signal });
    },
    async stop() {
      life.abort();
      await loop;
    },
  };
}
