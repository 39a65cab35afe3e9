import { createHash } from "node:crypto";

import type { Transaction } from "@stellar/stellar-sdk";

import { sequenceBefore, stateAfter, timeAfter } from "../program/chain-record.ts";
import { memoHashOf } from "../program/envelope.ts";
import { rememberPrices } from "../program/past-prices.ts";
import { isRunRecord, paidRunsOf } from "../program/run-record.ts";
import { recordCidFromHash } from "../../wire/canonical.ts";
import type { ChainRecord, CreateRecord } from "../../wire/record.ts";
import { fault, unlessEqual, type AuditFault } from "./fault.ts";
import type { HistoryContext, HistoryState } from "./history-state.ts";
import { readEnvelope } from "./read-envelope.ts";
import type { AccountModel } from "./account-model.ts";
import { verifyBatch } from "./verify-batch.ts";
import { verifyCredits } from "./verify-credits.ts";
import { verifyRecovery } from "./verify-recovery.ts";
import { termsAfter, termsOf, topUpOf, verifyCreate, verifyStanding } from "./verify-change.ts";
import { verifyRefund } from "./verify-refund.ts";
import { verifyReturn } from "./verify-return.ts";
import { verifySignatures } from "./verify-signatures.ts";
import { verifySkipped } from "./verify-skipped.ts";
import { verifyTransition } from "./verify-transition.ts";

/** One record of a history, and what landed for it as the record after it, or the ledger, has it. */
export interface HistoryLink {
  readonly recordCid: string;
  readonly record: ChainRecord;
  readonly envelope: Uint8Array;
}

/** What checking one link comes to. */
export interface LinkVerdict {
  readonly faults: readonly AuditFault[];
  /**
   * What is wrong with what landed for it. Where the record after it names that, it is that record which is wrong: the ledger would
   * not have taken such a transaction.
   */
  readonly envelopeFaults: readonly AuditFault[];
  /** The history after it; to be relied on where there are no faults. Absent where nothing can be said. */
  readonly after?: HistoryState;
  /** Signatures that only the ledger can tell, see `SignatureCheck`. */
  readonly unknownSignatures: number;
}

/**
 * Checks a record and what landed for it against the history before it, without running anything; pure, so that all of it can be
 * said again from the same bytes.
 *
 * @param before undefined for the record that made the account
 */
export function verifyLink(before: HistoryState | undefined, link: HistoryLink, context: HistoryContext): LinkVerdict {
  const { record, envelope } = link;
  const landed = readEnvelope(envelope, context.network);
  if (record.kind === "create") {
    if (before !== undefined) return refuse("the account was made before");
    return {
      faults: landed === undefined ? [] : verifyCreate(record, landed, context),
      envelopeFaults: verifyMemo(landed, link),
      after: firstState(record, link),
      unknownSignatures: 0,
    };
  }
  if (before === undefined) return refuse("nothing made the account");
  const recovery =
    record.kind === "workers" && record.recovered !== undefined
      ? verifyRecovery(before, record.recovered, context)
      : undefined;
  const owner = recovery?.after?.owner;
  // Of an account that its owner recovered, the owner signs alone.
  const signing = owner === undefined ? before.terms.workers : [{ ledgerKey: owner, address: "" }];
  const payer = payerOf(record, before, owner);
  const signatures = landed === undefined ? undefined : verifySignatures(landed, { workers: signing }, payer);
  const own = [
    ...(recovery?.faults ?? []),
    ...unlessEqual("ENVELOPE_MISMATCH", hashOfEnvelope(record.previous.envelope), before.envelopeHash),
    ...verifySkipped(before, record, {
      program: context.program,
      network: context.network,
      sequence: sequenceBefore(record) ?? 0n,
      recoveredAt: recovery?.after?.sequence,
    }),
    ...verifyCredits(before, record),
  ];
  const done = landed === undefined ? [] : verifyDone(before, link, record, landed, context, recovery?.after?.model);
  return {
    faults: [...own, ...done],
    envelopeFaults: [...verifyMemo(landed, link), ...(signatures?.faults ?? [])],
    after: nextState(before, record, link),
    unknownSignatures: signatures?.unknown ?? 0,
  };
}

