import { createEthersChain, type EthersChain } from "./adapters/chain/ethers.ts";
import type { TwinKeys } from "./domain/identity/keys.ts";
import { loadSettings, type LoadSettingsInit } from "./config/load.ts";
import type { Settings } from "./config/schema.ts";
import { systemRandom } from "./adapters/random/system.ts";
import { createKeys } from "./create-keys.ts";
import type { Random } from "./ports/random.ts";

/** The market as the account of the settings sees it: what scripts need, without any other network. */
export async function createMarket(
  init: LoadSettingsInit,
): Promise<{
  readonly chain: EthersChain;
  readonly keys: TwinKeys;
  readonly random: Random;
  readonly settings: Settings;
}> {
  const settings = await loadSettings(init);
  const keys = await createKeys(settings);
  const chain = await createEthersChain({ ...settings.networks.chain, privateKey: keys.accountPrivateKey });
  return { chain, keys, random: systemRandom, settings };
}
