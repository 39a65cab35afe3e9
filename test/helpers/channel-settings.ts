/** Calls that `npm test` plays. */
const USUAL_CALLS = 2_000;

/**
 * How many random calls the sandbox and another EVM play, and by which seed: `SPRF_CHANNEL_CALLS`, which `npm run test:long` sets
 * to 24,000, and `SPRF_CHANNEL_SEED`.
 */
export function differentialCalls(): { readonly calls: number; readonly seed: number } {
  const { SPRF_CHANNEL_CALLS: calls, SPRF_CHANNEL_SEED: seed } = process.env;
  return { calls: calls === undefined ? USUAL_CALLS : Number(calls), seed: seed === undefined ? 1 : Number(seed) };
}

/** Calls that CI plays besides, by another seed. */
const MANY_CALLS = 20_000;

/** As {@link differentialCalls}, for a test that is too long for `npm test`. */
export function manyDifferentialCalls(): ReturnType<typeof differentialCalls> {
  const { calls, seed } = differentialCalls();
  return { calls: Math.max(calls, MANY_CALLS), seed: seed + 1 };
}

/** Calls that three nodes play to see whether they grow. */
const USUAL_MEMORY_CALLS = 100_000;

/** How many they are: `SPRF_CHANNEL_MEMORY_CALLS`, which `npm run test:long` sets to 1,000,000. */
export function channelMemoryCalls(): number {
  const { SPRF_CHANNEL_MEMORY_CALLS: calls } = process.env;
  return calls === undefined ? USUAL_MEMORY_CALLS : Number(calls);
}

/** Each of them is run a dozen times. */
const USUAL_REPLAYS = 98;
/** Of the calls that are played against another EVM, so many are run on chain as well. */
const REPLAYED_SHARE = 12;

/** How many random calls the chain runs again, and by which seed. */
export function replayCalls(): ReturnType<typeof differentialCalls> {
  const { calls, seed } = differentialCalls();
  return { calls: Math.max(USUAL_REPLAYS, Math.floor(calls / REPLAYED_SHARE)), seed };
}
