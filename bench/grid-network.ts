import { join } from "node:path";

import { createEthersChain, type EthersChain, type EthersGrid } from "../src/adapters/chain/ethers.ts";
import { adoptMarket, readDevnetFile } from "../src/config/devnet-file.ts";
import type { NetworkSettings } from "../src/create-peer.ts";
import { devnetKeys } from "../src/devnet/accounts.ts";
import { deployDevnetGrid } from "../src/devnet/deploy-grid.ts";
import { DEVNET_GRID_TIMES } from "../src/devnet/grid-settings.ts";
import type { GridResources } from "../src/ports/grid-registry.ts";
import { startDaemon } from "../test/helpers/daemon.ts";

/** Of the grid: so that contracts are confirmed in time and nodes report once a minute, twenty times as often as on the public one. */
const INTERVAL_SECONDS = 180n;
const NOWHERE = { country: "ZZ", latitude: 0, longitude: 0, city: "" };

/** An account on the grid. */
export interface GridAccount {
  readonly chain: EthersChain;
  readonly grid: EthersGrid;
  readonly twinId: number;
}

/** Devnet in a process of its own, with a grid. */
export interface GridNetwork {
  readonly file: string;
  readonly networks: NetworkSettings;
  account(index: number): Promise<GridAccount>;
  makeFarm(owner: GridAccount): Promise<number>;
  /** A node of the farm's owner itself. */
  makeNode(owner: GridAccount, farmId: number, resources: GridResources): Promise<number>;
  stop(): Promise<void>;
}

export async function startGridNetwork(directory: string): Promise<GridNetwork> {
  const file = join(directory, "devnet.json");
  const daemon = await startDaemon("devnet", ["--file", file, "--json"]);
  const open: EthersChain[] = [];
  const stop = async (): Promise<void> => {
    for (const account of open.splice(0)) account.close();
    await daemon.stop();
  };
  try {
    const { rpcUrl, contracts } = (await readDevnetFile(file)).networks.chain;
    const times = { ...DEVNET_GRID_TIMES, intervalSeconds: INTERVAL_SECONDS };
    await adoptMarket(file, { rpcUrl, contracts, grid: await deployDevnetGrid(rpcUrl, contracts.twins, times) });
    const { chain, ledger, waku } = (await readDevnetFile(file)).networks;
    const { peers, clusterId, shard } = waku;
    return {
      file,
      networks: { chain, ledger, waku: { peers, clusterId, shard } },
      async account(index) {
        const keys = devnetKeys(index);
        const account = await createEthersChain({ ...chain, privateKey: keys.accountPrivateKey });
        open.push(account);
        const ledgerKey = new Uint8Array(keys.ledgerKeypair.rawPublicKey());
        const { id } = await account.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey });
        if (account.grid === undefined) throw new Error("devnet has no grid");
        return { chain: account, grid: account.grid, twinId: id };
      },
      makeFarm: async ({ chain, grid, twinId }) =>
        await grid.registry.createFarm({
          name: `farm-${twinId}`,
          pricingPolicyId: 1,
          payoutAddress: chain.account,
        }),
      makeNode: async ({ grid }, farmId, resources) =>
        await grid.registry.createNode({
          farmId,
          resources,
          location: NOWHERE,
          consent: { deadlineSeconds: 0, signature: new Uint8Array() },
        }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
