import type { Transaction } from "@stellar/stellar-sdk";

import { GAS_TABLE, gasFeeStroops } from "../program/gas.ts";
import { programReference } from "../program/smart-account.ts";
import { buildTransition } from "../program/transition-transaction.ts";
import { verifyByAccount } from "../../utils/ed25519.ts";
import type { ProgramReference } from "../../ports/engine.ts";
import { messageOf } from "../../errors.ts";
import { equalBytes } from "../../utils/bytes.ts";
import { hashWithDomain } from "../../wire/canonical.ts";
import { hashRequest } from "../../wire/execution-request.ts";
import type { TransitionRecord } from "../../wire/record.ts";
import { fault, unlessEqual, type AuditFault } from "./fault.ts";
import type { HistoryState } from "./history-state.ts";

const LIMIT_NAMES = ["memoryBytes", "outputBytes", "stateBytes"] as const;
type LimitName = (typeof LIMIT_NAMES)[number];

/** What all records of one history are checked against. */
export interface HistoryContext {
  readonly program: string;
  /** Passphrase of the Stellar network. */
  readonly network: string;
  /** The limits that runs on an engine have; the seconds are the program's. */
  readonly limitsOf: (kind: ProgramReference["kind"]) => Readonly<Record<LimitName, number>>;
}

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
    ...unlessEqual("PREVIOUS_STATE_MISMATCH", record.previousState, before.state),
    ...(record.newState === record.previousState ? [fault("STATE_UNCHANGED")] : []),
    ...unlessEqual("IMAGE_MISMATCH", imageText(record.image), imageText(before.terms.image)),
    ...verifyLimits(record, context),
    ...verifyGas(record, before),
    ...verifyEnvironment(record, requestHash, before),
    ...verifyTransaction(record, recordCid, landed, context),
  ];
}

function verifyRequestOf(
  { signedRequest, gas }: TransitionRecord,
  requestHash: Uint8Array,
  before: HistoryState,
): readonly AuditFault[] {
  const { request, signature } = signedRequest;
  const faults: AuditFault[] = [];
  if (!verifyByAccount(request.user, requestHash, signature)) faults.push(fault("REQUEST_SIGNATURE_INVALID", request.user));
  if (gas > request.maxGas) faults.push(fault("REQUEST_NOT_OBEYED", `${gas} gas, at most ${request.maxGas} allowed`));
  if (request.ifState !== undefined && request.ifState !== before.state) {
    faults.push(fault("REQUEST_NOT_OBEYED", `it wants the state ${request.ifState}`));
  }
  return faults;
}

function verifyLimits({ image, limits }: TransitionRecord, { limitsOf }: HistoryContext): readonly AuditFault[] {
  const reference = programReference(image.address, image.digest);
  if (reference === undefined) return [fault("IMAGE_MISMATCH", `${image.address} names no program that is pinned`)];
  const expected = limitsOf(reference.kind);
  const name = LIMIT_NAMES.find((each) => limits[each] !== expected[each]);
  return name === undefined ? [] : [fault("LIMITS_MISMATCH", `${name} ${limits[name]} instead of ${expected[name]}`)];
}

function verifyGas(record: TransitionRecord, { terms }: HistoryState): readonly AuditFault[] {
  if (record.gasTable !== GAS_TABLE) return [fault("GAS_TABLE_UNKNOWN", String(record.gasTable))];
  return unlessEqual("GAS_FEE_MISMATCH", record.gasFeeStroops, gasFeeStroops(record.gas, terms.gasPriceStroops));
}

function verifyEnvironment(
  { environment, payment }: TransitionRecord,
  requestHash: Uint8Array,
  before: HistoryState,
): readonly AuditFault[] {
  const time = payment.closeTime > before.time ? payment.closeTime : before.time;
  const seed = hashWithDomain("sprf/seed/1", requestHash, payment.ledgerHash);
  return [
    ...unlessEqual("TIME_MISMATCH", environment.time, time),
    ...(equalBytes(environment.seed, seed) ? [] : [fault("SEED_MISMATCH")]),
  ];
}

/** Builds the transaction anew; equal hashes mean equal bytes, the signatures aside. */
function verifyTransaction(
  record: TransitionRecord,
  recordCid: string,
  landed: Transaction,
  { network, program }: HistoryContext,
): readonly AuditFault[] {
  const { request } = record.signedRequest;
  let rebuilt: Transaction;
  try {
    rebuilt = buildTransition({
      network,
      program,
      user: request.user,
      sequence: record.environment.sequence,
      newState: record.newState,
      recordCid,
      gasFeeStroops: record.gasFeeStroops,
      validUntil: request.validUntil,
      paymentCloseTime: record.payment.closeTime,
    });
  } catch (error) {
    // Amounts and sequences that the ledger has none of.
    return [fault("TRANSACTION_MISMATCH", messageOf(error))];
  }
  return equalBytes(rebuilt.hash(), landed.hash()) ? [] : [fault("TRANSACTION_MISMATCH")];
}

function imageText({ address, digest }: TransitionRecord["image"]): string {
  return digest === undefined ? address : `${address}@${digest}`;
}
