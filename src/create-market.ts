import { createEthersChain, type EthersChain } from "./adapters/chain/ethers.ts";
import { systemRandom } from "./adapters/random/system.ts";
import { buyBest, type BestPurchase, type BuyBestOptions } from "./client/choose-and-buy.ts";
import { chooseFromMarket } from "./client/choose-workers.ts";
import { loadSettings, type LoadSettingsInit } from "./config/load.ts";
import type { Settings } from "./config/schema.ts";
import { createKeys } from "./create-keys.ts";
import type { TwinKeys } from "./domain/identity/keys.ts";
import type { WorkerChoice } from "./domain/market/choose-workers.ts";
import type { WorkerPolicy } from "./domain/market/worker-policy.ts";
import type { ChainOptions } from "./ports/chain.ts";

/** The market as the account of the settings sees it: what scripts and commands need, without any other network. */
export interface Market {
  readonly chain: EthersChain;
  readonly keys: TwinKeys;
  readonly settings: Settings;
  /** The workers that a policy would choose now. @throws SprfError `INVALID_INPUT` for a policy that is none */
  chooseWorkers(policy: WorkerPolicy, options?: ChainOptions): Promise<WorkerChoice>;
  /** Buys an agreement with the workers that a policy chooses. @throws SprfError `NO_MATCH`, `PURCHASE_REJECTED` */
  buyBest(policy: WorkerPolicy, options?: BuyBestOptions): Promise<BestPurchase>;
}

/** @throws SprfError `CONFIG_INVALID`, `CHAIN_UNREACHABLE` */
export async function createMarket(init: LoadSettingsInit): Promise<Market> {
  const settings = await loadSettings(init);
  const keys = await createKeys(settings);
  const chain = await createEthersChain({ ...settings.networks.chain, privateKey: keys.accountPrivateKey });
  const components = { chain, random: systemRandom };
  return {
    chain,
    keys,
    settings,
    chooseWorkers: async (policy, options) => await chooseFromMarket(components, policy, options),
    buyBest: async (policy, options) => await buyBest(components, policy, options),
  };
}
