import { readEnvelope } from "../domain/audit/read-envelope.ts";
import { fault, type AuditFault } from "../domain/audit/fault.ts";
import type { HistoryState } from "../domain/audit/history-state.ts";
import type { HistoryLink } from "../domain/audit/verify-link.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import { signersOf } from "../domain/program/verify-signature.ts";
import { toHex } from "../utils/bytes.ts";
import type { CollectedHistory } from "./collect-history.ts";
import type { UnrecordedTransaction } from "./find-unrecorded.ts";
import type { Look } from "./look-at.ts";
import type { AuditReport, WrongLink } from "./report.ts";

const NOTHING_DONE = {
  records: 0,
  transitions: 0,
  ran: 0,
  known: 0,
  leftOut: 0,
  paymentsSeen: 0,
  imagesGone: false,
  unconfirmedCount: 0,
  unconfirmed: [],
};

/** The report of a history that cannot be followed to its beginning. */
export function unreachableReport(
  { account, tip, network }: Look,
  collected: Exclude<CollectedHistory, { kind: "whole" }>,
): AuditReport {
  const { recordCid } = collected;
  const shared = { program: account.id, ledger: account.ledger, tip: tip.recordCid };
  if (collected.kind === "missing") {
    const { code, message } = collected.error;
    const unchecked = [{ number: 0, recordCid, code, message }];
    return { ...shared, ...NOTHING_DONE, outcome: "incomplete", uncheckedCount: 1, unchecked };
  }
  const signers = blamed(collected.envelope, { terms: account }, network);
  const wrong = { number: 0, kind: "unknown", recordCid, faults: [collected.fault], ...signers };
  return { ...shared, ...NOTHING_DONE, outcome: "wrong", wrong, uncheckedCount: 0, unchecked: [] };
}

/** The report of a history that a transaction without a record ends. */
export function unrecordedReport(
  account: SmartAccount,
  { envelope, hash, ledger }: UnrecordedTransaction,
  network: string,
): AuditReport {
  const faults = [fault("UNRECORDED", `${hash} succeeded in ledger ${ledger}`)];
  const wrong = { number: 0, kind: "unrecorded", ...blamed(envelope, { terms: account }, network), faults };
  const shared = { program: account.id, ledger: account.ledger, tip: "" };
  return { ...shared, ...NOTHING_DONE, outcome: "wrong", wrong, uncheckedCount: 0, unchecked: [] };
}

/** The report's words for a link that is wrong. */
export function wrongLink(
  { recordCid, record, envelope }: HistoryLink,
  before: HistoryState | undefined,
  faults: readonly AuditFault[],
  network: string,
): WrongLink {
  const { kind } = record;
  const known = blamed(envelope, before ?? { terms: { workers: [] } }, network);
  return {
    number: (before?.count ?? 0) + 1,
    kind,
    recordCid,
    ...known,
    faults,
  };
}

/** Which transaction it is, and which of the workers of that time, or whether the owner, signed it. */
export function blamed(
  envelope: Uint8Array,
  { terms }: { readonly terms: Pick<HistoryState["terms"], "workers" | "owner"> },
  network: string,
): Pick<WrongLink, "transactionHash" | "sequence" | "signedBy"> {
  const transaction = readEnvelope(envelope, network);
  if (transaction === undefined) return { signedBy: [] };
  const { workers, owner } = terms;
  const isApart = owner !== undefined && workers.every(({ ledgerKey }) => ledgerKey !== owner);
  const candidates = isApart ? [...workers, { ledgerKey: owner }] : workers;
  const { signers } = signersOf(
    transaction,
    candidates.map(({ ledgerKey }) => ledgerKey),
  );
  return {
    transactionHash: toHex(transaction.hash()),
    sequence: BigInt(transaction.sequence),
    signedBy: candidates.filter(({ ledgerKey }) => signers.includes(ledgerKey)),
  };
}
