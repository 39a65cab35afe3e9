/** What a developer may set for the market's end-to-end test. */
export interface MarketTestSettings {
  /** Decides who is killed when, and what users send. */
  readonly seed: number;
  /** Time between blocks; absent: as slow as this machine needs it. */
  readonly blockMs: number | undefined;
  /** Where logs and data are kept after the test; absent: nowhere. */
  readonly keep: string | undefined;
}

const MAX_SEED = 2 ** 32;
const LEAST_BLOCK_MS = 5_000;
const MOST_BLOCK_MS = 12_000;
/** How long a daemon takes to start where two cores have nothing else to do, in groups of two. */
const USUAL_START_MS = 2_500;

/** `SPRF_MARKET_SEED`, `SPRF_MARKET_BLOCK_MS`, `SPRF_MARKET_KEEP`; the seed is drawn when it is not given. */
export function marketTestSettings(): MarketTestSettings {
  const { SPRF_MARKET_SEED: seed, SPRF_MARKET_BLOCK_MS: blockMs, SPRF_MARKET_KEEP: keep } = process.env;
  return {
    seed: seed === undefined ? Math.floor(Math.random() * MAX_SEED) : Number(seed),
    blockMs: blockMs === undefined ? undefined : Number(blockMs),
    keep,
  };
}

/**
 * Time between blocks on this machine: five seconds where daemons start as fast as they usually do, in proportion longer where they
 * start slower, because all that they do within an epoch takes longer there, too.
 */
export function paceOf(startMs: number): number {
  const blockMs = Math.round((LEAST_BLOCK_MS * startMs) / USUAL_START_MS);
  return Math.min(Math.max(blockMs, LEAST_BLOCK_MS), MOST_BLOCK_MS);
}
