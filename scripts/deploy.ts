// hardhat run scripts/deploy.ts --network <name>: deploys the market and writes down where it is.
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import hre from "hardhat";

import Market from "../ignition/modules/Market.ts";
import type { MarketContracts } from "../src/adapters/chain/ethers.ts";
import { runCommand } from "../src/cli/run-command.ts";
import { adoptMarket, devnetFilePath } from "../src/config/devnet-file.ts";
import { writeDeployment } from "../src/config/deployment-file.ts";
import { SprfError } from "../src/errors.ts";

const DEVNET = "devnet";

await runCommand(async () => {
  const { ignition, ethers, networkConfig, networkName } = await hre.network.create();
  if (networkConfig.type !== "http") {
    throw new SprfError(
      "CONFIG_INVALID",
      `--network: ${networkName} ends with this command; name one that stays, such as devnet`,
    );
  }
  const rpcUrl = await networkConfig.url.getUrl();
  const { chainId } = await ethers.provider.getNetwork().catch((error: unknown) => {
    throw new SprfError("CHAIN_UNREACHABLE", `no Ethereum node answers at ${rpcUrl}`, { cause: error });
  });
  // Ignition resumes what it has begun on a chain with this id; each devnet is another chain with the same id.
  const deploymentId = `devnet-${randomUUID()}`;
  const journal = join(hre.config.paths.ignition, "deployments", deploymentId);
  const deployMarket = async (): Promise<MarketContracts> => {
    try {
      const { twins, dispatcher, testers, disputes, records } = await ignition.deploy(
        Market,
        networkName === DEVNET ? { deploymentId } : {},
      );
      return {
        twins: await twins.getAddress(),
        dispatcher: await dispatcher.getAddress(),
        testers: await testers.getAddress(),
        disputes: await disputes.getAddress(),
        records: await records.getAddress(),
      };
    } finally {
      await rm(journal, { recursive: true, force: true });
    }
  };
  const contracts = await deployMarket();
  const file = await writeDeployment(chainId, { ...contracts });
  // Daemons and scripts that take their networks from a running devnet use this market from now on.
  const devnetFile = devnetFilePath();
  const adopted = await adoptMarket(devnetFile, { rpcUrl, contracts });

  console.log(`deployed on chain ${chainId}`);
  for (const [name, address] of Object.entries(contracts)) console.log(`  ${name.padEnd(11)} ${address}`);
  console.log(`written to ${file}${adopted ? ` and to ${devnetFile}` : ""}`);
});
