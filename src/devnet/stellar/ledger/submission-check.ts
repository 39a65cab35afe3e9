import type { xdr } from "@stellar/stellar-sdk";

import { checkFeeBump } from "./fee-bump.ts";
import { minimumFee } from "./fees.ts";
import { feeBumpResult, plainResult } from "./results.ts";
import type { LedgerTransaction } from "./transaction.ts";
import type { Moment } from "./validity.ts";
import { checkTransaction } from "./validity.ts";

/** Whether a transaction may wait for the next ledger, and the result to report when it may not. */
export interface SubmissionCheck {
  readonly valid: boolean;
  readonly result: xdr.TransactionResult;
}

/** All checks that a node makes before it takes a transaction, for plain transactions and fee bumps. */
export function checkSubmission(tx: LedgerTransaction, moment: Moment, afterSequence?: bigint): SubmissionCheck {
  const { parameters } = moment;
  if (tx.kind === "plain") {
    const verdict = checkTransaction(tx, moment, { afterSequence, paysFee: true });
    return { valid: verdict.code === "txSuccess", result: plainResult(minimumFee(tx, parameters), verdict) };
  }
  const refusal = checkFeeBump(tx, moment);
  if (refusal !== undefined) {
    return { valid: false, result: plainResult(refusal.feeChargedStroops, { code: refusal.code }) };
  }
  const verdict = checkTransaction(tx.inner, moment, { afterSequence, paysFee: false });
  const inner = { hash: tx.inner.hash, feeChargedStroops: 0n, verdict };
  return { valid: verdict.code === "txSuccess", result: feeBumpResult(minimumFee(tx, parameters), inner) };
}
