// hardhat run scripts/deploy.ts --network <name>: deploys the market, the grid and the channels, and writes down where they are. Beyond
// devnet the grid needs SPRF_PRICE_FEED, a feed of ether's price (Chainlink's interface); SPRF_TREASURY gets the first policy's share.
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import hre from "hardhat";

import Channels from "../ignition/modules/Channels.ts";
import DevnetGrid from "../ignition/modules/DevnetGrid.ts";
import Grid from "../ignition/modules/Grid.ts";
import Market from "../ignition/modules/Market.ts";
import type { ChannelAddresses, GridAddresses, MarketContracts } from "../src/adapters/chain/ethers.ts";
import { runCommand } from "../src/cli/run-command.ts";
import { adoptMarket, devnetFilePath } from "../src/config/devnet-file.ts";
import { writeDeployment } from "../src/config/deployment-file.ts";
import { gridDeployment } from "../src/config/script-settings.ts";
import { DEVNET_UNBONDING_SECONDS } from "../src/devnet/channel-settings.ts";
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
  const deploy = async (): Promise<Deployed> => {
    try {
      if (networkName === DEVNET) return await addressesOf(await ignition.deploy(DevnetGrid, { deploymentId }));
      const grid = gridDeployment();
      if (grid === undefined) return await addressesOf(await ignition.deploy(Market));
      const [deployer] = await ethers.getSigners();
      const treasury = grid.treasury ?? (await deployer?.getAddress()) ?? "";
      return await addressesOf(
        await ignition.deploy(Grid, { parameters: { Grid: { priceFeed: grid.priceFeed, treasury } } }),
      );
    } finally {
      await rm(journal, { recursive: true, force: true });
    }
  };
  const deployChannels = async (): Promise<ChannelAddresses> => {
    const options =
      networkName === DEVNET
        ? { deploymentId, parameters: { Channels: { unbondingSeconds: DEVNET_UNBONDING_SECONDS } } }
        : {};
    try {
      const { hub, pool, court, watch } = await ignition.deploy(Channels, options);
      return {
        hub: await hub.getAddress(),
        pool: await pool.getAddress(),
        court: await court.getAddress(),
        watch: await watch.getAddress(),
      };
    } finally {
      await rm(journal, { recursive: true, force: true });
    }
  };
  const { contracts, grid } = await deploy();
  const channels = await deployChannels();
  const file = await writeDeployment(
    chainId,
    { ...contracts },
    { grid: grid && { ...grid }, channels: { ...channels } },
  );
  // Daemons and scripts that take their networks from a running devnet use this market from now on.
  const devnetFile = devnetFilePath();
  const adopted = await adoptMarket(devnetFile, { rpcUrl, contracts, grid, channels });

  console.log(`deployed on chain ${chainId}`);
  for (const [name, address] of Object.entries(contracts)) console.log(`  ${name.padEnd(11)} ${address}`);
  for (const [name, address] of Object.entries(grid ?? {})) console.log(`  ${`grid.${name}`.padEnd(14)} ${address}`);
  for (const [name, address] of Object.entries(channels)) {
    console.log(`  ${`channels.${name}`.padEnd(14)} ${address}`);
  }
  if (grid === undefined) console.log("  no grid: SPRF_PRICE_FEED names no price feed");
  console.log(`written to ${file}${adopted ? ` and to ${devnetFile}` : ""}`);
});

interface Deployed {
  readonly contracts: MarketContracts;
  readonly grid?: GridAddresses;
}

interface Addressable {
  getAddress(): Promise<string>;
}

type MarketFutures = Readonly<Record<keyof MarketContracts, Addressable>>;
type GridFutures = Readonly<Record<keyof GridAddresses, Addressable>>;

async function addressesOf(deployed: MarketFutures & Partial<GridFutures>): Promise<Deployed> {
  const { twins, dispatcher, testers, disputes, records, registry, contracts: grid, prices, quotes } = deployed;
  const contracts = {
    twins: await twins.getAddress(),
    dispatcher: await dispatcher.getAddress(),
    testers: await testers.getAddress(),
    disputes: await disputes.getAddress(),
    records: await records.getAddress(),
  };
  if (registry === undefined || grid === undefined || prices === undefined || quotes === undefined)
    return { contracts };
  return {
    contracts,
    grid: {
      registry: await registry.getAddress(),
      contracts: await grid.getAddress(),
      prices: await prices.getAddress(),
      quotes: await quotes.getAddress(),
    },
  };
}
