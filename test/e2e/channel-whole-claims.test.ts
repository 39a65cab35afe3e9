import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { createMemoryMesh } from "../../src/adapters/channel-network/memory.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { openFileRecordLog } from "../../src/adapters/record-log/file.ts";
import { createChannelNode, type ChannelNode } from "../../src/channel/channel-node.ts";
import { channelLogDirectory } from "../../src/create-channel-node.ts";
import { DEVNET_MNEMONIC } from "../../src/devnet/accounts.ts";
import { deployDevnetMarket } from "../../src/devnet/deploy-market.ts";
import { SETTLEMENT_MODES } from "../../src/wire/channel/settlement.ts";
import { startChannelChain, type ChannelChain, type ChannelPeer } from "../helpers/channel-chain.ts";
import { runCommandLine, type Ended } from "../helpers/command.ts";
import { until } from "../helpers/until.ts";

const ETHER = `0x${"0".repeat(40)}`;
const STAKE_WEI = 10n ** 18n;
const BROUGHT_WEI = 5n * 10n ** 17n;
/** Settings that every command wants, and these commands do not look at. */
const NOT_USED = {
  SPRF_LEDGER_URL: "http://127.0.0.1:1",
  SPRF_LEDGER_PASSPHRASE: "none",
  SPRF_WAKU_PEERS: "/ip4/127.0.0.1/tcp/1",
};

describe("the command that claims, in a channel that settles roots", function () {
  this.timeout(180_000);
  let chain: ChannelChain;
  let folder: string;
  let market: Awaited<ReturnType<typeof deployDevnetMarket>>;
  const nodes: ChannelNode[] = [];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-channel-"));
    chain = await startChannelChain();
  });
  after(async () => {
    for (const node of nodes) await node.stop();
    await chain?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const dataOf = (index: number): string => join(folder, String(index));

  async function run(words: string, index: number): Promise<Ended> {
    const { hub, pool } = chain.addresses;
    return await runCommandLine(`npx sprf channel ${words} --account ${index} --data ${dataOf(index)}`, {
      ...NOT_USED,
      ...Object.fromEntries(
        Object.entries(market).map(([name, address]) => [`SPRF_${name.toUpperCase()}_ADDRESS`, address]),
      ),
      SPRF_CHAIN_URL: chain.rpcUrl,
      SPRF_CHANNEL_HUB: hub,
      SPRF_CHANNEL_POOL: pool,
      SPRF_CHAIN_POLLING_MS: "20",
      SPRF_MNEMONIC: DEVNET_MNEMONIC,
    });
  }

  it("should prove what is a member's out of its node's log, and without one out of another member's file", async () => {
    const program = await chain.deployFeatures();
    const info = await chain.create({ mode: SETTLEMENT_MODES.root, stakeWei: STAKE_WEI }, "0x", program);
    const { channel } = info;
    const mesh = createMemoryMesh({ logger: createMemoryLogger(), clock: systemClock });
    const peers: ChannelPeer[] = [await chain.peer(1), await chain.peer(2)];
    for (const [index, peer] of peers.entries()) {
      await chain.join(info, peer, { assets: [{ kind: 0, token: ETHER, id: 0n, amount: BROUGHT_WEI }] });
      const logger = createMemoryLogger();
      const log = await openFileRecordLog({ directory: channelLogDirectory(dataOf(index + 1), channel), logger });
      const network = mesh.join(peer.signer);
      const components = { hub: peer.hub, network, log, clock: systemClock, logger };
      nodes.push(createChannelNode(components, { channel, signerKey: peer.keys.messagePrivateKey }));
    }
    for (const node of nodes) await node.start();
    await until(() => nodes[0]!.leads && nodes[0]!.committedHeight >= peers.length, { timeoutMs: 30_000 });
    await chain.closeChannel(channel);
    const { hub } = peers[0]!;
    await until(async () => (await hub.channel(channel))?.isClosed === true, { timeoutMs: 30_000 });
    const { height } = await hub.head(channel);
    await until(() => nodes.every(({ finalHeight }) => finalHeight === height), { timeoutMs: 30_000 });
    for (const node of nodes) await node.stop();

    // Every command looks for the market too. Not before: the app of the channel has the same account.
    market = await deployDevnetMarket(chain.rpcUrl);
    const claimed = await run(`claim ${channel} --json`, 1);
    expect(claimed.stderr).to.equal("");
    expect(JSON.parse(claimed.stdout), claimed.stdout).to.deep.include({
      stakeWei: STAKE_WEI.toString(),
      assets: [{ token: ETHER, id: "0", amount: BROUGHT_WEI.toString() }],
    });
    // The second has lost its disk.
    await rm(dataOf(2), { recursive: true });
    const lost = await run(`claim ${channel}`, 2);
    expect([lost.code, lost.stderr.split(":")[0]]).to.deep.equal([2, "error INVALID_INPUT"]);
    const file = join(folder, "all.channel");
    expect((await run(`export ${channel} ${file}`, 1)).code).to.equal(0);
    const other = await run(`claim ${Number(channel) + 1} --file ${file}`, 2);
    expect(other.stderr).to.match(/^error CHANNEL_UNKNOWN/);
    const proved = await run(`claim ${channel} --file ${file}`, 2);
    expect(proved.stderr).to.equal("");
    expect(proved.stdout).to.equal("stake: 1 ether\nether: 0.5\n");
    const again = await run(`claim ${channel} --file ${file}`, 2);
    expect(again.stdout).to.equal("stake: 0 ether\nether: 0\n");
  });
});
