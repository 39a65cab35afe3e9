import { readEnvelope } from "../domain/audit/read-envelope.ts";
import type { AuditFault } from "../domain/audit/fault.ts";
import type { HistoryState } from "../domain/audit/history-state.ts";
import type { HistoryLink } from "../domain/audit/verify-link.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import { signersOf } from "../domain/program/verify-signature.ts";
import type { Tip } from "../execution/tip.ts";
import { toHex } from "../utils/bytes.ts";
import type { CollectedHistory } from "./collect-history.ts";
import type { AuditReport, WrongLink } from "./report.ts";

/** What the ledger said when the audit began. */
export interface Look {
  readonly account: SmartAccount;
  readonly tip: Tip;
  readonly network: string;
}

/** The report of a history that cannot be followed to its beginning. */
export function unreachableReport(
  { account, tip, network }: Look,
  collected: Exclude<CollectedHistory, { kind: "whole" }>,
): AuditReport {
  const { recordCid } = collected;
  const shared = { program: account.id, ledger: account.ledger, tip: tip.recordCid };
  const none = { records: 0, transitions: 0, ran: 0, known: 0, leftOut: 0, paymentsSeen: 0 };
  if (collected.kind === "missing") {
    const { code, message } = collected.error;
    const unchecked = [{ number: 0, recordCid, code, message }];
    return { ...shared, ...none, outcome: "incomplete", uncheckedCount: 1, unchecked };
  }
  const signers = blamed(collected.envelope, { terms: account }, network);
  const wrong = { number: 0, kind: "unknown", recordCid, faults: [collected.fault], ...signers };
  return { ...shared, ...none, outcome: "wrong", wrong, uncheckedCount: 0, unchecked: [] };
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

/** Which transaction it is, and which of the workers of that time signed it. */
export function blamed(
  envelope: Uint8Array,
  { terms }: { readonly terms: Pick<HistoryState["terms"], "workers"> },
  network: string,
): Pick<WrongLink, "transactionHash" | "sequence" | "signedBy"> {
  const transaction = readEnvelope(envelope, network);
  if (transaction === undefined) return { signedBy: [] };
  const keys = terms.workers.map(({ ledgerKey }) => ledgerKey);
  const { signers } = signersOf(transaction, keys);
  return {
    transactionHash: toHex(transaction.hash()),
    sequence: BigInt(transaction.sequence),
    signedBy: terms.workers.filter(({ ledgerKey }) => signers.includes(ledgerKey)),
  };
}
