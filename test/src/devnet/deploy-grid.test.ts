import { JsonRpcProvider } from "ethers";
import { expect } from "chai";

import { deployDevnetGrid } from "../../../src/devnet/deploy-grid.ts";
import { deployDevnetMarket } from "../../../src/devnet/deploy-market.ts";
import { devnetKeys } from "../../../src/devnet/accounts.ts";
import { startDevnetChain, type DevnetChain } from "../../../src/devnet/chain.ts";
import {
  DEFAULT_GRID_PRICES,
  DEFAULT_GRID_SHARES,
  DEVNET_ETHER_PRICE,
  DEVNET_GRID_TIMES,
} from "../../../src/devnet/grid-settings.ts";
import { IPriceFeed__factory } from "../../../typechain-types/factories/interfaces/IPriceFeed__factory.ts";
import { GridContracts__factory } from "../../../typechain-types/factories/grid/GridContracts__factory.ts";
import { GridQuotes__factory } from "../../../typechain-types/factories/grid/GridQuotes__factory.ts";
import { GridRegistry__factory } from "../../../typechain-types/factories/grid/GridRegistry__factory.ts";
import { PriceBook__factory } from "../../../typechain-types/factories/grid/PriceBook__factory.ts";

describe("devnet/deploy-grid", () => {
  let chain: DevnetChain;
  let provider: JsonRpcProvider;
  before(async () => {
    chain = await startDevnetChain({ host: "127.0.0.1", port: 0 });
    provider = new JsonRpcProvider(chain.rpcUrl, undefined, { staticNetwork: true, cacheTimeout: -1 });
  });
  after(async () => {
    provider?.destroy();
    await chain?.stop();
  });

  it("should deploy contracts that know each other and the market's twins, with devnet's settings", async () => {
    const { twins } = await deployDevnetMarket(chain.rpcUrl);
    const grid = await deployDevnetGrid(chain.rpcUrl, twins);
    const contracts = GridContracts__factory.connect(grid.contracts, provider);
    const registry = GridRegistry__factory.connect(grid.registry, provider);
    const prices = PriceBook__factory.connect(grid.prices, provider);
    const quotes = GridQuotes__factory.connect(grid.quotes, provider);

    expect(await registry.grid()).to.equal(grid.contracts);
    expect(await Promise.all([contracts.TWINS(), contracts.REGISTRY(), contracts.PRICES()])).to.deep.equal([
      twins,
      grid.registry,
      grid.prices,
    ]);
    const { intervalSeconds, graceSeconds, graceShare, maxAgeSeconds } = DEVNET_GRID_TIMES;
    expect(
      await Promise.all([
        registry.intervalSeconds(),
        contracts.GRACE_SECONDS(),
        contracts.GRACE_SHARE(),
        prices.maxAge(),
      ]),
    ).to.deep.equal([intervalSeconds, graceSeconds, graceShare, maxAgeSeconds]);

    const { shares, treasury } = await registry.pricingPolicy(1n);
    expect([shares.farm, shares.treasury, shares.burn]).to.deep.equal(Object.values(DEFAULT_GRID_SHARES));
    expect(treasury).to.equal(devnetKeys(0).account);
    expect(await quotes.name(1n, 3_600n)).to.equal(DEFAULT_GRID_PRICES.uniqueName);

    const feed = IPriceFeed__factory.connect(await prices.feed(), provider);
    expect(await feed.decimals()).to.equal(DEVNET_ETHER_PRICE.decimals);
    expect((await feed.latestRoundData()).answer).to.equal(DEVNET_ETHER_PRICE.answer);
    expect((await prices.peek()).fresh).to.equal(true);
  });

  it("should take other times", async () => {
    const { twins } = await deployDevnetMarket(chain.rpcUrl);
    const grid = await deployDevnetGrid(chain.rpcUrl, twins, { ...DEVNET_GRID_TIMES, intervalSeconds: 5n });
    const contracts = GridContracts__factory.connect(grid.contracts, provider);
    expect(await contracts.INTERVAL_SECONDS()).to.equal(5n);
  });
});
