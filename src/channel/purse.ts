import { SprfError } from "../errors.ts";
import type { Core } from "./core.ts";

/** Transactions that a node sends to guard a channel, between two heights that become final. */
const DEFAULT_MOST = 32;

/**
 * What guarding may cost. Whoever makes others send a transaction pays more for that itself, but not everybody has as much to lose: so a
 * node stops at a number, says so, and begins anew with the next height that becomes final.
 */
export interface Purse {
  /** Counts a transaction and sends it. @throws SprfError `CHANNEL_BUSY` when there were enough of them */
  spend(what: string, send: () => Promise<void>): Promise<void>;
  /** Why nothing is sent any more; undefined when something may be. */
  readonly trouble: string | undefined;
}

export function createPurse(core: Pick<Core, "chain" | "logger">, most: number = DEFAULT_MOST): Purse {
  let spent = 0;
  let sinceHeight = core.chain.settled.height;
  let isTold = false;

  function begin(): void {
    if (core.chain.settled.height === sinceHeight) return;
    sinceHeight = core.chain.settled.height;
    spent = 0;
    isTold = false;
  }

  return {
    async spend(what, send) {
      begin();
      if (spent >= most) {
        const why = `${what}: ${spent} transactions were sent to guard the channel since height ${sinceHeight} is final`;
        if (!isTold) core.logger.error("this node guards no more until something is final", { why });
        isTold = true;
        throw new SprfError("CHANNEL_BUSY", why);
      }
      spent += 1;
      await send();
    },
    get trouble() {
      begin();
      return spent >= most ? `enough was spent to guard the channel since height ${sinceHeight}` : undefined;
    },
  };
}
