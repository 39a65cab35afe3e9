import type { Transaction } from "@stellar/stellar-sdk";

import { batchCredits, buildBatch, concludeInput, type PaidInput } from "../domain/program/batch.ts";
import { timeAfter } from "../domain/program/chain-record.ts";
import { GAS_TABLE } from "../domain/program/gas.ts";
import { buildRefund, refundFields } from "../domain/program/refund.ts";
import { environmentOf } from "../domain/program/run-environment.ts";
import { SprfError, isSprfError, messageOf } from "../errors.ts";
import { throwIfAborted } from "../utils/abort.ts";
import { toHex } from "../utils/bytes.ts";
import type { BatchInput, BatchRecord, RefundRecord, ReturnRecord } from "../wire/batch-record.ts";
import { recordCidOf } from "../wire/canonical.ts";
import { hashRequest } from "../wire/execution-request.ts";
import { encodeRecord } from "../wire/record.ts";
import type { BatchBase } from "./batch-base.ts";
import { limitsOf } from "./limits.ts";
import type { RunOutcome, RunPlan } from "../ports/runs.ts";

/** A record, and the transaction that it lands with. */
export interface Anchorable<R> {
  readonly record: R;
  readonly recordBlock: Uint8Array;
  readonly recordCid: string;
  readonly transaction: Transaction;
}

export interface BatchRun extends Anchorable<BatchRecord> {
  /** For people: why inputs were rejected, in their order. */
  readonly details: readonly string[];
}

/** Runs one input; gives the same outcome for the same plan. */
export type RunInput = (plan: RunPlan, options: { readonly signal?: AbortSignal | undefined }) => Promise<RunOutcome>;

/** How far to go. */
export interface RunBatchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Asked after each input; the batch ends with it when this is false. @default all inputs are run */
  readonly goesOn?: () => boolean;
}

/**
 * Runs inputs one after the other, each on the state that the one before left, and builds what anchors them. Whoever runs the same
 * inputs on the same base comes to the same bytes; what an input is rejected for harms no other.
 *
 * @throws SprfError `INPUT_FAILED` naming an input whose run failed on this machine, which says nothing about its result; what engine
 * and content store throw when it is not for the input
 */
export async function runBatch(
  base: BatchBase,
  {
    inputs,
    validUntil,
    run,
  }: {
    readonly inputs: readonly PaidInput[];
    readonly validUntil: bigint;
    readonly run: RunInput;
  },
  { signal, goesOn = () => true }: RunBatchOptions = {},
): Promise<BatchRun> {
  const done: BatchInput[] = [];
  const details: string[] = [];
  let time = timeAfter(base.previousRecord);
  let state = base.state;
  let seconds = 1;
  for (const input of inputs) {
    throwIfAborted(signal);
    const { payment, signedRequest } = input;
    const { request } = signedRequest;
    const requestHash = hashRequest(request);
    const environment = environmentOf(payment, requestHash, time);
    time = environment.time;
    const { program, reference, sequence } = base;
    const plan: RunPlan = { program, reference, state, input: request.input, sequence, ...environment };
    const outcome = await runOne(run, plan, requestHash, signal);
    const concluded = concludeInput(input, outcome, { state, terms: base.terms, environment });
    done.push(concluded);
    details.push(outcome.detail);
    state = concluded.newState;
    seconds = outcome.seconds;
    if (!goesOn()) break;
  }
  const record: BatchRecord = {
    version: 1,
    kind: "batch",
    network: base.network,
    program: base.program,
    validUntil,
    sequence: base.sequence,
    image: base.image,
    terms: base.terms,
    limits: { ...limitsOf(base.reference.kind), seconds },
    gasTable: GAS_TABLE,
    previousState: base.state,
    newState: state,
    inputs: done,
    ...placeOf(base),
    ...batchCredits(base.previousRecord, done),
  };
  const anchorable = anchorableOf(record, buildBatch);
  return { ...anchorable, details };
}

/**
 * Builds the refund of these users' credits.
 *
 * @returns undefined when the program owes them nothing
 */
export function prepareRefund(
  base: BatchBase,
  { users, validUntil }: { readonly users: ReadonlySet<string>; readonly validUntil: bigint },
): Anchorable<RefundRecord> | undefined {
  const fields = refundFields(base.previousRecord, users);
  if (fields === undefined) return undefined;
  const record: RefundRecord = {
    version: 1,
    kind: "refund",
    network: base.network,
    program: base.program,
    validUntil,
    sequence: base.sequence,
    state: base.state,
    time: timeAfter(base.previousRecord),
    ...placeOf(base),
    ...fields,
  };
  return anchorableOf(record, buildRefund);
}

/** The runs of one input fail for its sake, or for reasons that concern every run. */
const NOT_FOR_THE_INPUT: readonly string[] = [
  "ABORTED",
  "ENGINE_UNAVAILABLE",
  "PROGRAM_NOT_FOUND",
  "REGISTRY_STALLED",
  "PROGRAM_INVALID",
];

async function runOne(
  run: RunInput,
  plan: RunPlan,
  requestHash: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<RunOutcome> {
  try {
    return await run(plan, { signal });
  } catch (error) {
    throwIfAborted(signal);
    if (isSprfError(error) && NOT_FOR_THE_INPUT.includes(error.code)) throw error;
    throw new SprfError("INPUT_FAILED", `request ${toHex(requestHash)} cannot be run here: ${messageOf(error)}`, {
      cause: error,
      context: { requestHash: toHex(requestHash) },
    });
  }
}

/** Where a record on this base stands in the history. */
export function placeOf({
  previous,
  skipped,
  skippedBefore,
}: BatchBase): Pick<BatchBase, "previous" | "skipped" | "skippedBefore"> {
  return { previous, skipped, ...(skippedBefore === undefined ? {} : { skippedBefore }) };
}

/** A record as it is to land. */
export function anchorableOf<R extends BatchRecord | RefundRecord | ReturnRecord>(
  record: R,
  build: (record: R, recordCid: string) => Transaction,
): Anchorable<R> {
  const recordBlock = encodeRecord(record);
  const recordCid = recordCidOf(recordBlock);
  return { record, recordBlock, recordCid, transaction: build(record, recordCid) };
}
