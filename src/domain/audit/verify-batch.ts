import type { Transaction } from "@stellar/stellar-sdk";

import { toHex } from "../../utils/bytes.ts";
import { verifyByAccount } from "../../utils/ed25519.ts";
import type { BatchInput, BatchRecord } from "../../wire/batch-record.ts";
import { hashRequest } from "../../wire/execution-request.ts";
import { buildBatch, concludeInput, isOrdered } from "../program/batch.ts";
import { fault, inputFaults, unlessEqual, type AuditFault } from "./fault.ts";
import type { HistoryContext, HistoryState } from "./history-state.ts";
import { verifyEnvironment, verifyProgram, verifyRebuilt } from "./verify-run.ts";

/** All that can be said of a batch without running its program and without the ledger. */
export function verifyBatch(
  before: HistoryState,
  record: BatchRecord,
  recordCid: string,
  landed: Transaction,
  context: HistoryContext,
): readonly AuditFault[] {
  const { program, network, terms, inputs } = record;
  if (program !== context.program || network !== context.network) {
    return [fault("RECORD_OF_OTHER_PROGRAM", `it is for ${program}`)];
  }
  const last = inputs.at(-1)?.newState ?? before.state;
  return [
    ...verifyProgram(record, before, context),
    ...unlessEqual("TERMS_MISMATCH", terms.baseFeeStroops, before.terms.baseFeeStroops),
    ...unlessEqual("TERMS_MISMATCH", terms.gasPriceStroops, before.terms.gasPriceStroops),
    ...(isOrdered(inputs) ? [] : [fault("INPUTS_DISORDERED")]),
    ...verifyPaidOnce(inputs),
    ...verifyInputs(before, record, context),
    ...unlessEqual("BATCH_STATE_MISMATCH", record.newState, last),
    ...verifyRebuilt(() => buildBatch(record, recordCid), landed),
  ];
}

/** Their order does not tell when two inputs say different ledgers of one payment. */
export function verifyPaidOnce(inputs: readonly Pick<BatchInput, "signedRequest">[]): readonly AuditFault[] {
  const seen = new Map<string, number>();
  return inputs.flatMap(({ signedRequest }, index) => {
    const payment = toHex(signedRequest.paymentHash);
    const first = seen.get(payment);
    seen.set(payment, first ?? index);
    return first === undefined ? [] : inputFaults(index, [fault("PAYMENT_USED", `input ${first + 1} has it`)]);
  });
}

/** Each input goes on from the state and time that the one before left. */
function verifyInputs(before: HistoryState, record: BatchRecord, context: HistoryContext): readonly AuditFault[] {
  let { state, time } = before;
  return record.inputs.flatMap((input, index) => {
    const requestHash = hashRequest(input.signedRequest.request);
    const faults = [
      ...verifyRequest(input, requestHash, context),
      ...verifyEnvironment(input, requestHash, time),
      ...verifyConclusion(input, state, before.terms),
    ];
    state = input.newState;
    time = input.environment.time;
    return inputFaults(index, faults);
  });
}

function verifyRequest(input: BatchInput, requestHash: Uint8Array, context: HistoryContext): readonly AuditFault[] {
  const { payment } = input;
  const { request } = input.signedRequest;
  const faults = [...verifyPrepaid(input, requestHash, context)];
  if (request.ifState !== undefined) faults.push(fault("REQUEST_NOT_OBEYED", `it wants the state ${request.ifState}`));
  if (payment.closeTime > request.validUntil) {
    faults.push(fault("REQUEST_NOT_OBEYED", `it was paid at ${payment.closeTime}, valid until ${request.validUntil}`));
  }
  return faults;
}

/** Whether a request is a prepaid one to this program that its user signed. */
export function verifyPrepaid(
  { signedRequest }: Pick<BatchInput, "signedRequest">,
  requestHash: Uint8Array,
  { program, network }: HistoryContext,
): readonly AuditFault[] {
  const { request, signature } = signedRequest;
  const faults: AuditFault[] = [];
  if (!verifyByAccount(request.user, requestHash, signature)) {
    faults.push(fault("REQUEST_SIGNATURE_INVALID", request.user));
  }
  if (request.program !== program || request.network !== network) {
    faults.push(fault("REQUEST_NOT_OBEYED", `it is for ${request.program}`));
  }
  if (request.form !== "prepaid") faults.push(fault("REQUEST_NOT_OBEYED", "it is not prepaid"));
  return faults;
}

/** Whether status, state and charge are what the protocol makes of the gas that the record says. */
function verifyConclusion(
  input: BatchInput,
  state: string,
  { baseFeeStroops, gasPriceStroops }: HistoryState["terms"],
): readonly AuditFault[] {
  const { environment, outputCid, newState, gas } = input;
  const status = input.status === "rejected" ? "rejected" : "accepted";
  const terms = { baseFeeStroops, gasPriceStroops };
  const expected = concludeInput(input, { status, outputCid, newState, gas }, { state, terms, environment });
  return [
    ...unlessEqual("REQUEST_NOT_OBEYED", input.status, expected.status),
    ...(input.status === "accepted" || newState === state ? [] : [fault("STATE_CHANGED", newState)]),
    ...unlessEqual("GAS_FEE_MISMATCH", input.chargedStroops, expected.chargedStroops),
  ];
}
