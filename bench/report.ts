import { mkdir, readFile, writeFile } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";

/** One measured figure. `bound` is a limit of the design, `target` what was aimed at; `met` compares with either. */
export interface ReportRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly p50?: number;
  readonly p99?: number;
  readonly bound?: number;
  /** The value against what it is compared with in the same run. */
  readonly ratio?: number;
  readonly target?: number;
  readonly met?: boolean;
}

export interface ReportOptions {
  /** Versions of what was measured, besides Node's. */
  readonly versions?: Readonly<Record<string, string>>;
}

/** Writes `bench/results/<topic>.json`, with machine, versions and date in every row, and prints the rows as a table. */
export async function writeReport(
  topic: string,
  rows: readonly ReportRow[],
  options: ReportOptions = {},
): Promise<void> {
  const about = {
    machine: `${cpus().length} x ${cpus()[0]?.model.trim() ?? "?"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${release()}`,
    versions: { sprf: await ownVersion(), node: process.versions.node, ...options.versions },
    date: new Date().toISOString(),
  };
  const directory = new URL("results/", import.meta.url);
  await mkdir(directory, { recursive: true });
  const full = rows.map((row) => ({ ...row, ...about }));
  await writeFile(new URL(`${topic}.json`, directory), `${JSON.stringify(full, undefined, 2)}\n`);
  console.log(`\n${topic} on ${about.machine}\n${formatTable(rows)}`);
}

/** The rows with their columns in line; empty columns are left out. */
export function formatTable(rows: readonly ReportRow[]): string {
  const columns = ["name", "value", "unit", "p50", "p99", "bound", "ratio", "target", "met"] as const;
  const used = columns.filter((column) => rows.some((row) => row[column] !== undefined));
  const cells = [[...used] as string[], ...rows.map((row) => used.map((column) => format(row[column])))];
  const widths = used.map((_, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)));
  return cells
    .map((line) =>
      line.map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0))),
    )
    .map((line) => line.join("  ").trimEnd())
    .join("\n");
}

/** The value below which `share` (0 to 1) of the samples are: the nearest rank. */
export function percentile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new RangeError("a percentile needs samples");
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
}

/** p50 as the value, with p50 and p99, rounded to a hundredth. */
export function timing(name: string, samplesMs: readonly number[]): ReportRow & { p50: number; p99: number } {
  const p50 = round(percentile(samplesMs, 0.5));
  return { name, value: p50, unit: "ms", p50, p99: round(percentile(samplesMs, 0.99)) };
}

/** A figure with at most two decimals. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function format(value: string | number | boolean | undefined): string {
  if (value === undefined) return "";
  return typeof value === "boolean" ? (value ? "yes" : "NO") : String(value);
}

async function ownVersion(): Promise<string> {
  const text = await readFile(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
