import { availableBalance } from "./account.ts";
import { billedOperations, divideUp, minimumFee } from "./fees.ts";
import type { BareCode } from "./results.ts";
import { createSignatureChecker } from "./signature-checker.ts";
import type { FeeBumpTransaction } from "./transaction.ts";
import type { Moment } from "./validity.ts";

/** Why the outer part of a fee bump is refused, with the fee that the result shows. */
export interface FeeBumpRefusal {
  readonly code: BareCode;
  readonly feeChargedStroops: bigint;
}

/** Checks on the outer part of a fee bump (stellar-core, `FeeBumpTransactionFrame::commonValid`), without the inner. */
export function checkFeeBump(tx: FeeBumpTransaction, moment: Moment): FeeBumpRefusal | undefined {
  const { parameters, state } = moment;
  const outerMinimum = minimumFee(tx, parameters);
  const refuse = (code: BareCode, feeChargedStroops = outerMinimum): FeeBumpRefusal => ({ code, feeChargedStroops });

  if (tx.feeBidStroops < outerMinimum) return refuse("txInsufficientFee");
  // The outer bid of an operation must not be below the inner one's.
  const innerOperations = billedOperations(tx.inner);
  const needed = tx.inner.feeBidStroops * billedOperations(tx);
  if (tx.feeBidStroops * innerOperations < needed) {
    return refuse("txInsufficientFee", divideUp(needed, innerOperations));
  }
  const source = state.account(tx.feeSourceId);
  if (source === undefined) return refuse("txNoAccount");
  const checker = createSignatureChecker(tx.contentsHash, tx.signatures);
  if (!checker.checkAccount(source, source.thresholds.low)) return refuse("txBadAuth");
  if (availableBalance(source, parameters) < tx.feeBidStroops) return refuse("txInsufficientBalance");
  if (!checker.allUsed()) return refuse("txBadAuthExtra");
  return undefined;
}
