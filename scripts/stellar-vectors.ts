// Replays recorded stellar-core steps against the development ledger: npm run vectors [-- FOLDER]
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { messageOf, SprfError } from "../src/errors.ts";
import { parseVectorFile } from "../test/src/devnet/stellar/vector-form.ts";
import { replayVectors } from "../test/src/devnet/stellar/vector-replay.ts";

const COPY = join(import.meta.dirname, "../test/vectors/stellar");

const totals = { files: 0, broken: 0, steps: 0, equal: 0 };

const [folder = COPY, ...surplus] = process.argv.slice(2);
try {
  for (const name of await vectorNames()) await replay(name);
  summarize();
} catch (error) {
  console.error(`npm run vectors [-- FOLDER]: ${messageOf(error)}`);
  process.exitCode = 1;
}

async function vectorNames(): Promise<readonly string[]> {
  if (surplus.length > 0) throw new SprfError("INVALID_INPUT", `give one folder, not ${surplus.length + 1}`);
  const found = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  if (found.length === 0) throw new SprfError("INVALID_INPUT", `no .json file in ${folder}`);
  return found;
}

async function replay(name: string): Promise<void> {
  totals.files += 1;
  try {
    const { steps, equal, firstDifference } = replayVectors(
      parseVectorFile(await readFile(join(folder, name), "utf8")),
    );
    totals.steps += steps;
    totals.equal += equal;
    console.log(`${name} steps ${steps} equal ${equal} different ${steps - equal}`);
    if (firstDifference !== undefined) console.log(`  first difference: ${firstDifference}`);
  } catch (error) {
    totals.broken += 1;
    console.error(`${name} cannot be replayed: ${messageOf(error)}`);
  }
}

function summarize(): void {
  const { files, broken, steps, equal } = totals;
  const different = steps - equal;
  console.log(`files ${files} steps ${steps} equal ${equal} different ${different}`);
  const unread = broken === 0 ? "" : `, and ${broken} of ${files} files could not be replayed`;
  console.log(`steps ${steps} different ${different}${unread}`);
  if (different > 0 || broken > 0) process.exitCode = 1;
}
