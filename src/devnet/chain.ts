import { createHardhatRuntimeEnvironment } from "hardhat/hre";

import { toHex } from "../utils/bytes.ts";
import { DEVNET_ACCOUNTS, devnetKeys } from "./accounts.ts";

export const DEVNET_CHAIN_ID = 31_337;

const BLOCK_MS = 1_000;
const BALANCE_WEI = 10_000n * 10n ** 18n;

export interface DevnetChain {
  readonly rpcUrl: string;
  stop(): Promise<void>;
}

/** An Ethereum node in this process: it mines each transaction at once and a block every second besides. */
export async function startDevnetChain({
  host,
  port,
}: {
  readonly host: string;
  readonly port: number;
}): Promise<DevnetChain> {
  const environment = await createHardhatRuntimeEnvironment({
    networks: {
      node: {
        type: "edr-simulated",
        chainType: "l1",
        chainId: DEVNET_CHAIN_ID,
        mining: { auto: true, interval: BLOCK_MS },
        loggingEnabled: false,
        accounts: Array.from({ length: DEVNET_ACCOUNTS }, (_, index) => ({
          privateKey: `0x${toHex(devnetKeys(index).accountPrivateKey)}`,
          balance: BALANCE_WEI.toString(),
        })),
      },
    },
  });
  const server = await environment.network.createServer("node", host, port);
  const { address, port: listening } = await server.listen();
  return {
    rpcUrl: `http://${address}:${listening}`,
    stop: async () => await server.close(),
  };
}
