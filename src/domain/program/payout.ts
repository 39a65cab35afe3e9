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

/** So often a share may be halved for the sake of requests that wait. */
const MAX_HALVINGS = 4;

/** What an account could pay out. */
export interface PayoutFunds {
  /** What it can spend, less what the program owes to users. */
  readonly spendableStroops: bigint;
  /** What was paid for requests that wait, as far as whoever asks knows of them. @default nothing */
  readonly waitingStroops?: bigint;
  readonly workers: number;
}

/**
 * What each of so many workers gets of what an account can spend; undefined while that is too little. Of that which waiting requests
 * have paid nothing is shared: where it would be, the share is halved, a few times at most. Workers know of different requests, so
 * there must be few shares to agree on, and a smaller one is always right.
 */
export function payoutShareStroops(funds: PayoutFunds): bigint | undefined {
  return payoutSharesStroops(funds)[0];
}

/** All shares that may be paid out, the largest first. */
export function payoutSharesStroops(funds: PayoutFunds): readonly bigint[] {
  return halvesOf(mostStroops(funds)).filter((share) => isThere(share, funds));
}

/**
 * Checks a payout's sum (invariant P6): nothing of the reserve or of what waiting requests have paid; and all that there is to share,
 * or a half, a quarter ... of it, but for one step, which may have come in since it was proposed.
 *
 * @throws SprfError `PAYOUT_REFUSED`
 */
export function checkPayout({ shareStroops, ...funds }: PayoutFunds & { readonly shareStroops: bigint }): void {
  const most = mostStroops(funds);
  const allowed = [...halvesOf(most), ...halvesOf(most - SHARE_STEP_STROOPS)];
  if (allowed.includes(shareStroops) && isThere(shareStroops, funds)) return;
  const { spendableStroops, waitingStroops = 0n, workers } = funds;
  throw new SprfError(
    "PAYOUT_REFUSED",
    `${shareStroops} stroops for each of ${workers} workers: the account can spend ${spendableStroops}, of which ${PAYOUT_KEEP_STROOPS} and ${waitingStroops} of waiting requests stay, and pays out from ${PAYOUT_MIN_STROOPS} on in steps of ${SHARE_STEP_STROOPS}`,
    { context: { spendableStroops: spendableStroops.toString(), shareStroops: shareStroops.toString() } },
  );
}

/** 0 while there is too little. */
function mostStroops({ spendableStroops, workers }: PayoutFunds): bigint {
  if (spendableStroops < PAYOUT_MIN_STROOPS) return 0n;
  return wholeSteps((spendableStroops - PAYOUT_KEEP_STROOPS) / BigInt(workers));
}

function halvesOf(mostStroops: bigint): readonly bigint[] {
  const shares = Array.from({ length: MAX_HALVINGS + 1 }, (_, n) => wholeSteps(mostStroops / 2n ** BigInt(n)));
  return [...new Set(shares)].filter((share) => share > 0n);
}

function isThere(shareStroops: bigint, { spendableStroops, waitingStroops = 0n, workers }: PayoutFunds): boolean {
  return shareStroops * BigInt(workers) + PAYOUT_KEEP_STROOPS + waitingStroops <= spendableStroops;
}

function wholeSteps(stroops: bigint): bigint {
  return stroops - (stroops % SHARE_STEP_STROOPS);
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
