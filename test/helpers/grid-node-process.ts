import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

import { createEthersChain, type GridAddresses, type MarketContracts } from "../../src/adapters/chain/ethers.ts";
import { createEciesCipher } from "../../src/adapters/cipher/ecies.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryContentStore } from "../../src/adapters/content-store/memory.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createMemoryMessenger, createMemoryMessengerHub } from "../../src/adapters/messenger/memory.ts";
import { systemRandom } from "../../src/adapters/random/system.ts";
import { createSqliteStore } from "../../src/adapters/store/sqlite.ts";
import { createDockerWorkloads } from "../../src/adapters/workloads/docker/create-docker-workloads.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { createNodeService } from "../../src/node/node-service.ts";
import { fromHex } from "../../src/utils/bytes.ts";
import { NODE_RESOURCES } from "./grid-scene.ts";

/** A node in a process of its own, which is killed at a certain point of its work. */
export interface DoomedNodeInit {
  readonly rpcUrl: string;
  readonly market: MarketContracts;
  readonly grid: GridAddresses;
  readonly accountIndex: number;
  readonly nodeId: number;
  readonly owner: string;
  readonly storePath: string;
  /** A step of a deployment, or after a report has landed and before the node knows of it. */
  readonly dies: { readonly at: "step"; readonly step: string } | { readonly at: "report" };
}

/** Runs the node until it kills itself, as `kill -9` does; @returns the signal that ended it */
export async function runDoomedNode(init: DoomedNodeInit): Promise<string | null> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(init)]);
  const { promise, resolve } = Promise.withResolvers<string | null>();
  child.once("exit", (_code, signal) => resolve(signal));
  return await promise;
}

async function main(init: DoomedNodeInit): Promise<void> {
  const keys = devnetKeys(init.accountIndex);
  const { rpcUrl, market: contracts, grid } = init;
  const chain = await createEthersChain({
    rpcUrl,
    privateKey: keys.accountPrivateKey,
    contracts,
    grid,
    pollingIntervalMs: 50,
  });
  if (chain.grid === undefined) throw new Error("unreachable");
  const logger = createMemoryLogger();
  const messenger = createMemoryMessenger({
    hub: createMemoryMessengerHub(),
    messageKey: keys.messagePrivateKey,
    logger,
  });
  await messenger.start();
  const real = createDockerWorkloads({ logger }, { owner: init.owner, firewall: "managed-elsewhere" });
  const onChain = chain.grid.contracts;
  const die = (): void => {
    process.kill(process.pid, "SIGKILL");
  };
  const service = createNodeService(
    {
      messenger,
      identity: { publicKey: keys.messageKey, privateKey: keys.messagePrivateKey },
      chainId: chain.chainId,
      grid: fromHex(grid.contracts),
      clock: systemClock,
      random: systemRandom,
      logger,
      chain,
      contracts: {
        ...onChain,
        async addReports(...args) {
          const outcomes = await onChain.addReports(...args);
          if (init.dies.at === "report" && outcomes.includes("accepted")) die();
          return outcomes;
        },
      },
      workloads: {
        ...real,
        deploy: async (spec, options) =>
          await real.deploy(spec, {
            ...options,
            onProgress({ step }) {
              if (init.dies.at === "step" && init.dies.step === step) die();
            },
          }),
      },
      content: createMemoryContentStore({ clock: systemClock, logger }),
      multiaddrs: () => [],
      cipher: createEciesCipher({ messageKey: keys.messagePrivateKey }),
      store: createSqliteStore(init.storePath),
    },
    {
      node: {
        nodeId: BigInt(init.nodeId),
        resources: NODE_RESOURCES,
        addresses: { loopback: "127.0.0.1", node: "127.0.0.1" },
        ownPorts: [],
      },
      pollIntervalMs: 200,
      sampleIntervalMs: 200,
      reportIntervalMs: 500,
    },
  );
  await service.start();
  process.on("disconnect", () => process.exit(0));
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? "") as DoomedNodeInit);
