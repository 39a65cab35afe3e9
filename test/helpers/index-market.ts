import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import { network } from "hardhat";

import type { MarketContracts } from "../../src/adapters/chain/ethers.ts";
import { deployMarket, type Market } from "../contracts/helpers/market.ts";

/** A Hardhat node of its own over HTTP, with the real contracts on it and 20 funded accounts. */
export interface IndexMarket {
  readonly rpcUrl: string;
  readonly contracts: MarketContracts;
  readonly market: Market;
  readonly ethers: HardhatEthers;
  rpc(method: string, ...params: readonly unknown[]): Promise<unknown>;
  mine(blocks: number): Promise<void>;
  blockNumber(): Promise<number>;
  /** Takes the chain back to where it is now. */
  snapshot(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export async function startIndexMarket(): Promise<IndexMarket> {
  const server = await network.createServer({ network: "default" }, "127.0.0.1", 0);
  const { port } = await server.listen();
  const rpcUrl = `http://127.0.0.1:${port}`;
  const connection = await network.create({ network: "devnet", override: { url: rpcUrl } });
  const { ethers } = connection;
  const market = await deployMarket(ethers);
  const rpc = async (method: string, ...params: readonly unknown[]): Promise<unknown> =>
    (await ethers.provider.send(method, [...params])) as unknown;
  return {
    rpcUrl,
    market,
    ethers,
    contracts: {
      twins: await market.twins.getAddress(),
      dispatcher: await market.dispatcher.getAddress(),
      testers: await market.testers.getAddress(),
      disputes: await market.disputes.getAddress(),
      records: await market.records.getAddress(),
    },
    rpc,
    async mine(blocks) {
      if (blocks > 0) await rpc("hardhat_mine", `0x${blocks.toString(16)}`);
    },
    blockNumber: async () => Number(await rpc("eth_blockNumber")),
    async snapshot() {
      const id = await rpc("evm_snapshot");
      return async () => {
        await rpc("evm_revert", id);
      };
    },
    async close() {
      await connection.close();
      await server.close();
    },
  };
}
