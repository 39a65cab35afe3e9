import { readdirSync } from "node:fs";
import { join } from "node:path";

import { replayVectors } from "../test/src/devnet/stellar/vector-replay.ts";

/**
 * Replays recorded stellar-core steps against the development ledger.
 *
 * Usage: node scripts/stellar-vectors.ts [--strict] [FOLDER]
 */
const args = process.argv.slice(2);
const folder = args.find((arg) => !arg.startsWith("--")) ?? join(import.meta.dirname, "../test/vectors/stellar");

let total = 0;
let totalEqual = 0;
for (const name of readdirSync(folder).filter((file) => file.endsWith(".json"))) {
  const { steps, equal, firstDifference } = replayVectors(join(folder, name));
  total += steps;
  totalEqual += equal;
  console.log(`${name} ${String(equal)}/${String(steps)}`);
  if (firstDifference !== undefined) console.log(`  first difference: ${firstDifference}`);
}
console.log(`steps equal ${String(totalEqual)} of ${String(total)}`);
if (args.includes("--strict") && totalEqual < total) process.exitCode = 1;
