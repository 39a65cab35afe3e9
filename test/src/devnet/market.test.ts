import { JsonRpcProvider } from "ethers";
import { expect } from "chai";

import { TesterRegistry__factory } from "../../../typechain-types/factories/market/TesterRegistry__factory.ts";
import { WorkerDispatcher__factory } from "../../../typechain-types/factories/market/WorkerDispatcher__factory.ts";
import { mineBlocks } from "../../../src/devnet/advance.ts";
import { startDevnetChain, type DevnetChain } from "../../../src/devnet/chain.ts";
import { deployDevnetMarket } from "../../../src/devnet/deploy-market.ts";
import { DEVNET_DUTY_STAKE, DEVNET_MARKET_SETTINGS } from "../../../src/devnet/market-settings.ts";

describe("devnet/deploy-market and advance", () => {
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

  it("should deploy contracts that know each other, with devnet's settings", async () => {
    const { twins, testers, dispatcher } = await deployDevnetMarket(chain.rpcUrl);
    const market = WorkerDispatcher__factory.connect(dispatcher, provider);
    const registry = TesterRegistry__factory.connect(testers, provider);
    const settings = await market.settings();
    const names = Object.keys(DEVNET_MARKET_SETTINGS) as (keyof typeof DEVNET_MARKET_SETTINGS)[];
    expect(Object.fromEntries(names.map((name) => [name, settings[name]]))).to.deep.equal(DEVNET_MARKET_SETTINGS);
    const { dutyStake, unbondingLength } = await registry.settings();
    expect([dutyStake, unbondingLength]).to.deep.equal([DEVNET_DUTY_STAKE, DEVNET_MARKET_SETTINGS.unbondingLength]);
    expect(await Promise.all([market.twins(), market.testers()])).to.deep.equal([twins, testers]);
  });

  it("should mine as many blocks as asked for, besides those that time brings", async () => {
    const before = await provider.getBlockNumber();
    await mineBlocks(chain.rpcUrl, 500);
    const mined = (await provider.getBlockNumber()) - before;
    expect(mined).to.be.within(500, 520);
  });
});
