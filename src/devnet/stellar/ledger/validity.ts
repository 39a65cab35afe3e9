import type { xdr as XdrTypes } from "@stellar/stellar-sdk";
import { xdr } from "@stellar/stellar-sdk";

import type { Account } from "./account.ts";
import { availableBalance } from "./account.ts";
import { minimumFee } from "./fees.ts";
import type { LedgerState } from "./ledger-state.ts";
import { rulesOf } from "./operations/rules.ts";
import type { LedgerParameters } from "./parameters.ts";
import { INT64_MAX, startingSequenceNumber } from "./parameters.ts";
import type { BareCode, Verdict } from "./results.ts";
import { untouchedResult } from "./results.ts";
import type { SignatureChecker } from "./signature-checker.ts";
import { createSignatureChecker } from "./signature-checker.ts";
import { sameSignerKey } from "./signer-key.ts";
import type { PlainTransaction, TransactionOperation } from "./transaction.ts";

/** The moment for which validity is asked. */
export interface Moment {
  readonly state: LedgerState;
  readonly parameters: LedgerParameters;
  /** Ledger in which the transaction would be applied. */
  readonly ledgerSequence: number;
  /** Earliest close time (seconds) of that ledger: lower bounds are held against it. */
  readonly earliestCloseTime: bigint;
  /** Latest close time (seconds) to reckon with: upper bounds are held against it. */
  readonly latestCloseTime: bigint;
}

export interface ValidityOptions {
  /** Sequence number after which this transaction comes; the account's own when undefined. */
  readonly afterSequence?: bigint | undefined;
  /** False for the inner transaction of a fee bump. */
  readonly paysFee: boolean;
  /** True when the fee has been taken already. */
  readonly applying: boolean;
}

/** How far the checks on the transaction as a whole went; from `sequence` on its number is consumed when applied. */
export type Progress =
  { readonly passed: "nothing" | "sequence" | "signatures"; readonly code: BareCode } | { readonly passed: "all" };

/** Checks on a transaction as a whole, in the order of stellar-core's `TransactionFrame::commonValid`. */
export function checkCommon(
  tx: PlainTransaction,
  checker: SignatureChecker,
  moment: Moment,
  options: ValidityOptions,
): Progress {
  const early = checkWithoutAccount(tx, moment, options);
  if (early !== undefined) return { passed: "nothing", code: early };
  const source = moment.state.account(tx.sourceId);
  if (source === undefined) return { passed: "nothing", code: "txNoAccount" };
  if (isBadSequence(tx, options.afterSequence ?? source.sequenceNumber, moment)) {
    return { passed: "nothing", code: "txBadSeq" };
  }
  if (isTooEarlyForAccount(tx, source, moment)) return { passed: "sequence", code: "txBadMinSeqAgeOrGap" };
  if (!checker.checkAccount(source, source.thresholds.low)) return { passed: "sequence", code: "txBadAuth" };
  const { extraSigners } = tx.preconditions;
  if (extraSigners.length > 0) {
    const signers = extraSigners.map((key) => ({ key, weight: 1 }));
    if (!checker.check(signers, signers.length)) return { passed: "sequence", code: "txBadAuth" };
  }
  const due = options.applying ? 0n : tx.feeBidStroops;
  if (options.paysFee && availableBalance(source, moment.parameters) < due) {
    return { passed: "signatures", code: "txInsufficientBalance" };
  }
  return { passed: "all" };
}

/** Whether a transaction that is not applied yet would be valid; the verdict is what `sendTransaction` reports. */
export function checkTransaction(
  tx: PlainTransaction,
  moment: Moment,
  options: Omit<ValidityOptions, "applying">,
): Verdict {
  const checker = createSignatureChecker(tx.contentsHash, tx.signatures);
  const common = checkCommon(tx, checker, moment, { ...options, applying: false });
  if (common.passed !== "all") return { code: common.code };
  for (const [index, operation] of tx.operations.entries()) {
    const failure = checkOperation(operation, checker, moment);
    if (failure === undefined) continue;
    const operations = tx.operations.map(({ body }, i) => (i === index ? failure : untouchedResult(body)));
    return { code: "txFailed", operations };
  }
  if (!checker.allUsed()) return { code: "txBadAuthExtra" };
  return { code: "txSuccess", operations: tx.operations.map(({ body }) => untouchedResult(body)) };
}

/** Signatures of one operation's source at the operation's threshold; the failure, or undefined. */
export function checkOperationSignatures(
  operation: TransactionOperation,
  checker: SignatureChecker,
  state: LedgerState,
): XdrTypes.OperationResult | undefined {
  const source = state.account(operation.sourceId);
  if (source !== undefined) {
    const level = rulesOf(operation)?.threshold ?? "medium";
    return checker.checkAccount(source, source.thresholds[level]) ? undefined : xdr.OperationResult.opBadAuth();
  }
  if (!operation.hasOwnSource) return xdr.OperationResult.opNoAccount();
  // The account may be created by an earlier operation: its own key must have signed.
  const own = [{ key: { kind: "ed25519", key: operation.sourceId, payload: "" }, weight: 1 }] as const;
  return checker.check(own, 0) ? undefined : xdr.OperationResult.opBadAuth();
}

function checkOperation(
  operation: TransactionOperation,
  checker: SignatureChecker,
  { state }: Moment,
): XdrTypes.OperationResult | undefined {
  const rules = rulesOf(operation);
  if (rules === undefined) return xdr.OperationResult.opNotSupported();
  return checkOperationSignatures(operation, checker, state) ?? rules.check();
}

function checkWithoutAccount(tx: PlainTransaction, moment: Moment, { paysFee }: ValidityOptions): BareCode | undefined {
  const { minTime, maxTime, minLedger, maxLedger, extraSigners } = tx.preconditions;
  const [first, second] = extraSigners;
  if (first !== undefined && second !== undefined && sameSignerKey(first, second)) return "txMalformed";
  if (extraSigners.some(({ kind, payload }) => kind === "signedPayload" && payload === "")) return "txMalformed";
  if (tx.operations.length === 0) return "txMissingOperation";
  if (minTime > moment.earliestCloseTime || minLedger > moment.ledgerSequence) return "txTooEarly";
  if (maxTime !== 0n && maxTime < moment.latestCloseTime) return "txTooLate";
  if (maxLedger !== 0 && maxLedger <= moment.ledgerSequence) return "txTooLate";
  if (paysFee && tx.feeBidStroops < minimumFee(tx, moment.parameters)) return "txInsufficientFee";
  return undefined;
}

function isBadSequence(tx: PlainTransaction, current: bigint, { ledgerSequence }: Moment): boolean {
  // This number is the one a fresh account starts with; allowing it would let a merge replay transactions.
  if (tx.sequenceNumber === startingSequenceNumber(ledgerSequence)) return true;
  const { minSequenceNumber } = tx.preconditions;
  if (minSequenceNumber !== undefined) return current < minSequenceNumber || current >= tx.sequenceNumber;
  return current === INT64_MAX || current + 1n !== tx.sequenceNumber;
}

function isTooEarlyForAccount(tx: PlainTransaction, source: Account, moment: Moment): boolean {
  const { minSequenceAge, minSequenceLedgerGap } = tx.preconditions;
  if (moment.earliestCloseTime - minSequenceAge < source.sequenceTime) return true;
  return moment.ledgerSequence - minSequenceLedgerGap < source.sequenceLedger;
}
