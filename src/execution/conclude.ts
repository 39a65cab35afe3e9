import type { Transaction } from "@stellar/stellar-sdk";

import { creditFields } from "../domain/program/credits.ts";
import { GAS_TABLE, gasFeeStroops } from "../domain/program/gas.ts";
import { historyFields } from "../domain/program/history-fields.ts";
import { buildTransition } from "../domain/program/transition-transaction.ts";
import { recordCidOf } from "../wire/canonical.ts";
import type { ExecutionAnswer } from "../wire/execution-answer.ts";
import type { SignedRequest } from "../wire/execution-request.ts";
import { encodeRecord, type TransitionRecord } from "../wire/record.ts";
import { limitsOf } from "./limits.ts";
import type { ExecutionPlan } from "./plan-run.ts";
import type { RunOutcome } from "../ports/runs.ts";

/** What a run means: the answer to sign and, where the state moved, the record and the transaction that anchor it. */
export interface Conclusion {
  readonly answer: ExecutionAnswer;
  readonly transition?: { readonly recordBlock: Uint8Array; readonly transaction: Transaction };
}

/** Draws the conclusion from a run; pure, so every honest worker draws the same to the byte. */
export function conclude(
  plan: ExecutionPlan,
  outcome: RunOutcome,
  signedRequest: SignedRequest,
  network: string,
): Conclusion {
  const { account, request, requestHash } = plan;
  const outOfGas = outcome.status === "accepted" && outcome.gas > request.maxGas;
  const moved = outcome.status === "accepted" && !outOfGas && outcome.newState !== account.state;
  const answer: ExecutionAnswer = {
    requestHash: new Uint8Array(requestHash),
    sequence: account.sequence,
    previousState: account.state,
    status: outOfGas ? "out-of-gas" : outcome.status,
    outputCid: outcome.outputCid,
    newState: moved ? outcome.newState : account.state,
    gas: outcome.gas,
  };
  if (!moved) return { answer };

  const recordBlock = encodeRecord(transitionRecord(plan, outcome, signedRequest));
  const recordCid = recordCidOf(recordBlock);
  const transaction = buildTransition({
    network,
    program: account.id,
    user: request.user,
    sequence: account.sequence,
    newState: outcome.newState,
    recordCid,
    gasFeeStroops: gasFeeStroops(outcome.gas, account.gasPriceStroops),
    validUntil: request.validUntil,
    paymentCloseTime: BigInt(plan.paymentLedger.closeTime),
  });
  return { answer: { ...answer, recordCid }, transition: { recordBlock, transaction } };
}

function transitionRecord(plan: ExecutionPlan, outcome: RunOutcome, signedRequest: SignedRequest): TransitionRecord {
  const { account, paymentLedger, run, tip } = plan;
  return {
    version: 1,
    kind: "transition",
    signedRequest,
    payment: {
      ledger: paymentLedger.sequence,
      ledgerHash: new Uint8Array(paymentLedger.hash),
      closeTime: BigInt(paymentLedger.closeTime),
    },
    environment: { time: run.time, seed: new Uint8Array(run.seed), sequence: run.sequence },
    image: account.image,
    limits: { ...limitsOf(run.reference.kind), seconds: outcome.seconds },
    gasTable: GAS_TABLE,
    previousState: account.state,
    newState: outcome.newState,
    outputCid: outcome.outputCid,
    gas: outcome.gas,
    gasFeeStroops: gasFeeStroops(outcome.gas, account.gasPriceStroops),
    ...historyFields(tip),
    ...creditFields(plan.credits ?? []),
  };
}
