import { messageOf } from "../errors.ts";
import type { Core } from "./core.ts";
import type { Settler } from "./settler.ts";
import { DEFAULT_PATIENCE_MS, patienceMs } from "./turns.ts";

const LOOK_EVERY_MS = 1_000;

/** The part of a node that ends settlements which others have proposed. */
export interface Finisher {
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Whoever proposed a settlement executes it when its window is over. When that one was killed in between, the channel would stay
 * locked and nothing could be settled any more: the leader does it then, and when it does not, the others, one after the other.
 */
export function createFinisher(
  core: Core,
  settler: Settler,
  { requestPatienceMs = DEFAULT_PATIENCE_MS }: { readonly requestPatienceMs?: number | undefined },
): Finisher {
  /** What may be executed, and since when this node knows. */
  let ready: { readonly proposal: bigint; readonly sinceMs: number } | undefined;

  async function act(signal: AbortSignal): Promise<void> {
    const { chain, clock, hub, info } = core;
    const { passed } = chain;
    if (passed === undefined || settler.isBusy) return;
    const { proposal } = passed;
    const nowMs = clock.now();
    if (ready?.proposal !== proposal) {
      if ((await hub.proposal(info.channel, proposal, { signal }))?.state !== "passed") return;
      ready = { proposal, sinceMs: nowMs };
    }
    if (nowMs - ready.sinceMs < patienceMs(core, requestPatienceMs)) return;
    await settler.finish();
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        await act(signal).catch((error: unknown) => {
          if (!signal.aborted) core.logger.warn("a settlement is not final yet", { reason: messageOf(error) });
        });
        await core.clock.sleep(LOOK_EVERY_MS, { signal }).catch(() => undefined);
      }
    },
  };
}
