import { FixedPriceFeed__factory } from "../../typechain-types/factories/grid/FixedPriceFeed__factory.ts";
import { GridContracts__factory } from "../../typechain-types/factories/grid/GridContracts__factory.ts";
import { GridQuotes__factory } from "../../typechain-types/factories/grid/GridQuotes__factory.ts";
import { GridRegistry__factory } from "../../typechain-types/factories/grid/GridRegistry__factory.ts";
import { PriceBook__factory } from "../../typechain-types/factories/grid/PriceBook__factory.ts";
import { GridEndings__factory } from "../../typechain-types/factories/libraries/GridEndings__factory.ts";
import { GridOpenings__factory } from "../../typechain-types/factories/libraries/GridOpenings__factory.ts";
import { GridReports__factory } from "../../typechain-types/factories/libraries/GridReports__factory.ts";
import type { GridAddresses } from "../adapters/chain/ethers.ts";
import { asDevnetDeployer } from "./deployer.ts";
import {
  DEFAULT_GRID_PRICES,
  DEFAULT_GRID_SHARES,
  DEVNET_ETHER_PRICE,
  DEVNET_GRID_TIMES,
  type GridTimes,
} from "./grid-settings.ts";

/**
 * Deploys the grid's contracts from the first devnet account, beside a market whose twins they share. That account is the first
 * policy's treasury, and an ether costs what {@link DEVNET_ETHER_PRICE} says, for ever.
 */
export async function deployDevnetGrid(
  rpcUrl: string,
  twins: string,
  { intervalSeconds, graceSeconds, graceShare, maxAgeSeconds }: GridTimes = DEVNET_GRID_TIMES,
): Promise<GridAddresses> {
  return await asDevnetDeployer(rpcUrl, async (deploy, account) => {
    const { decimals, answer } = DEVNET_ETHER_PRICE;
    const feed = await deploy(await new FixedPriceFeed__factory().getDeployTransaction(decimals, answer));
    const prices = await deploy(await new PriceBook__factory().getDeployTransaction(feed, maxAgeSeconds));
    const registry = await deploy(
      await new GridRegistry__factory().getDeployTransaction(twins, intervalSeconds, {
        prices: DEFAULT_GRID_PRICES,
        shares: DEFAULT_GRID_SHARES,
        treasury: account,
      }),
    );
    const quotes = await deploy(await new GridQuotes__factory().getDeployTransaction(registry));
    const openings = await deploy(await new GridOpenings__factory().getDeployTransaction());
    const endings = await deploy(await new GridEndings__factory().getDeployTransaction());
    const reports = await deploy(await new GridReports__factory().getDeployTransaction());
    const contracts = await deploy(
      await new GridContracts__factory({
        "project/contracts/libraries/GridOpenings.sol:GridOpenings": openings,
        "project/contracts/libraries/GridEndings.sol:GridEndings": endings,
        "project/contracts/libraries/GridReports.sol:GridReports": reports,
      }).getDeployTransaction(twins, registry, prices, graceSeconds, graceShare),
    );
    return { registry, contracts, prices, quotes };
  });
}
