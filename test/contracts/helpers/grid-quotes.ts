import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";

import type { PricesStruct } from "../../../typechain-types/grid/GridRegistry.ts";
import type { GridQuotes } from "../../../typechain-types/index.ts";

const INTERVAL_SECONDS = 3_600n;
const ALL_SHARES = 10_000n;

/** A registry whose first policy has these prices, and what quotes by it. */
export async function deployGridQuotes(ethers: HardhatEthers, prices: PricesStruct): Promise<GridQuotes> {
  const [treasury] = await ethers.getSigners();
  const twins = await ethers.deployContract("Twins");
  const registry = await ethers.deployContract("GridRegistry", [
    twins,
    INTERVAL_SECONDS,
    { prices, shares: { farm: ALL_SHARES, treasury: 0n, burn: 0n }, treasury },
  ]);
  return await ethers.deployContract("GridQuotes", [registry]);
}
