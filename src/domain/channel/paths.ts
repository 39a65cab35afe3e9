/** One who can bring a member the leader's records. */
export interface Neighbour {
  readonly signer: string;
  /** To it and back, as measured here; undefined until it was. */
  readonly roundTripMs?: number | undefined;
  /** What it says it is from the leader, which may be a lie. */
  readonly toldMs?: number | undefined;
  /** It was late, brought nothing, or showed other things than it said, and is the last that is tried. */
  readonly isDoubted: boolean;
  /** The leader itself, which is to send to few. */
  readonly isLeader: boolean;
}

/** From whom records come, and whose word they are compared with. */
export interface Paths {
  readonly first?: string | undefined;
  readonly second?: string | undefined;
}

/** Of one that was not measured yet: anybody who was is better, but nobody is left for that alone. */
const UNKNOWN_MS = 1_000;
/** A path is left for one that is better by so much at least: less is noise. */
const LEAST_GAIN_MS = 5;
const LEAST_GAIN = 0.25;

/** From the leader by way of a neighbour; half of a round trip is the way. */
export function delayBy({ roundTripMs = UNKNOWN_MS, toldMs = UNKNOWN_MS, isLeader }: Neighbour): number {
  return roundTripMs / 2 + (isLeader ? 0 : toldMs);
}

/**
 * The best path and the second best: relays before the leader, and the leader before those that are doubted; among these by delay, and
 * by their order where that is the same. What is held is kept until another one is better by more than noise.
 */
export function choosePaths(neighbours: readonly Neighbour[], held: Paths): Paths {
  const first = choose(neighbours, held.first);
  const second = choose(
    neighbours.filter(({ signer }) => signer !== first),
    held.second,
  );
  return { first, second };
}

function choose(neighbours: readonly Neighbour[], held: string | undefined): string | undefined {
  const [best] = neighbours.toSorted((a, b) => rankOf(a) - rankOf(b) || delayBy(a) - delayBy(b));
  const kept = neighbours.find(({ signer }) => signer === held);
  if (best === undefined || kept === undefined || rankOf(best) < rankOf(kept)) return best?.signer;
  const delayMs = delayBy(kept);
  const isWorth = delayMs - delayBy(best) > Math.max(LEAST_GAIN_MS, LEAST_GAIN * delayMs);
  return (isWorth ? best : kept).signer;
}

function rankOf({ isDoubted, isLeader }: Neighbour): number {
  if (isDoubted) return 2;
  return isLeader ? 1 : 0;
}
