// Asks the grid's contracts, deployed, for recorded billing figures: npm run vectors:grid [-- FILE]
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { network } from "hardhat";

import { messageOf, SprfError } from "../src/errors.ts";
import { parseGridVectors } from "../test/contracts/helpers/grid-vector-form.ts";
import { replayGridVectors } from "../test/contracts/helpers/grid-vector-replay.ts";
import { deployGridQuotes } from "../test/contracts/helpers/grid-quotes.ts";

const COPY = join(import.meta.dirname, "../test/vectors/grid/billing.json");
/** The policy that the registry is deployed with. */
const FIRST_POLICY = 1n;

const [file = COPY, ...surplus] = process.argv.slice(2);
try {
  if (surplus.length > 0) throw new SprfError("INVALID_INPUT", `give one file, not ${surplus.length + 1}`);
  const vectors = parseGridVectors(await readFile(file, "utf8"));
  const { ethers } = await network.create();
  const quotes = await deployGridQuotes(ethers, vectors.pricingPolicy);
  const outcomes = await replayGridVectors(quotes, FIRST_POLICY, vectors);
  for (const { section, cases, differences } of outcomes) {
    for (const difference of differences) console.log(difference);
    console.log(`${section} cases ${cases} different ${differences.length}`);
  }
  const cases = outcomes.reduce((sum, outcome) => sum + outcome.cases, 0);
  const different = outcomes.reduce((sum, { differences }) => sum + differences.length, 0);
  console.log(`cases ${cases} different ${different}`);
  if (different > 0) process.exitCode = 1;
} catch (error) {
  console.error(`npm run vectors:grid [-- FILE]: ${messageOf(error)}`);
  process.exitCode = 1;
}
