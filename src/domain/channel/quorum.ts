const PARTS = 3n;
const NEEDED_PARTS = 2n;

/** The least weight that is strictly more than two thirds: two quorums share more than a third, so at least one who is honest. */
export function quorumOf(countedWeight: bigint): bigint {
  return (countedWeight * NEEDED_PARTS) / PARTS + 1n;
}

/** Whether `weight` of `countedWeight` decides. Nobody can decide where nobody counts. */
export function isQuorum(weight: bigint, countedWeight: bigint): boolean {
  return countedWeight > 0n && weight >= quorumOf(countedWeight);
}
