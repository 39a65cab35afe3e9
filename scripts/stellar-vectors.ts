// Replays recorded stellar-core steps against the development ledger: npm run vectors [-- FOLDER]
import { readdirSync } from "node:fs";
import { join } from "node:path";

import { replayVectors } from "../test/src/devnet/stellar/vector-replay.ts";

const [folder = join(import.meta.dirname, "../test/vectors/stellar")] = process.argv.slice(2);

const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
let total = 0;
let totalEqual = 0;
for (const name of files) {
  const { steps, equal, firstDifference } = replayVectors(join(folder, name));
  total += steps;
  totalEqual += equal;
  console.log(`${name} ${equal}/${steps}`);
  if (firstDifference !== undefined) console.log(`  first difference: ${firstDifference}`);
}
console.log(`files ${files.length} steps ${total} equal ${totalEqual}`);
console.log(`steps ${total} different ${total - totalEqual}`);
// A folder without vectors shows nothing.
if (total === 0 || totalEqual < total) process.exitCode = 1;
