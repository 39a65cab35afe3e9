// Asks the grid's contracts, deployed, for recorded billing figures: npm run vectors:grid [-- FILE]
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import { network } from "hardhat";

import { DEFAULT_GRID_SHARES, DEFAULT_GRID_TIMES } from "../src/devnet/grid-settings.ts";
import { messageOf, SprfError } from "../src/errors.ts";
import { type GridVectors, parseGridVectors } from "../test/contracts/helpers/grid-vector-form.ts";
import { replayGridVectors } from "../test/contracts/helpers/grid-vector-replay.ts";
import { GridQuotes__factory } from "../typechain-types/factories/grid/GridQuotes__factory.ts";
import { GridRegistry__factory } from "../typechain-types/factories/grid/GridRegistry__factory.ts";
import { Twins__factory } from "../typechain-types/factories/identity/Twins__factory.ts";
import type { GridQuotes } from "../typechain-types/index.ts";

const COPY = join(import.meta.dirname, "../test/vectors/grid/billing.json");
/** The policy that the registry is deployed with. */
const FIRST_POLICY = 1n;

const [file = COPY, ...surplus] = process.argv.slice(2);
try {
  if (surplus.length > 0) throw new SprfError("INVALID_INPUT", `give one file, not ${surplus.length + 1}`);
  const vectors = parseGridVectors(await readFile(file, "utf8"));
  const { ethers } = await network.create();
  const quotes = await deployQuotes(ethers, vectors.pricingPolicy);
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

/** From the code that comes with the types, so that nothing has to be built. The figures' policy is the registry's first. */
async function deployQuotes(ethers: HardhatEthers, prices: GridVectors["pricingPolicy"]): Promise<GridQuotes> {
  const [deployer] = await ethers.getSigners();
  if (deployer === undefined) throw new SprfError("INTERNAL", "the network has no account");
  const twins = await new Twins__factory(deployer).deploy();
  const registry = await new GridRegistry__factory(deployer).deploy(twins, DEFAULT_GRID_TIMES.intervalSeconds, {
    prices,
    shares: DEFAULT_GRID_SHARES,
    treasury: deployer,
  });
  return await new GridQuotes__factory(deployer).deploy(registry);
}
