/** Seeds that `npm test` plays. */
const USUAL_SEEDS = 20;

/**
 * Which seeds of channels are played: `SPRF_CHANNEL_SIMULATION_SEED` alone, to see a failure again, or the first
 * `SPRF_CHANNEL_SIMULATION_SEEDS`.
 */
export function channelSeeds(): readonly number[] {
  const { SPRF_CHANNEL_SIMULATION_SEED: one, SPRF_CHANNEL_SIMULATION_SEEDS: count } = process.env;
  if (one !== undefined) return [Number(one)];
  return Array.from({ length: count === undefined ? USUAL_SEEDS : Number(count) }, (_, i) => i + 1);
}

/** What plays a seed again, to the same event. */
export function replayOf(seed: number): string {
  return `SPRF_CHANNEL_SIMULATION_SEED=${seed} npm test -- test/simulation-channel`;
}
