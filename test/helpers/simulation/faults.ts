import type { Clock } from "../../../src/ports/clock.ts";
import type { SeededRandom } from "../seeded-random.ts";

const PER_CENT = 100;

/** What a simulated network does to messages; shares in per cent. */
export interface FaultRates {
  readonly lost: number;
  readonly doubled: number;
  /** A message takes 1 ms to this. */
  readonly delayMs: number;
  /** Of messages that take ten times as long, so that later ones overtake them. */
  readonly slow: number;
}

/** Bad luck, as a seed deals it, until it is healed. */
export interface Faults {
  readonly areOver: boolean;
  /** From now on only delays are left. */
  heal(): void;
  /** Whether something with this share in per cent happens now. */
  strikes(share: number): boolean;
  /** Lets a message travel. */
  travel(options?: { signal?: AbortSignal | undefined }): Promise<void>;
  /** Lets the time pass after which a sender takes its message for lost. */
  giveUp(options?: { signal?: AbortSignal | undefined }): Promise<void>;
  readonly rates: FaultRates;
}

const SLOW_FACTOR = 10;
const LEAST_PATIENCE_MS = 500;
const MORE_PATIENCE_MS = 5_000;

export function createFaults(clock: Clock, random: SeededRandom, rates: FaultRates): Faults {
  let areOver = false;
  const strikes = (share: number): boolean => random.below(PER_CENT) < share && !areOver;
  return {
    get areOver() {
      return areOver;
    },
    heal: () => void (areOver = true),
    strikes,
    rates,
    async travel(options) {
      const delayMs = 1 + random.below(rates.delayMs);
      await clock.sleep(strikes(rates.slow) ? delayMs * SLOW_FACTOR : delayMs, options);
    },
    giveUp: async (options) => await clock.sleep(LEAST_PATIENCE_MS + random.below(MORE_PATIENCE_MS), options),
  };
}
