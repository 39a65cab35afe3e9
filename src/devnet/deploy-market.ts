import { JsonRpcProvider, NonceManager, Wallet, type ContractDeployTransaction } from "ethers";

import { Twins__factory } from "../../typechain-types/factories/identity/Twins__factory.ts";
import { TesterRegistry__factory } from "../../typechain-types/factories/market/TesterRegistry__factory.ts";
import { WorkAgreement__factory } from "../../typechain-types/factories/market/WorkAgreement__factory.ts";
import { WorkerDispatcher__factory } from "../../typechain-types/factories/market/WorkerDispatcher__factory.ts";
import type { MarketContracts } from "../adapters/chain/ethers.ts";
import { SprfError } from "../errors.ts";
import { toHex } from "../utils/bytes.ts";
import { devnetKeys } from "./accounts.ts";
import { DEVNET_DUTY_STAKE, DEVNET_MARKET_SETTINGS } from "./market-settings.ts";

const POLLING_MS = 50;

/** Deploys the market's contracts from the first devnet account, in the order in which they need each other. */
export async function deployDevnetMarket(rpcUrl: string): Promise<MarketContracts> {
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true, batchMaxCount: 1, cacheTimeout: -1 });
  provider.pollingInterval = POLLING_MS;
  const signer = new NonceManager(new Wallet(`0x${toHex(devnetKeys(0).accountPrivateKey)}`, provider));
  const deploy = async (transaction: ContractDeployTransaction): Promise<string> => {
    const receipt = await (await signer.sendTransaction(transaction)).wait();
    const address = receipt?.contractAddress ?? undefined;
    if (address === undefined) throw new SprfError("CHAIN_REVERTED", "a contract could not be deployed");
    return address;
  };
  try {
    const { unbondingLength } = DEVNET_MARKET_SETTINGS;
    const twins = await deploy(await new Twins__factory().getDeployTransaction());
    const testers = await deploy(
      await new TesterRegistry__factory().getDeployTransaction(twins, {
        dutyStake: DEVNET_DUTY_STAKE,
        unbondingLength,
      }),
    );
    const agreement = await deploy(await new WorkAgreement__factory().getDeployTransaction(testers));
    const dispatcher = await deploy(
      await new WorkerDispatcher__factory().getDeployTransaction(twins, testers, agreement, DEVNET_MARKET_SETTINGS),
    );
    return { twins, testers, dispatcher };
  } finally {
    provider.destroy();
  }
}
