import type { Chain } from "../ports/chain.ts";
import type { Clock } from "../ports/clock.ts";
import type { GridContracts } from "../ports/grid-contracts.ts";
import type { Logger } from "../ports/logger.ts";
import { equalBytes } from "../utils/bytes.ts";

/** As much as a message may be too old or too new, and what blocks take to arrive. */
const MAX_SKEW_MS = 60_000;
const MS_PER_SECOND = 1_000;
/** Keys change seldom, and blocks come often. */
const KEY_LOOK_MS = 10_000;

/** What keeps a node from being reached and paid though it runs, and only its operator can set right. */
export interface SelfCheck {
  /** In one line; undefined while there is none. */
  problem(): string | undefined;
  /** Compares the node with the chain, whose newest block has just been made, or is that which was found at the start. */
  look(options: { readonly isNewBlock: boolean; readonly signal: AbortSignal }): Promise<void>;
}

/** Says in the log what is wrong when it begins, and when it is over. */
export function createSelfCheck({
  chain,
  contracts,
  identity,
  clock,
  logger,
}: {
  readonly chain: Pick<Chain, "twinOfKey">;
  readonly contracts: Pick<GridContracts, "headSeconds">;
  readonly identity: { readonly publicKey: Uint8Array };
  readonly clock: Clock;
  readonly logger: Logger;
}): SelfCheck {
  let [ofClock, ofKey]: (string | undefined)[] = [];
  let keySeenMs = -Infinity;

  async function clockProblem(isNewBlock: boolean, signal: AbortSignal): Promise<string | undefined> {
    const aheadMs = clock.now() - (await contracts.headSeconds({ signal })) * MS_PER_SECOND;
    // A block that was there before may be old: a development chain makes none while nothing happens.
    if (aheadMs > MAX_SKEW_MS && !isNewBlock) return ofClock;
    if (Math.abs(aheadMs) <= MAX_SKEW_MS) return undefined;
    const by = Math.round(Math.abs(aheadMs) / MS_PER_SECOND);
    const what = "users are not heard and reports do not count";
    return aheadMs > 0
      ? `this machine's clock is ${by} s ahead of the chain's: ${what}; set it, or the chain's node is behind`
      : `this machine's clock is ${by} s behind the chain's: ${what}; set it`;
  }

  async function keyProblem(signal: AbortSignal): Promise<string | undefined> {
    // Of the twin that has ever had this key, with the newest that it has.
    const twin = await chain.twinOfKey(identity.publicKey, { signal });
    if (twin === undefined || equalBytes(twin.messageKey, identity.publicKey)) return undefined;
    return `the chain has a newer message key for twin ${twin.id}: users are not heard; start the node with the keys that it names`;
  }

  /** Told once for as long as it is the case, though its numbers may change. */
  function tell(before: string | undefined, now: string | undefined, about: "clock" | "message key"): void {
    if (now !== undefined && before === undefined) logger.error("users cannot use this node", { problem: now });
    if (now === undefined && before !== undefined) logger.info("users can use this node again", { setRight: about });
  }

  return {
    problem: () => ofClock ?? ofKey,
    async look({ isNewBlock, signal }) {
      const clockNow = await clockProblem(isNewBlock, signal);
      tell(ofClock, clockNow, "clock");
      ofClock = clockNow;
      if (Math.abs(clock.now() - keySeenMs) < KEY_LOOK_MS) return;
      keySeenMs = clock.now();
      const keyNow = await keyProblem(signal);
      tell(ofKey, keyNow, "message key");
      ofKey = keyNow;
    },
  };
}