/** sha256 in hex. */
export function hashOfEnvelope(envelope: Uint8Array): string {
  return createHash("sha256").update(envelope).digest("hex");
}

function refuse(why: string): LinkVerdict {
  return { faults: [fault("RECORD_OUT_OF_ORDER", why)], envelopeFaults: [], unknownSignatures: 0 };
}

function verifyMemo(landed: Transaction | undefined, { recordCid }: HistoryLink): readonly AuditFault[] {
  if (landed === undefined) return [fault("ENVELOPE_INVALID")];
  const memo = memoHashOf(landed);
  return memo !== undefined && recordCidFromHash(memo) === recordCid ? [] : [fault("MEMO_MISMATCH", recordCid)];
}

/** Whoever's signature it needs besides the workers'. */
function payerOf(
  record: Exclude<ChainRecord, CreateRecord>,
  { terms }: HistoryState,
  signer: string | undefined,
): string | undefined {
  if (record.kind === "transition") return record.gasFeeStroops > 0n ? record.signedRequest.request.user : undefined;
  if (record.kind === "batch" || record.kind === "refund" || record.kind === "return") return undefined;
  return topUpOf(record) > 0n && terms.owner !== signer ? terms.owner : undefined;
}

function verifyDone(
  before: HistoryState,
  { recordCid }: HistoryLink,
  record: Exclude<ChainRecord, CreateRecord>,
  landed: Transaction,
  context: HistoryContext,
  recovered: AccountModel | undefined,
): readonly AuditFault[] {
  if (record.kind === "transition") return verifyTransition(before, record, recordCid, landed, context);
  if (record.kind === "batch") return verifyBatch(before, record, recordCid, landed, context);
  if (record.kind === "refund") return verifyRefund(before, record, recordCid, landed, context);
  if (record.kind === "return") return verifyReturn(before, record, recordCid, landed, context);
  return [
    ...unlessEqual("TRANSACTION_MISMATCH", landed.source, context.program),
    ...unlessEqual("TRANSACTION_MISMATCH", BigInt(landed.sequence), record.sequence + 1n),
    ...verifyStanding(before, record, landed, context, recovered),
  ];
}

function firstState(record: CreateRecord, { recordCid, envelope }: HistoryLink): HistoryState {
  const terms = termsOf(record);
  return {
    recordCid,
    envelopeHash: hashOfEnvelope(envelope),
    count: 1,
    transitions: 0,
    terms,
    pastPrices: [],
    state: record.state,
    time: 0n,
    lastLedger: 0,
  };
}

function nextState(
  before: HistoryState,
  record: Exclude<ChainRecord, CreateRecord>,
  { recordCid, envelope }: HistoryLink,
): HistoryState {
  const at = {
    ...before,
    recordCid,
    envelopeHash: hashOfEnvelope(envelope),
    count: before.count + 1,
    credits: record.credits,
    sequence: (sequenceBefore(record) ?? 0n) + 1n,
  };
  if (isRunRecord(record)) {
    return {
      ...at,
      transitions: before.transitions + 1,
      state: stateAfter(record),
      time: timeAfter(record),
      lastLedger: paidRunsOf(record).at(-1)?.payment.ledger ?? before.lastLedger,
      lastRunCid: recordCid,
    };
  }
  if (record.kind === "refund") return at;
  if (record.kind === "return") return { ...at, time: timeAfter(record) };
  const terms = termsAfter(before.terms, record);
  if (record.kind !== "terms") return { ...at, terms };
  // It cannot have landed after its time.
  const replaced = { ...before.terms, until: record.signedChange.request.validUntil };
  return { ...at, terms, pastPrices: rememberPrices(before.pastPrices, replaced, before.time) };
}
