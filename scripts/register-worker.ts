// hardhat run scripts/register-worker.ts --network devnet: registers the worker of one account. SPRF_ACCOUNT_INDEX says which
// account, SPRF_PRICE_PER_BLOCK_WEI and its like (docs/architecture.md) what it offers.
import hre from "hardhat";

import { runCommand } from "../src/cli/run-command.ts";
import { scriptSettings } from "../src/config/script-settings.ts";
import { createMarket } from "../src/create-market.ts";

await runCommand(async (signal) => {
  const { chain, keys, settings } = await createMarket(scriptSettings(hre.globalOptions.network));
  try {
    const ledgerKey = new Uint8Array(keys.ledgerKeypair.rawPublicKey());
    const twin = await chain.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey }, { signal });
    const { stakeWei, withdrawFactor: _withdrawFactor, ...terms } = settings.worker;
    const stake = stakeWei ?? (await chain.requiredStakeWei(terms, { signal }));
    const known = await chain.workerOf(chain.account, terms.applicationType, { signal });
    const workerId = known ?? (await chain.registerWorker(terms, stake, { signal }));
    console.log(`worker ${workerId}${known === undefined ? "" : " was registered before"}`);
    console.log(`  account          ${chain.account} (twin ${twin.id})`);
    console.log(`  price per block  ${terms.pricePerBlockWei} wei`);
    console.log(`  stake            ${stake} wei`);
  } finally {
    chain.close();
  }
});
