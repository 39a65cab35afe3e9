import type { Transaction } from "@stellar/stellar-sdk";

import { verifyByAccount } from "../../utils/ed25519.ts";
import { hashRequest } from "../../wire/execution-request.ts";
import type { TransitionRecord } from "../../wire/record.ts";
import { gasFeeStroops } from "../program/gas.ts";
import { buildTransition } from "../program/transition-transaction.ts";
import { fault, unlessEqual, type AuditFault } from "./fault.ts";
import type { HistoryContext, HistoryState } from "./history-state.ts";
import { verifyEnvironment, verifyProgram, verifyRebuilt } from "./verify-run.ts";

/** All that can be said of a transition without running its program and without the ledger. */
export function verifyTransition(
  before: HistoryState,
  record: TransitionRecord,
  recordCid: string,
  landed: Transaction,
  context: HistoryContext,
): readonly AuditFault[] {
  const { request } = record.signedRequest;
  if (request.program !== context.program || request.network !== context.network) {
    return [fault("RECORD_OF_OTHER_PROGRAM", `its request is for ${request.program}`)];
  }
  const requestHash = hashRequest(request);
  return [
    ...verifyRequestOf(record, requestHash, before),
    ...verifyProgram(record, before, context),
    ...(record.newState === record.previousState ? [fault("STATE_UNCHANGED")] : []),
    ...unlessEqual("GAS_FEE_MISMATCH", record.gasFeeStroops, gasFeeStroops(record.gas, before.terms.gasPriceStroops)),
    ...verifyEnvironment(record, requestHash, before.time),
    ...verifyRebuilt(() => build(record, recordCid, context), landed),
  ];
}

function verifyRequestOf(
  { signedRequest, gas }: TransitionRecord,
  requestHash: Uint8Array,
  before: HistoryState,
): readonly AuditFault[] {
  const { request, signature } = signedRequest;
  const faults: AuditFault[] = [];
  if (!verifyByAccount(request.user, requestHash, signature))
    faults.push(fault("REQUEST_SIGNATURE_INVALID", request.user));
  if (gas > request.maxGas) faults.push(fault("REQUEST_NOT_OBEYED", `${gas} gas, at most ${request.maxGas} allowed`));
  if (request.form !== undefined) faults.push(fault("REQUEST_NOT_OBEYED", "it is prepaid, which belongs into a batch"));
  if (request.ifState !== undefined && request.ifState !== before.state) {
    faults.push(fault("REQUEST_NOT_OBEYED", `it wants the state ${request.ifState}`));
  }
  return faults;
}

/** The user pays the gas fee inside the transaction. */
function build(
  { environment, gasFeeStroops, newState, payment, signedRequest }: TransitionRecord,
  recordCid: string,
  { network, program }: HistoryContext,
): Transaction {
  const { user, validUntil } = signedRequest.request;
  return buildTransition({
    network,
    program,
    user,
    sequence: environment.sequence,
    newState,
    recordCid,
    gasFeeStroops,
    validUntil,
    paymentCloseTime: payment.closeTime,
  });
}
