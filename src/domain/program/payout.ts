import { Asset, Operation, type Transaction } from "@stellar/stellar-sdk";

import { SprfError } from "../../errors.ts";
import { programTransaction, type ProgramTransactionParts } from "./program-transaction.ts";
import { formatStroops } from "./stroops.ts";

/** Workers are paid when the account can spend this much: a payout costs a fee and a place in the account's sequence. */
export const PAYOUT_MIN_STROOPS = 100_000_000n;

/** Stays in the account above its reserve, for an entry or a signer more. */
export const PAYOUT_KEEP_STROOPS = 10_000_000n;

/** What each of so many workers gets of what an account can spend; undefined while that is too little. */
export function payoutShareStroops(spendableStroops: bigint, workers: number): bigint | undefined {
  if (spendableStroops < PAYOUT_MIN_STROOPS) return undefined;
  return (spendableStroops - PAYOUT_KEEP_STROOPS) / BigInt(workers);
}

/**
 * Checks a payout's sum (invariant P6): nothing of the reserve, and not so little that it is not worth its fee. What came in since
 * it was proposed is left for the next one.
 *
 * @throws SprfError `PAYOUT_REFUSED`
 */
export function checkPayout({
  spendableStroops,
  workers,
  shareStroops,
}: {
  readonly spendableStroops: bigint;
  readonly workers: number;
  readonly shareStroops: bigint;
}): void {
  const most = payoutShareStroops(spendableStroops, workers);
  const least = payoutShareStroops(PAYOUT_MIN_STROOPS, workers) ?? 0n;
  if (most !== undefined && shareStroops <= most && shareStroops >= least) return;
  throw new SprfError(
    "PAYOUT_REFUSED",
    `${shareStroops} stroops for each of ${workers} workers: the account can spend ${spendableStroops}, of which ${PAYOUT_KEEP_STROOPS} stay, and pays out from ${PAYOUT_MIN_STROOPS} on`,
    { context: { spendableStroops: spendableStroops.toString(), shareStroops: shareStroops.toString() } },
  );
}

/** Equal payments from the smart account to all its workers. */
export function buildPayout({
  workers,
  shareStroops,
  ...parts
}: ProgramTransactionParts & { readonly workers: readonly string[]; readonly shareStroops: bigint }): Transaction {
  const builder = programTransaction(parts);
  for (const destination of workers) {
    builder.addOperation(
      Operation.payment({ destination, asset: Asset.native(), amount: formatStroops(shareStroops) }),
    );
  }
  return builder.build();
}
