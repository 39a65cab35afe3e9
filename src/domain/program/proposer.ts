/** Each rotation gives its proposers twice the time of the one before, up to this power: slow programs have their turn too. */
const MAX_DOUBLINGS = 4;

/**
 * The round after so much time without a landing: each worker has its turn once in a rotation, for `timeoutMs` in the first one.
 * Every worker counts by its own clock, so two may be a round apart.
 */
export function roundAt(elapsedMs: number, timeoutMs: number, workers: number): number {
  let left = Math.max(0, elapsedMs);
  for (let rotation = 0; ; rotation += 1) {
    const roundMs = turnMs(rotation * workers, timeoutMs, workers);
    if (left < roundMs * workers) return rotation * workers + Math.floor(left / roundMs);
    left -= roundMs * workers;
  }
}

/** How long a round lasts. */
export function turnMs(round: number, timeoutMs: number, workers: number): number {
  return timeoutMs * 2 ** Math.min(Math.floor(round / workers), MAX_DOUBLINGS);
}

/** Whose turn it is, as an index into the account's workers. */
export function proposerAt(sequence: bigint, round: number, workers: number): number {
  return Number((sequence + BigInt(round)) % BigInt(workers));
}

/** Whether it is a worker's turn, give or take one round. */
export function mayPropose(
  index: number,
  { sequence, round, workers }: { readonly sequence: bigint; readonly round: number; readonly workers: number },
): boolean {
  return [round - 1, round, round + 1].some((each) => each >= 0 && proposerAt(sequence, each, workers) === index);
}
