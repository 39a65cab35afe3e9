// hardhat run scripts/buy-contract.ts --network devnet: buys an agreement. SPRF_REDUNDANCY workers (1), SPRF_LENGTH blocks (60),
// SPRF_TESTER_COUNT testers (1); the buyer is account SPRF_ACCOUNT_INDEX.
import hre from "hardhat";
import { z } from "zod";

import { parseEnvironment } from "../src/cli/parse-options.ts";
import { runCommand } from "../src/cli/run-command.ts";
import { scriptSettings } from "../src/config/script-settings.ts";
import { createMarket } from "../src/create-market.ts";

const orderShape = {
  SPRF_REDUNDANCY: z.coerce.number().int().positive().default(1),
  SPRF_LENGTH: z.coerce.number().int().positive().default(60),
  SPRF_TESTER_COUNT: z.coerce
    .number()
    .pipe(z.literal([1, 3, 5, 7]))
    .default(1),
};

await runCommand(async (signal) => {
  const order = parseEnvironment(orderShape, process.env);
  const { SPRF_REDUNDANCY: redundancy, SPRF_LENGTH: lengthBlocks, SPRF_TESTER_COUNT: testerCount } = order;
  const { chain, keys } = await createMarket(scriptSettings(hre.globalOptions.network));
  try {
    const ledgerKey = new Uint8Array(keys.ledgerKeypair.rawPublicKey());
    await chain.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey }, { signal });
    const request = { redundancy, lengthBlocks, testerCount };
    const quoteWei = await chain.quote(request, { signal });
    const purchase = await chain.buy(request, quoteWei, { signal });
    const agreement = await chain.agreement(purchase.agreement, { signal });
    console.log(`agreement ${purchase.agreement}`);
    console.log(`  client       ${chain.account}`);
    console.log(`  quote, paid  ${quoteWei}, ${purchase.paidWei} wei`);
    console.log(`  workers      ${agreement?.workerIds.join(", ") ?? ""}`);
    console.log(`  blocks       ${agreement?.startBlock} to ${(agreement?.endBlock ?? 0) - 1}`);
    console.log(`  transaction  ${purchase.transactionHash} (${purchase.gasUsed} gas)`);
  } finally {
    chain.close();
  }
});
