import { Asset, Operation, type Transaction } from "@stellar/stellar-sdk";

import { SprfError } from "../../errors.ts";
import { programTransaction, type ProgramTransactionParts } from "./program-transaction.ts";
import { formatStroops } from "./stroops.ts";

/** Workers are paid when the account can spend this much: a payout costs a fee and a place in the account's sequence. */
const PAYOUT_MIN_STROOPS = 100_000_000n;

/** Stays in the account above its reserve, for an entry or a signer more. */
export const PAYOUT_KEEP_STROOPS = 10_000_000n;

/** Shares are multiples of this, so that there are few payouts that can be proposed, and small payments do not change which. */
const SHARE_STEP_STROOPS = 1_000_000n;

/** What each of so many workers gets of what an account can spend; undefined while that is too little. */
export function payoutShareStroops(spendableStroops: bigint, workers: number): bigint | undefined {
  if (spendableStroops < PAYOUT_MIN_STROOPS) return undefined;
  const share = (spendableStroops - PAYOUT_KEEP_STROOPS) / BigInt(workers);
  return share - (share % SHARE_STEP_STROOPS);
}

/**
 * Checks a payout's sum (invariant P6): nothing of the reserve, and all that there is to share but for one step, which may have
 * come in since it was proposed.
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
  if (most !== undefined && (shareStroops === most || shareStroops === most - SHARE_STEP_STROOPS)) return;
  throw new SprfError(
    "PAYOUT_REFUSED",
    `${shareStroops} stroops for each of ${workers} workers: the account can spend ${spendableStroops}, of which ${PAYOUT_KEEP_STROOPS} stay, and pays out from ${PAYOUT_MIN_STROOPS} on in steps of ${SHARE_STEP_STROOPS}`,
    { context: { spendableStroops: spendableStroops.toString(), shareStroops: shareStroops.toString() } },
  );
}

/**
 * Checks that what was prepaid for requests that still wait is not paid out: most of it will be owed to their users, but no record
 * says so yet. What stays after a payout covers as much as that.
 *
 * @throws SprfError `PAYOUT_REFUSED`
 */
export function checkWaiting(waitingStroops: bigint): void {
  if (waitingStroops <= PAYOUT_KEEP_STROOPS) return;
  throw new SprfError(
    "PAYOUT_REFUSED",
    `${waitingStroops} stroops were prepaid for requests that wait, and ${PAYOUT_KEEP_STROOPS} would stay for them`,
    { context: { waitingStroops: waitingStroops.toString() } },
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
