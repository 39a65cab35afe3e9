import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";

import { GridQuotes__factory } from "../../../typechain-types/factories/grid/GridQuotes__factory.ts";
import { GridRegistry__factory } from "../../../typechain-types/factories/grid/GridRegistry__factory.ts";
import { Twins__factory } from "../../../typechain-types/factories/identity/Twins__factory.ts";
import type { GridQuotes } from "../../../typechain-types/index.ts";
import type { PricesStruct } from "../../../typechain-types/grid/GridRegistry.ts";

const INTERVAL_SECONDS = 3_600n;
const ALL_SHARES = 10_000n;

/** A registry whose first policy has these prices, and what quotes by it. Needs no build: the code comes with the types. */
export async function deployGridQuotes(ethers: HardhatEthers, prices: PricesStruct): Promise<GridQuotes> {
  const [deployer] = await ethers.getSigners();
  if (deployer === undefined) throw new Error("the network has no account");
  const twins = await new Twins__factory(deployer).deploy();
  const registry = await new GridRegistry__factory(deployer).deploy(twins, INTERVAL_SECONDS, {
    prices,
    shares: { farm: ALL_SHARES, treasury: 0n, burn: 0n },
    treasury: deployer.address,
  });
  return await new GridQuotes__factory(deployer).deploy(registry);
}
