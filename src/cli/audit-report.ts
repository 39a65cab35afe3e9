import type { AuditReport, WrongLink } from "../audit/report.ts";

/** Exit codes of an audit that came to its end; others are those of every command (`EXIT_CODES`). */
export const AUDIT_EXIT_CODES = {
  clean: 0,
  /** The history is wrong: the report names the first wrong transition and who signed it. */
  wrong: 10,
  /** What could be checked is right, but content is gone or a run failed here. */
  incomplete: 11,
  /** The same, and an image is gone. */
  imageGone: 12,
} as const;

/** The exit code that says what an audit came to. */
export function exitCodeOf({ outcome, imagesGone }: Pick<AuditReport, "outcome" | "imagesGone">): number {
  if (outcome === "incomplete" && imagesGone) return AUDIT_EXIT_CODES.imageGone;
  return AUDIT_EXIT_CODES[outcome];
}

/** The report as one line of JSON; sequence numbers are decimal strings. */
export function reportToJson(report: AuditReport): string {
  return JSON.stringify(report, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}

/** The report in words. */
export function reportToText(report: AuditReport): string {
  const { wrong, unchecked, uncheckedCount, leftOut, unconfirmed, unconfirmedCount } = report;
  return [
    `${report.outcome}: ${report.program} at ledger ${report.ledger}`,
    `${count(report.records, "record")}, ${count(report.transitions, "transition")}: ${report.ran} run again now, ` +
      `${report.known} before${leftOut === 0 ? "" : `, ${leftOut} left out`}`,
    `${count(report.paymentsSeen, "payment")} of those that were run now are still on the ledger`,
    ...(wrong === undefined ? [] : wrongToText(wrong)),
    ...(uncheckedCount === 0 ? [] : [`${count(uncheckedCount, "record")} could not be checked, the first of them:`]),
    ...unchecked.map(({ number, recordCid, code, message }) => `  ${placeOf(number)}${recordCid}: ${code}: ${message}`),
    ...(unconfirmedCount === 0 ? [] : [`${count(unconfirmedCount, "claim")} nobody can confirm any more:`]),
    ...unconfirmed.map(({ number, recordCid, message }) => `  ${placeOf(number)}${recordCid}: ${message}`),
  ].join("\n");
}

function wrongToText({ number, kind, recordCid, transactionHash, sequence, faults, signedBy }: WrongLink): string[] {
  return [
    `the first wrong transition: ${placeOf(number)}${kind}${recordCid === undefined ? "" : ` ${recordCid}`}`,
    ...(transactionHash === undefined ? [] : [`  transaction ${transactionHash}, sequence ${sequence}`]),
    ...faults.map(({ code, message }) => `  ${code}: ${message}`),
    ...signedBy.map(({ ledgerKey, address = "" }) => `  signed by ${ledgerKey} ${address}`.trimEnd()),
  ];
}

function placeOf(number: number): string {
  return number === 0 ? "" : `record ${number}, `;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
