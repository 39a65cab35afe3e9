import type { LineRow } from "./rows.ts";

const MS_PER_SECOND = 1_000;
const COLUMNS = [
  "block",
  "time",
  "transaction",
  "agreement",
  "epoch",
  "worker",
  "tester",
  "kind",
  "in",
  "out",
  "wallet",
  "balance",
  "held",
] as const;

/** The names of a statement's columns, as a record of RFC 4180. Amounts are in wei, times in UTC (ISO 8601). */
export const STATEMENT_HEADER = csvRecord(COLUMNS);

/** One line of a statement as a record of RFC 4180. */
export function statementRecord(line: LineRow): string {
  return csvRecord([
    String(line.block),
    timeOf(line),
    line.transaction,
    line.agreement ?? "",
    textOf(line.epoch),
    textOf(line.workerId),
    textOf(line.testerId),
    line.kind,
    line.inWei.toString(),
    line.outWei.toString(),
    line.walletWei.toString(),
    line.balanceWei.toString(),
    line.heldWei.toString(),
  ]);
}

/** Fields with commas between and CRLF behind; those that need quotes have them. */
export function csvRecord(fields: readonly string[]): string {
  return `${fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(",")}\r\n`;
}

/** When a line's block was made, in UTC. */
export function timeOf({ timeSeconds }: Pick<LineRow, "timeSeconds">): string {
  return new Date(timeSeconds * MS_PER_SECOND).toISOString();
}

function textOf(value: number | undefined): string {
  return value === undefined ? "" : String(value);
}
