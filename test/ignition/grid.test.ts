import { expect } from "chai";
import { network } from "hardhat";

import DevnetGrid from "../../ignition/modules/DevnetGrid.ts";
import Grid from "../../ignition/modules/Grid.ts";
import { DEFAULT_GRID_TIMES, DEVNET_ETHER_PRICE, DEVNET_GRID_TIMES } from "../../src/devnet/grid-settings.ts";

const { ethers, ignition } = await network.create();

/** Contracts that ignition has deployed, with their types. */
async function typed({
  registry,
  contracts,
  prices,
  quotes,
}: Record<"registry" | "contracts" | "prices" | "quotes", { getAddress(): Promise<string> }>) {
  return {
    registry: await ethers.getContractAt("GridRegistry", await registry.getAddress()),
    contracts: await ethers.getContractAt("GridContracts", await contracts.getAddress()),
    prices: await ethers.getContractAt("PriceBook", await prices.getAddress()),
    quotes: await ethers.getContractAt("GridQuotes", await quotes.getAddress()),
  };
}

describe("ignition/modules Grid and DevnetGrid", function () {
  this.timeout(120_000);

  it("should deploy a grid on a chain's own price feed, with the public grid's times", async () => {
    const feed = await ethers.deployContract("ScriptedFeed");
    await feed.setAnswer(2_500n * 10n ** 8n, 0n);
    const [, treasury] = await ethers.getSigners();
    const parameters = { Grid: { priceFeed: await feed.getAddress(), treasury: treasury?.address ?? "" } };
    const deployed = await ignition.deploy(Grid, { parameters });
    const { registry, contracts, prices, quotes } = await typed(deployed);
    expect(await prices.feed()).to.equal(await feed.getAddress());
    expect(await prices.maxAge()).to.equal(DEFAULT_GRID_TIMES.maxAgeSeconds);
    expect(await registry.intervalSeconds()).to.equal(DEFAULT_GRID_TIMES.intervalSeconds);
    expect(await registry.grid()).to.equal(await contracts.getAddress());
    expect((await registry.pricingPolicy(1n)).treasury).to.equal(treasury?.address);
    expect(await contracts.TWINS()).to.equal(await deployed.twins.getAddress());
    expect(await contracts.GRACE_SECONDS()).to.equal(DEFAULT_GRID_TIMES.graceSeconds);
    expect(await quotes.name(1n, 3_600n)).to.equal(13_900n);
  });

  it("should take other numbers as parameters", async () => {
    const feed = await ethers.deployContract("FixedPriceFeed", [8n, DEVNET_ETHER_PRICE.answer]);
    const [treasury] = await ethers.getSigners();
    const parameters = {
      Grid: {
        priceFeed: await feed.getAddress(),
        treasury: treasury?.address ?? "",
        intervalSeconds: 60n,
        graceShare: 10n,
        shares: { farm: 10_000n, treasury: 0n, burn: 0n },
      },
    };
    const { registry, contracts } = await typed(await ignition.deploy(Grid, { parameters }));
    expect(await registry.intervalSeconds()).to.equal(60n);
    expect((await registry.pricingPolicy(1n)).shares.farm).to.equal(10_000n);
    expect(await contracts.GRACE_SHARE()).to.equal(10n);
  });

  it("should deploy one on a price of its own for devnet", async () => {
    const { registry, prices } = await typed(await ignition.deploy(DevnetGrid));
    const feed = await ethers.getContractAt("FixedPriceFeed", await prices.feed());
    expect([...(await feed.latestRoundData())][1]).to.equal(DEVNET_ETHER_PRICE.answer);
    expect(await registry.intervalSeconds()).to.equal(DEVNET_GRID_TIMES.intervalSeconds);
  });
});
