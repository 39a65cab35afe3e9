import { messageOf } from "../errors.ts";
import type { Core } from "./core.ts";

const MS = 1_000;
/** Two heartbeats may be lost. */
const BEATS_A_SPAN = 3;

/**
 * Says on the chain that this member is there, and how far from others by their accounts, in channels that count those only who do;
 * until `signal` aborts.
 */
export async function beat(
  { hub, info, clock, logger }: Core,
  delaysMs: () => ReadonlyMap<string, number>,
  signal: AbortSignal,
): Promise<void> {
  const { aliveSeconds } = info.config;
  if (aliveSeconds === 0) return;
  while (!signal.aborted) {
    await hub.keepAlive(info.channel, delaysMs(), { signal }).catch((error: unknown) => {
      if (!signal.aborted) logger.warn("a heartbeat was not taken", { reason: messageOf(error) });
    });
    await clock.sleep((aliveSeconds * MS) / BEATS_A_SPAN, { signal }).catch(() => undefined);
  }
}
