import type { Transaction } from "@stellar/stellar-sdk";

import { isSignedBy } from "../program/verify-signature.ts";
import { hashChange, type ProgramChange, type SignedChange } from "../../wire/change-request.ts";
import type { BumpRecord, ChainRecord, CreateRecord, PayoutRecord, TransitionRecord } from "../../wire/record.ts";
import { NEW_ACCOUNT, applyTransaction, differenceOf, modelOf } from "./account-model.ts";
import { fault, unlessEqual, type AuditFault } from "./fault.ts";
import type { AccountTerms, HistoryState } from "./history-state.ts";
import type { HistoryContext } from "./verify-transition.ts";

/** A record of a transaction that leaves the state as it is. */
export type StandingRecord = Exclude<ChainRecord, CreateRecord | TransitionRecord>;
type ChangeRecord = Exclude<StandingRecord, PayoutRecord | BumpRecord>;

/** The terms that the record of a new account says. */
export function termsOf({ image, terms, owner, workers }: CreateRecord): AccountTerms {
  return { image, ...terms, workers, ...(owner === undefined ? {} : { owner }) };
}

/** Whether a transaction makes exactly the account that its record describes, out of nothing. */
export function verifyCreate(
  record: CreateRecord,
  landed: Transaction,
  context: HistoryContext,
): readonly AuditFault[] {
  if (record.program !== context.program || record.network !== context.network) {
    return [fault("RECORD_OF_OTHER_PROGRAM", `it made ${record.program}`)];
  }
  const isMade = landed.operations.some(
    (operation) => operation.type === "createAccount" && operation.destination === record.program,
  );
  // Else it might have signers from before.
  if (!isMade) return [fault("TRANSACTION_MISMATCH", "it does not make the account")];
  const { model, payments, foreign } = applyTransaction(NEW_ACCOUNT, landed, context.program);
  const difference = differenceOf(model, modelOf(termsOf(record), record.state));
  if (difference !== undefined) return [fault("TRANSACTION_MISMATCH", difference)];
  if (foreign !== undefined) return [fault("TRANSACTION_MISMATCH", `it has a ${foreign}`)];
  return payments.length === 0 ? [] : [fault("TRANSACTION_MISMATCH", "it pays from the new account")];
}

/** The terms after a record. */
export function termsAfter(terms: AccountTerms, record: StandingRecord): AccountTerms {
  if (record.kind === "payout" || record.kind === "bump") return terms;
  const change: ProgramChange = record.signedChange.request.change;
  switch (change.kind) {
    case "workers":
      return { ...terms, workers: change.workers };
    case "program":
      return { ...terms, image: change.image };
    case "terms":
      return { ...terms, ...change.terms };
    case "recovery":
      return terms;
  }
}

/** Whether a transaction does what its record says, that is allowed, and nothing else. */
export function verifyStanding(
  before: HistoryState,
  record: StandingRecord,
  landed: Transaction,
  context: HistoryContext,
): readonly AuditFault[] {
  const { network, program } =
    record.kind === "payout" || record.kind === "bump" ? record : record.signedChange.request;
  if (program !== context.program || network !== context.network) {
    return [fault("RECORD_OF_OTHER_PROGRAM", `it is for ${program}`)];
  }
  const { model, payments, foreign } = applyTransaction(modelOf(before.terms, before.state), landed, program);
  const difference = differenceOf(model, modelOf(termsAfter(before.terms, record), before.state));
  return [
    ...unlessEqual("STANDING_MISMATCH", record.state, before.state),
    ...unlessEqual("STANDING_MISMATCH", record.time, before.time),
    ...(isChange(record) ? verifyOwner(record.signedChange, record.sequence, landed, before.terms) : []),
    ...(foreign === undefined ? [] : [fault("TRANSACTION_MISMATCH", `it has a ${foreign}`)]),
    ...(difference === undefined ? [] : [fault("TRANSACTION_MISMATCH", difference)]),
    ...verifyPayments(record, payments, before.terms),
  ];
}

function isChange(record: StandingRecord): record is ChangeRecord {
  return record.kind !== "payout" && record.kind !== "bump";
}

function verifyOwner(
  { request, signature }: SignedChange,
  sequence: bigint,
  landed: Transaction,
  { owner }: AccountTerms,
): readonly AuditFault[] {
  const faults: AuditFault[] = [];
  if (owner === undefined) faults.push(fault("CHANGE_NOT_ALLOWED", "the account has no owner"));
  else if (!isSignedBy(owner, hashChange(request), signature)) {
    faults.push(fault("CHANGE_NOT_ALLOWED", `${owner} did not sign it`));
  }
  if (request.sequence !== sequence) {
    faults.push(fault("CHANGE_NOT_ALLOWED", `it was signed for sequence ${request.sequence}, not ${sequence}`));
  }
  const until = BigInt(landed.timeBounds?.maxTime ?? 0);
  if (until === 0n || until > request.validUntil) {
    faults.push(fault("CHANGE_NOT_ALLOWED", `it could land after ${request.validUntil}, when it was no longer valid`));
  }
  return faults;
}

function verifyPayments(
  record: StandingRecord,
  payments: ReadonlyArray<{ readonly destination: string; readonly stroops: bigint }>,
  { workers }: AccountTerms,
): readonly AuditFault[] {
  const share = record.kind === "payout" ? record.shareStroops : 0n;
  const expected = record.kind === "payout" ? workers.map(({ ledgerKey }) => `${share} to ${ledgerKey}`) : [];
  const found = payments.map(({ destination, stroops }) => `${stroops} to ${destination}`);
  const named = record.kind === "payout" ? record.workers.map((key) => `${share} to ${key}`) : [];
  if (found.join() === expected.join() && named.join() === expected.join()) return [];
  return [fault("PAYOUT_INVALID", `it pays ${found.join(", ") || "nobody"}`)];
}
