import type { Transaction } from "@stellar/stellar-sdk";
import { Operation } from "@stellar/stellar-sdk";

import { MAX_BATCH_INPUTS, type BatchInput, type BatchRecord } from "../../wire/batch-record.ts";
import type { SignedRequest } from "../../wire/execution-request.ts";
import type { ChainRecord } from "../../wire/record.ts";
import { addCredits, creditFields, creditsAfter, type Leftover } from "./credits.ts";
import { gasFeeStroops } from "./gas.ts";
import { programTransaction } from "./program-transaction.ts";
import { ENTRY } from "./smart-account.ts";
import { toHex } from "../../utils/bytes.ts";

/** Of all inputs of a batch together: its record is one block. Larger inputs travel by CID. */
export const MAX_BATCH_INPUT_BYTES = 512 * 1024;

/** A request whose payment landed, with what of it matters to the order and to the run. */
export type PaidInput = Pick<BatchInput, "signedRequest" | "payment" | "paidStroops">;

/** What a run gave for one input. */
export interface InputOutcome {
  readonly status: "accepted" | "rejected";
  readonly outputCid: string;
  readonly newState: string;
  readonly gas: bigint;
}

/** By the ledger that holds the payment, then by the payment's hash: nobody chooses, and everybody comes to the same order. */
export function compareInputs(a: PaidInput, b: PaidInput): number {
  return (
    a.payment.ledger - b.payment.ledger || Buffer.compare(a.signedRequest.paymentHash, b.signedRequest.paymentHash)
  );
}

/** The inputs of the next batch: the first ones in order, as many as fit. */
export function chooseInputs<T extends PaidInput>(waiting: readonly T[]): readonly T[] {
  const chosen: T[] = [];
  let bytes = 0;
  for (const input of waiting.toSorted(compareInputs)) {
    bytes += inlineBytes(input.signedRequest);
    // The first one that has no room ends it: nobody is overtaken for being large.
    if (chosen.length === MAX_BATCH_INPUTS || bytes > MAX_BATCH_INPUT_BYTES) break;
    chosen.push(input);
  }
  return chosen;
}

/** Whether inputs are a batch that `chooseInputs` could have made: in order, each once, within the limits. */
export function isOrdered(inputs: readonly PaidInput[]): boolean {
  const chosen = chooseInputs(inputs);
  if (chosen.length !== inputs.length) return false;
  return inputs.every((input, i) => {
    const before = inputs[i - 1];
    return before === undefined || compareInputs(before, input) < 0;
  });
}

/**
 * An input that a proposal passes over: it sorts before the last one that is taken, or there is room for it. `waiting` are those that
 * have to be considered by now.
 *
 * @param mayStopEarly whether what was taken cost so much time that ending there is fair
 */
export function findPassedOver<T extends PaidInput>(
  taken: readonly PaidInput[],
  waiting: readonly T[],
  { mayStopEarly }: { readonly mayStopEarly: boolean },
): T | undefined {
  const hashes = new Set(taken.map(({ signedRequest }) => toHex(signedRequest.paymentHash)));
  const left = waiting.filter(({ signedRequest }) => !hashes.has(toHex(signedRequest.paymentHash)));
  const last = taken.at(-1);
  const overtaken = left.find((input) => last === undefined || compareInputs(input, last) < 0);
  if (overtaken !== undefined || mayStopEarly) return overtaken;
  const [next] = left.toSorted(compareInputs);
  if (next === undefined) return undefined;
  return chooseInputs([...taken, next]).length > taken.length ? next : undefined;
}

/** What one run makes of its input: status, state and charge. Of what exceeds maxGas the user pays maxGas and gets nothing. */
export function concludeInput(
  input: PaidInput,
  outcome: InputOutcome,
  parts: {
    readonly state: string;
    readonly terms: BatchRecord["terms"];
    readonly environment: BatchInput["environment"];
  },
): BatchInput {
  const { maxGas } = input.signedRequest.request;
  const { baseFeeStroops, gasPriceStroops } = parts.terms;
  const outOfGas = outcome.status === "accepted" && outcome.gas > maxGas;
  const accepted = outcome.status === "accepted" && !outOfGas;
  const chargeableGas = outcome.gas < maxGas ? outcome.gas : maxGas;
  const price = baseFeeStroops + gasFeeStroops(chargeableGas, gasPriceStroops);
  const { signedRequest, payment, paidStroops } = input;
  return {
    signedRequest,
    payment,
    paidStroops,
    environment: parts.environment,
    status: outOfGas ? "out-of-gas" : outcome.status,
    outputCid: outcome.outputCid,
    newState: accepted ? outcome.newState : parts.state,
    gas: outcome.gas,
    // The terms may have changed since it was paid.
    chargedStroops: price < paidStroops ? price : paidStroops,
  };
}

/** What the program owes after these inputs, for the record that anchors them. */
export function batchCredits(previous: ChainRecord, inputs: readonly BatchInput[]): Pick<BatchRecord, "credits"> {
  return creditFields(addCredits(creditsAfter(previous), leftoversOf(inputs)));
}

/** What inputs left of their payments. */
export function leftoversOf(inputs: readonly BatchInput[]): readonly Leftover[] {
  return inputs.map(({ signedRequest, paidStroops, chargedStroops, environment }) => ({
    user: signedRequest.request.user,
    stroops: paidStroops - chargedStroops,
    at: environment.time,
  }));
}

/**
 * The transaction of a batch. It sets the state, and nothing of it depends on any user: no account that is merged or drained can make
 * it fail, so nobody can void another's result. Refunds have transactions of their own for this reason.
 */
export function buildBatch(record: BatchRecord, recordCid: string): Transaction {
  return programTransaction({ ...record, recordCid, maxTime: record.validUntil })
    .addOperation(Operation.manageData({ source: record.program, name: ENTRY.state, value: record.newState }))
    .build();
}

function inlineBytes({ request }: SignedRequest): number {
  return "bytes" in request.input ? request.input.bytes.length : 0;
}
