/** Seeds that `npm test` plays. */
const USUAL_SEEDS = 20;

/**
 * Which seeds are played: `SPRF_SIMULATION_SEED` alone, to see a failure again, or the first `SPRF_SIMULATION_SEEDS`, which
 * `npm run test:long` sets to 200.
 */
export function simulationSeeds(): readonly number[] {
  const { SPRF_SIMULATION_SEED: one, SPRF_SIMULATION_SEEDS: count } = process.env;
  if (one !== undefined) return [Number(one)];
  return Array.from({ length: count === undefined ? USUAL_SEEDS : Number(count) }, (_, i) => i + 1);
}
