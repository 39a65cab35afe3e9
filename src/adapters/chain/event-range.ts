import { isError } from "ethers";

import { isSprfError } from "../../errors.ts";

/** Blocks that one request asks for at most, however empty they are. */
const MAX_BLOCKS = 50_000;
/** Events that one request should bring: enough to be quick, few enough to be held. */
const TARGET_EVENTS = 4_000;
const GROWTH = 2;
/** Requests that must go well after a refusal before a range as long as the refused one is tried again. */
const REQUESTS_BEFORE_RETRY = 32;

/** How many blocks to ask for at once, as learned from what came of it. */
export interface EventRange {
  /** Blocks of the next request. */
  next(): number;
  /** A request over `blocks` brought `events`. */
  succeeded(blocks: number, events: number): void;
  /** The node refused a request over `blocks`; false when it cannot be any shorter. */
  refused(blocks: number): boolean;
}

/** Nodes refuse ranges for their length or for what they hold, each by its own limits: so the range is halved until one passes. */
export function createEventRange(init: { readonly maxBlocks?: number } = {}): EventRange {
  const maxBlocks = init.maxBlocks ?? MAX_BLOCKS;
  let blocks = maxBlocks;
  let ceiling = maxBlocks;
  let successes = 0;
  return {
    next: () => blocks,
    succeeded(asked, events) {
      successes++;
      if (successes >= REQUESTS_BEFORE_RETRY) {
        ceiling = Math.min(maxBlocks, ceiling * GROWTH);
        successes = 0;
      }
      const wanted = events === 0 ? asked * GROWTH : Math.ceil((asked * TARGET_EVENTS) / events);
      // A short range at the head of the chain says nothing against a longer one.
      const least = asked < blocks ? blocks : 1;
      blocks = Math.max(least, Math.min(ceiling, asked * GROWTH, wanted));
    },
    refused(asked) {
      if (asked <= 1) return false;
      blocks = Math.floor(asked / GROWTH);
      ceiling = blocks;
      successes = 0;
      return true;
    },
  };
}

/**
 * What a node gives from `from` on: at most to `to`, and as far as one request of the range goes that it does not refuse.
 *
 * @param ask - for the blocks from `from` to the given one
 */
export async function readPage<T>(
  range: EventRange,
  { from, to, signal }: { readonly from: number; readonly to: number; readonly signal?: AbortSignal | undefined },
  ask: (last: number) => Promise<readonly T[]>,
): Promise<{ readonly to: number; readonly found: readonly T[] }> {
  for (;;) {
    const last = Math.min(to, from + range.next() - 1);
    const blocks = last - from + 1;
    try {
      const found = await ask(last);
      range.succeeded(blocks, found.length);
      return { to: last, found };
    } catch (error) {
      if (signal?.aborted || !isRefusal(error) || !range.refused(blocks)) throw error;
    }
  }
}

/** The node answered, but not with what was asked, or not in time; one that is away is not helped by a shorter range. */
function isRefusal(error: unknown): boolean {
  if (!isSprfError(error, "CHAIN_UNREACHABLE")) return false;
  const { cause } = error;
  return (
    isError(cause, "UNKNOWN_ERROR") ||
    isError(cause, "SERVER_ERROR") ||
    isError(cause, "TIMEOUT") ||
    isError(cause, "BAD_DATA") ||
    isError(cause, "UNSUPPORTED_OPERATION")
  );
}
