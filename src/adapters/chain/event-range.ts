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
