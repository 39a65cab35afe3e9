import { JsonRpcProvider, ZeroHash } from "ethers";
import { expect } from "chai";

import { startDevnetChain, type DevnetChain } from "../../../src/devnet/chain.ts";
import { devnetKeys } from "../../../src/devnet/accounts.ts";
import { DEVNET_LANDS } from "../../../src/devnet/lands.ts";
import { parseLand } from "../../../src/domain/landcraft/land-map.ts";
import { LandCraft__factory } from "../../../typechain-types/factories/apps/LandCraft__factory.ts";
import { World__factory } from "../../../typechain-types/factories/apps/World__factory.ts";
import { DEVNET_UNBONDING_SECONDS } from "../../../src/devnet/channel-settings.ts";
import { deployDevnetChannels } from "../../../src/devnet/deploy-channels.ts";
import { Chat__factory } from "../../../typechain-types/factories/apps/Chat__factory.ts";
import { DocumentEditor__factory } from "../../../typechain-types/factories/apps/DocumentEditor__factory.ts";
import { ChannelHub__factory } from "../../../typechain-types/factories/channels/ChannelHub__factory.ts";
import { StakingPool__factory } from "../../../typechain-types/factories/channels/StakingPool__factory.ts";

describe("devnet/deploy-channels", () => {
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

  it("should deploy a hub and a pool that know each other, with devnet's settings", async () => {
    const channels = await deployDevnetChannels(chain.rpcUrl);
    const hub = ChannelHub__factory.connect(channels.hub, provider);
    const pool = StakingPool__factory.connect(channels.pool, provider);
    expect(await hub.pool()).to.equal(channels.pool);
    expect(await pool.hub()).to.equal(channels.hub);
    expect(await pool.unbondingSeconds()).to.equal(DEVNET_UNBONDING_SECONDS);
    expect(await hub.channelCount()).to.equal(0n);
  });

  it("should deploy the apps, whose programs the hub has registered", async () => {
    const { hub: address, chat = "", editor = "", land = "" } = await deployDevnetChannels(chain.rpcUrl);
    const hub = ChannelHub__factory.connect(address, provider);
    const apps = [
      Chat__factory.connect(chat, provider),
      DocumentEditor__factory.connect(editor, provider),
      LandCraft__factory.connect(land, provider),
    ];
    for (const app of apps) {
      expect(await app.HUB()).to.equal(address);
      expect(await hub.programHash(await app.PROGRAM())).not.to.equal(ZeroHash);
    }
  });

  it("should found a world whose lands belong to the accounts that play", async () => {
    const { land = "" } = await deployDevnetChannels(chain.rpcUrl);
    const world = World__factory.connect(await LandCraft__factory.connect(land, provider).WORLD(), provider);
    expect(await world.isGame(land)).to.equal(true);
    expect(await world.landCount()).to.equal(BigInt(DEVNET_LANDS.length));
    for (const [index, { name, lord, text }] of DEVNET_LANDS.entries()) {
      const founded = await world.landOf(index + 1);
      expect([founded.name, founded.lord.toLowerCase()]).to.deep.equal([name, devnetKeys(lord).account.toLowerCase()]);
      expect([...founded.fields]).to.deep.equal([...parseLand(text)]);
    }
  });

  it("should take another time", async () => {
    const { pool } = await deployDevnetChannels(chain.rpcUrl, 5n);
    expect(await StakingPool__factory.connect(pool, provider).unbondingSeconds()).to.equal(5n);
  });
});
