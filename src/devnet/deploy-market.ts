import { Twins__factory } from "../../typechain-types/factories/identity/Twins__factory.ts";
import { Settlement__factory } from "../../typechain-types/factories/libraries/Settlement__factory.ts";
import { Disputes__factory } from "../../typechain-types/factories/market/Disputes__factory.ts";
import { TesterRegistry__factory } from "../../typechain-types/factories/market/TesterRegistry__factory.ts";
import { WorkAgreement__factory } from "../../typechain-types/factories/market/WorkAgreement__factory.ts";
import { WorkerDispatcher__factory } from "../../typechain-types/factories/market/WorkerDispatcher__factory.ts";
import { WorkerRecords__factory } from "../../typechain-types/factories/market/WorkerRecords__factory.ts";
import type { MarketContracts } from "../adapters/chain/ethers.ts";
import { asDevnetDeployer } from "./deployer.ts";
import { DEVNET_DUTY_STAKE, DEVNET_MARKET_SETTINGS, DEVNET_REPUTATION_SETTINGS } from "./market-settings.ts";

/** The market's numbers, which its deployment fixes. */
export type MarketSettings = Readonly<Record<keyof typeof DEVNET_MARKET_SETTINGS, bigint>>;

/** Deploys the market's contracts from the first devnet account, in the order in which they need each other. */
export async function deployDevnetMarket(
  rpcUrl: string,
  settings: MarketSettings = DEVNET_MARKET_SETTINGS,
): Promise<MarketContracts> {
  return await asDevnetDeployer(rpcUrl, async (deploy) => {
    const { unbondingLength } = settings;
    const twins = await deploy(await new Twins__factory().getDeployTransaction());
    const testers = await deploy(
      await new TesterRegistry__factory().getDeployTransaction(twins, {
        dutyStake: DEVNET_DUTY_STAKE,
        unbondingLength,
      }),
    );
    const disputes = await deploy(await new Disputes__factory().getDeployTransaction(twins, testers));
    const records = await deploy(await new WorkerRecords__factory().getDeployTransaction(DEVNET_REPUTATION_SETTINGS));
    const settlement = await deploy(await new Settlement__factory().getDeployTransaction());
    const agreement = await deploy(
      await new WorkAgreement__factory({
        "project/contracts/libraries/Settlement.sol:Settlement": settlement,
      }).getDeployTransaction(testers, disputes),
    );
    const dispatcher = await deploy(
      await new WorkerDispatcher__factory().getDeployTransaction(twins, testers, records, agreement, settings),
    );
    return { twins, testers, dispatcher, disputes, records };
  });
}
