import { xdr } from "@stellar/stellar-sdk";

import { SprfError } from "../../../errors.ts";
import { withSequence } from "./account.ts";
import type { AccountId } from "./account.ts";
import { feeCharged } from "./fees.ts";
import type { LedgerState, RecordChange } from "./ledger-state.ts";
import type { OperationOutcome } from "./operations/operation.ts";
import { failed } from "./operations/operation.ts";
import { rulesOf } from "./operations/rules.ts";
import { removeSigner } from "./operations/set-signer.ts";
import type { LedgerParameters } from "./parameters.ts";
import type { Verdict } from "./results.ts";
import { feeBumpResult, plainResult, untouchedResult } from "./results.ts";
import type { SignatureChecker } from "./signature-checker.ts";
import { createSignatureChecker } from "./signature-checker.ts";
import type { LedgerTransaction, PlainTransaction, TransactionOperation } from "./transaction.ts";
import { feeSourceOf } from "./transaction.ts";
import type { Progress } from "./validity.ts";
import { checkCommon, checkOperationSignatures } from "./validity.ts";

/** A transaction as the ledger holds it. */
export interface AppliedTransaction {
  readonly result: xdr.TransactionResult;
  /** Changes before the operations: sequence number and one-time signers. */
  readonly changesBefore: readonly RecordChange[];
  /** Changes of each operation; empty when the transaction failed. */
  readonly operationChanges: readonly (readonly RecordChange[])[];
}

/** Takes the fee of a transaction; all fees of a ledger are taken before anything is applied. */
export function chargeFee(state: LedgerState, tx: LedgerTransaction, baseFeeStroops: bigint): bigint {
  const payer = state.account(feeSourceOf(tx));
  if (payer === undefined) {
    throw new SprfError("INTERNAL", `fee source of ${tx.hash} vanished between validation and close`);
  }
  const wanted = feeCharged(tx, baseFeeStroops);
  const fee = wanted < payer.balanceStroops ? wanted : payer.balanceStroops;
  if (fee > 0n) {
    state.put({ ...payer, balanceStroops: payer.balanceStroops - fee });
    state.feePoolStroops += fee;
  }
  return fee;
}

/**
 * Applies a transaction whose fee has been taken. Its sequence number and its one-time signers are consumed even when it
 * fails; its operations take effect all or none.
 */
export function applyTransaction(
  state: LedgerState,
  parameters: LedgerParameters,
  tx: LedgerTransaction,
  fee: { readonly chargedStroops: bigint; readonly baseFeeStroops: bigint },
): AppliedTransaction {
  const start = state.mark();
  if (tx.kind === "plain") {
    const applied = applyPlain(state, parameters, tx, start, true);
    return { ...applied, result: plainResult(fee.chargedStroops, applied.verdict) };
  }
  removeOneTimeSigner(state, tx.feeSourceId, tx.hash);
  const applied = applyPlain(state, parameters, tx.inner, start, false);
  const inner = {
    hash: tx.inner.hash,
    feeChargedStroops: feeCharged(tx.inner, fee.baseFeeStroops),
    verdict: applied.verdict,
  };
  return { ...applied, result: feeBumpResult(fee.chargedStroops, inner) };
}

interface AppliedPlain extends Omit<AppliedTransaction, "result"> {
  readonly verdict: Verdict;
}

function applyPlain(
  state: LedgerState,
  parameters: LedgerParameters,
  tx: PlainTransaction,
  start: number,
  paysFee: boolean,
): AppliedPlain {
  const checker = createSignatureChecker(tx.contentsHash, tx.signatures);
  const { ledgerSequence, closeTime } = state;
  const moment = { state, parameters, ledgerSequence, earliestCloseTime: closeTime, latestCloseTime: closeTime };
  const progress = checkCommon(tx, checker, moment, { paysFee, applying: true });
  const source = state.account(tx.sourceId);
  if (progress.passed !== "nothing" && source !== undefined) {
    state.put(withSequence(source, tx.sequenceNumber, ledgerSequence, closeTime));
  }
  const refusal = checkSignatures(state, tx, checker, progress);
  const changesBefore = state.changesSince(start);
  if (refusal !== undefined) return { verdict: refusal, changesBefore, operationChanges: [] };
  return { ...applyOperations(state, parameters, tx), changesBefore };
}

/** Signatures of all operations, counted before any of them takes effect; one-time signers go whatever comes out. */
function checkSignatures(
  state: LedgerState,
  tx: PlainTransaction,
  checker: SignatureChecker,
  progress: Progress,
): Verdict | undefined {
  const failures =
    progress.passed === "all"
      ? tx.operations.map((operation) => checkOperationSignatures(operation, checker, state))
      : [];
  for (const id of new Set([tx.sourceId, ...tx.operations.map(({ sourceId }) => sourceId)])) {
    removeOneTimeSigner(state, id, tx.hash);
  }
  if (progress.passed !== "all") return { code: progress.code };
  if (failures.some((failure) => failure !== undefined)) {
    const operations = tx.operations.map(({ body }, i) => failures[i] ?? untouchedResult(body));
    return { code: "txFailed", operations };
  }
  return checker.allUsed() ? undefined : { code: "txBadAuthExtra" };
}

function applyOperations(
  state: LedgerState,
  parameters: LedgerParameters,
  tx: PlainTransaction,
): Omit<AppliedPlain, "changesBefore"> {
  const start = state.mark();
  const sponsorships = new Map<AccountId, AccountId>();
  const operationChanges: RecordChange[][] = [];
  const outcomes = tx.operations.map((operation): OperationOutcome => {
    const mark = state.mark();
    const outcome = applyOperation(state, parameters, operation, sponsorships);
    if (outcome.ok) operationChanges.push(state.changesSince(mark));
    else state.rollback(mark);
    return outcome;
  });
  const operations = outcomes.map(({ result }) => result);
  const succeeded = outcomes.every(({ ok }) => ok);
  if (succeeded && sponsorships.size === 0) {
    return { verdict: { code: "txSuccess", operations }, operationChanges };
  }
  state.rollback(start);
  const verdict: Verdict = succeeded ? { code: "txBadSponsorship" } : { code: "txFailed", operations };
  return { verdict, operationChanges: [] };
}

function applyOperation(
  state: LedgerState,
  parameters: LedgerParameters,
  operation: TransactionOperation,
  sponsorships: Map<AccountId, AccountId>,
): OperationOutcome {
  const rules = rulesOf(operation);
  if (rules === undefined) return failed(xdr.OperationResult.opNotSupported());
  if (state.account(operation.sourceId) === undefined) return failed(xdr.OperationResult.opNoAccount());
  const malformed = rules.check();
  if (malformed !== undefined) return failed(malformed);
  return rules.apply({ state, parameters, sourceId: operation.sourceId, sponsorships });
}

function removeOneTimeSigner(state: LedgerState, accountId: AccountId, hash: string): void {
  removeSigner(state, accountId, { kind: "preAuthTx", key: hash, payload: "" });
}
