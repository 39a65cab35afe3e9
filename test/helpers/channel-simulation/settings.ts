/** Seeds that `npm test` plays. */
const USUAL_SEEDS = 20;
/** Each has found a fault: a promise forgotten in a crash, a new leader below an old one's head, a term whose base was not learned, a tail that came back. */
const TELLING_SEEDS = [95, 233, 420, 429, 623];

/**
 * Which seeds of channels are played: `SPRF_CHANNEL_SIMULATION_SEED` alone, to see a failure again, or the first
 * `SPRF_CHANNEL_SIMULATION_SEEDS`.
 */
export function channelSeeds(): readonly number[] {
  const { SPRF_CHANNEL_SIMULATION_SEED: one, SPRF_CHANNEL_SIMULATION_SEEDS: count } = process.env;
  if (one !== undefined) return [Number(one)];
  const first = Array.from({ length: count === undefined ? USUAL_SEEDS : Number(count) }, (_, i) => i + 1);
  return count === undefined ? [...first, ...TELLING_SEEDS] : first;
}

/** What plays a seed again, to the same event. */
export function replayOf(seed: number): string {
  return `SPRF_CHANNEL_SIMULATION_SEED=${seed} npm test -- test/simulation-channel`;
}
