import type { Transaction } from "@stellar/stellar-sdk";

import type { BatchRecord } from "../../wire/batch-record.ts";
import { equalBytes } from "../../utils/bytes.ts";
import type { ExecutionAnswer } from "../../wire/execution-answer.ts";
import { hashRequest } from "../../wire/execution-request.ts";
import type { TransitionRecord } from "../../wire/record.ts";
import { buildBatch } from "./batch.ts";
import type { RunRecord } from "./run-record.ts";
import { buildTransition } from "./transition-transaction.ts";

/** What a record says of one request, and the transaction that the ledger holds if that landed. */
export interface AnchoredAnswer {
  readonly answer: ExecutionAnswer;
  readonly transaction: Transaction;
}

/**
 * Reads a request's answer from the record that anchors it. Both follow from the record alone: terms that changed since, and what
 * anybody says about it, do not matter. Undefined when the record is of other requests.
 */
export function anchoredAnswer(
  record: RunRecord,
  recordCid: string,
  requestHash: Uint8Array,
): AnchoredAnswer | undefined {
  if (record.kind === "batch") {
    const answer = batchAnswer(record, recordCid, requestHash);
    return answer === undefined ? undefined : { answer, transaction: buildBatch(record, recordCid) };
  }
  const { request } = record.signedRequest;
  if (!equalBytes(hashRequest(request), requestHash)) return undefined;
  return { answer: transitionAnswer(record, recordCid, requestHash), transaction: transitionOf(record, recordCid) };
}

/** What a batch says of one of its requests, as an answer; undefined when it does not hold it. */
export function batchAnswer(
  record: BatchRecord,
  recordCid: string,
  requestHash: Uint8Array,
): ExecutionAnswer | undefined {
  const index = record.inputs.findIndex(({ signedRequest }) =>
    equalBytes(hashRequest(signedRequest.request), requestHash),
  );
  const input = record.inputs[index];
  if (input === undefined) return undefined;
  return {
    requestHash: new Uint8Array(requestHash),
    sequence: record.sequence,
    previousState: record.inputs[index - 1]?.newState ?? record.previousState,
    status: input.status,
    outputCid: input.outputCid,
    newState: input.newState,
    gas: input.gas,
    recordCid,
  };
}

function transitionAnswer(record: TransitionRecord, recordCid: string, requestHash: Uint8Array): ExecutionAnswer {
  const { environment, previousState, outputCid, newState, gas } = record;
  return {
    requestHash: new Uint8Array(requestHash),
    sequence: environment.sequence,
    previousState,
    status: "accepted",
    outputCid,
    newState,
    gas,
    recordCid,
  };
}

function transitionOf({ signedRequest, environment, ...record }: TransitionRecord, recordCid: string): Transaction {
  const { network, program, user, validUntil } = signedRequest.request;
  return buildTransition({
    network,
    program,
    user,
    sequence: environment.sequence,
    newState: record.newState,
    recordCid,
    gasFeeStroops: record.gasFeeStroops,
    validUntil,
    paymentCloseTime: record.payment.closeTime,
  });
}
