import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

import { createHardhatRuntimeEnvironment } from "hardhat/hre";

import { SprfError, messageOf } from "../errors.ts";
import { toHex } from "../utils/bytes.ts";
import { DEVNET_ACCOUNTS, devnetKeys } from "./accounts.ts";

const DEVNET_CHAIN_ID = 31_337;

const BLOCK_MS = 1_000;
const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
/** Is never made. */
const NO_ARTIFACTS = ".sprf/no-artifacts";
const BALANCE_WEI = 10_000n * 10n ** 18n;

export interface DevnetChain {
  readonly rpcUrl: string;
  stop(): Promise<void>;
}

/**
 * An Ethereum node in this process: it mines each transaction at once and a block every second besides.
 *
 * @throws SprfError `CONFIG_INVALID` when the address cannot be listened on
 */
export async function startDevnetChain({
  host,
  port,
}: {
  readonly host: string;
  readonly port: number;
}): Promise<DevnetChain> {
  if (port !== 0) await checkFree(host, port);
  const environment = await createHardhatRuntimeEnvironment(
    {
      // Else each chain would read what the last build left, half a second and a hundred megabytes, to name errors in its own log.
      paths: { artifacts: NO_ARTIFACTS },
      networks: {
        node: {
          type: "edr-simulated",
          chainType: "l1",
          chainId: DEVNET_CHAIN_ID,
          mining: { auto: true, interval: BLOCK_MS },
          // Else many transactions in a second would put the chain's clock ahead of everybody's, for good.
          allowBlocksWithSameTimestamp: true,
          loggingEnabled: false,
          accounts: Array.from({ length: DEVNET_ACCOUNTS }, (_, index) => ({
            privateKey: `0x${toHex(devnetKeys(index).accountPrivateKey)}`,
            balance: BALANCE_WEI.toString(),
          })),
        },
      },
    },
    {},
    // Else Hardhat would look for a project where the caller happens to be.
    PROJECT,
  );
  const server = await environment.network.createServer("node", host, port);
  const { address, port: listening } = await server.listen();
  return {
    rpcUrl: `http://${address}:${listening}`,
    stop: async () => await server.close(),
  };
}

/** Hardhat's server leaves an error of its socket to the process, which then ends; so the port is tried before. */
async function checkFree(host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    throw new SprfError("CONFIG_INVALID", `cannot listen on ${host}:${port}: ${messageOf(error)}`, { cause: error });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
