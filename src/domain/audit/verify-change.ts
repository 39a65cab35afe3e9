import type { Transaction } from "@stellar/stellar-sdk";

import { verifyByAccount } from "../../utils/ed25519.ts";
import type { RefundRecord, ReturnRecord } from "../../wire/batch-record.ts";
import { hashChange, type ProgramChange, type SignedChange } from "../../wire/change-request.ts";
import type { BumpRecord, ChainRecord, CreateRecord, PayoutRecord } from "../../wire/record.ts";
import type { RunRecord } from "../program/run-record.ts";
import {
  NEW_ACCOUNT,
  applyTransaction,
  differenceOf,
  modelOf,
  type AccountModel,
  type AppliedTransaction,
} from "./account-model.ts";
import { fault, unlessEqual, type AuditFault } from "./fault.ts";
import type { AccountTerms, HistoryContext, HistoryState } from "./history-state.ts";

/** A record of a change, a payout or a bump: transactions that leave the state as it is. */
export type StandingRecord = Exclude<ChainRecord, CreateRecord | RunRecord | RefundRecord | ReturnRecord>;
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
  model: AccountModel = modelOf(before.terms, before.state),
): readonly AuditFault[] {
  const { network, program, validUntil } =
    record.kind === "payout" || record.kind === "bump" ? record : record.signedChange.request;
  if (program !== context.program || network !== context.network) {
    return [fault("RECORD_OF_OTHER_PROGRAM", `it is for ${program}`)];
  }
  const done = applyTransaction(model, landed, program);
  const difference = differenceOf(done.model, modelOf(termsAfter(before.terms, record), before.state));
  return [
    ...unlessEqual("STANDING_MISMATCH", record.state, before.state),
    ...unlessEqual("STANDING_MISMATCH", record.time, before.time),
    ...(isChange(record) ? verifyOwner(record.signedChange, record.sequence, before.terms) : []),
    ...unlessEqual("TRANSACTION_MISMATCH", BigInt(landed.timeBounds?.maxTime ?? 0), validUntil),
    ...(done.foreign === undefined ? [] : [fault("TRANSACTION_MISMATCH", `it has a ${done.foreign}`)]),
    ...(difference === undefined ? [] : [fault("TRANSACTION_MISMATCH", difference)]),
    ...verifyPayments(record, done, before.terms),
  ];
}

function isChange(record: StandingRecord): record is ChangeRecord {
  return record.kind !== "payout" && record.kind !== "bump";
}

function verifyOwner(
  { request, signature }: SignedChange,
  sequence: bigint,
  { owner }: AccountTerms,
): readonly AuditFault[] {
  const faults: AuditFault[] = [];
  if (owner === undefined) faults.push(fault("CHANGE_NOT_ALLOWED", "the account has no owner"));
  else if (!verifyByAccount(owner, hashChange(request), signature)) {
    faults.push(fault("CHANGE_NOT_ALLOWED", `${owner} did not sign it`));
  }
  if (request.sequence !== sequence) {
    faults.push(fault("CHANGE_NOT_ALLOWED", `it was signed for sequence ${request.sequence}, not ${sequence}`));
  }
  return faults;
}

/** Payments are those of a payout, and what the owner adds for a larger reserve. */
function verifyPayments(
  record: StandingRecord,
  { payments, received }: AppliedTransaction,
  terms: AccountTerms,
): readonly AuditFault[] {
  const workers = terms.workers.map(({ ledgerKey }) => ledgerKey);
  const paid = payments.map(({ destination, stroops }) => `${stroops} to ${destination}`).join();
  const shares = record.kind === "payout" ? workers.map((key) => `${record.shareStroops} to ${key}`).join() : "";
  const added = received.map(({ source, stroops }) => `${stroops} of ${source}`).join();
  const topUp = topUpOf(record);
  return [
    ...(record.kind === "payout" && record.workers.join() !== workers.join()
      ? [fault("PAYOUT_INVALID", "its record names others than the workers of that time")]
      : []),
    ...(paid === shares ? [] : [fault("PAYOUT_INVALID", `it pays ${paid === "" ? "nobody" : paid}`)]),
    ...(added === (topUp === 0n ? "" : `${topUp} of ${terms.owner}`)
      ? []
      : [fault("TRANSACTION_MISMATCH", `it takes ${added === "" ? "nothing" : added}`)]),
  ];
}

/** What the owner adds to the account with a change, in stroops. */
export function topUpOf(record: StandingRecord): bigint {
  return isChange(record) ? (record.signedChange.request.topUpStroops ?? 0n) : 0n;
}
