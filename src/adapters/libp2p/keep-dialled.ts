import { isSprfError, messageOf } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 5_000;

export interface KeepDialledInit {
  readonly peer: string;
  readonly isConnected: () => boolean;
  readonly dial: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Looks once a second whether `peer` is connected and dials it if not, with growing pauses while it stays away; libp2p does not
 * reconnect by itself, and its keep-alive tag gives up after five tries. Ends when `signal` aborts; never rejects.
 */
export async function keepDialled({ peer, isConnected, dial, clock, logger, signal }: KeepDialledInit): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    if (!isConnected()) {
      try {
        await dial(signal);
        logger.debug("peer dialled", { peer });
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        if (signal.aborted) return;
        logger.debug("peer unreachable", { peer, reason: messageOf(error), nextTryMs: pauseMs });
        if (isSprfError(error, "PEER_MISMATCH")) logger.warn("peer answers with another identity", { peer });
        pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
      }
    } else {
      pauseMs = FIRST_PAUSE_MS;
    }
    try {
      await clock.sleep(pauseMs, { signal });
    } catch {
      return;
    }
  }
}
