// The gas that bench/results/gas.json records is what the contracts use: measures again and compares within 1 %. The purchase
// among 10,000 workers is left to `node bench/gas.ts`, because registering them takes a minute.
import { readFile } from "node:fs/promises";

import { measureGas } from "../../bench/gas-rows.ts";
import type { ReportRow } from "../../bench/report.ts";

const SIZES = [10, 1_000];
const BENCH_ONLY = "10,000 workers registered";
const TOLERANCE = 0.01;

const recorded = JSON.parse(
  await readFile(new URL("../../bench/results/gas.json", import.meta.url), "utf8"),
) as ReportRow[];
const measured = await measureGas(SIZES);
const faults = [...compare(recorded, measured), ...missing(recorded)];
for (const fault of faults) console.error(`gas: ${fault}`);
if (faults.length > 0) console.error("gas: if this is meant, run: node bench/gas.ts");
else console.log(`gas: ${measured.length} figures are as recorded, within 1 %`);
process.exitCode = faults.length === 0 ? 0 : 1;

function compare(before: readonly ReportRow[], after: readonly ReportRow[]): string[] {
  return after.flatMap(({ name, value, target }) => {
    const known = before.find((row) => row.name === name);
    if (known === undefined) return [`${name}: not recorded, measured ${value}`];
    if (Math.abs(value - known.value) > known.value * TOLERANCE) {
      return [`${name}: recorded ${known.value}, measured ${value}`];
    }
    return target !== undefined && value > target ? [`${name}: ${value} is above the target of ${target}`] : [];
  });
}

function missing(before: readonly ReportRow[]): string[] {
  return before
    .filter(({ name }) => !name.includes(BENCH_ONLY) && !measured.some((row) => row.name === name))
    .map(({ name }) => `${name}: recorded, but no longer measured`);
}
