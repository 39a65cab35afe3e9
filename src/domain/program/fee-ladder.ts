/** What the transaction of a transition may cost its user on a busy ledger, unless the user says otherwise. */
export const TRANSITION_FEE_STROOPS = 30_000n;

/** Fee of each operation that is offered first; a bid, of which the ledger takes what it needs. */
export const FEE_PER_OPERATION_STROOPS = 1_000n;

/** What making or changing an account may cost its owner in fees: an operation for each entry and signer, old and new. */
export const CHANGE_FEE_STROOPS = 100n * FEE_PER_OPERATION_STROOPS;

/** The least that the network takes for an operation. */
const NETWORK_FEE_STROOPS = 100n;

/** How many times as much a waiting transaction's replacement must offer (stellar-core). */
const REPLACEMENT_FACTOR = 10n;

/**
 * What to offer for each operation of a fee bump, in turn: each offer ten times the one before, which is what the queue asks of a
 * replacement, and the last as much as the payer allows.
 *
 * @param operations of the transaction inside; the bump counts as one more
 * @param maxFeeStroops for all of it
 * @returns none when that is less than the network takes at all
 */
export function feeLadder(operations: number, maxFeeStroops: bigint): readonly bigint[] {
  const most = maxFeeStroops / BigInt(operations + 1);
  if (most < NETWORK_FEE_STROOPS) return [];
  const ladder: bigint[] = [];
  for (let offer = FEE_PER_OPERATION_STROOPS; offer < most; offer *= REPLACEMENT_FACTOR) ladder.push(offer);
  return [...ladder, most];
}
