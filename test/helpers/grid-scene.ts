import { createHash, randomBytes } from "node:crypto";

import {
  createEthersChain,
  type EthersChain,
  type EthersGrid,
  type GridAddresses,
  type MarketContracts,
} from "../../src/adapters/chain/ethers.ts";
import { createEciesCipher } from "../../src/adapters/cipher/ecies.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryContentStore } from "../../src/adapters/content-store/memory.ts";
import { createMemoryLogger, type LogLine } from "../../src/adapters/logger/memory.ts";
import { createMemoryMessenger, createMemoryMessengerHub } from "../../src/adapters/messenger/memory.ts";
import { systemRandom } from "../../src/adapters/random/system.ts";
import { createSqliteStore } from "../../src/adapters/store/sqlite.ts";
import { startDevnetChain } from "../../src/devnet/chain.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { deployDevnetGrid } from "../../src/devnet/deploy-grid.ts";
import { deployDevnetMarket } from "../../src/devnet/deploy-market.ts";
import { DEVNET_GRID_TIMES, type GridTimes } from "../../src/devnet/grid-settings.ts";
import { askNode, type AskNodeOptions, type NodeAnswer, type NodeQuestion } from "../../src/messaging/ask-node.ts";
import type { GridMessaging } from "../../src/messaging/grid-identity.ts";
import {
  createNodeService,
  type NodeService,
  type NodeServiceComponents,
  type NodeServiceInit,
} from "../../src/node/node-service.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Store } from "../../src/ports/store.ts";
import type { Workloads } from "../../src/ports/workloads.ts";
import { fromHex } from "../../src/utils/bytes.ts";
import { packBody } from "../../src/wire/grid/deployment-body.ts";
import { hashSecrets, sealSecrets } from "../../src/wire/grid/secrets.ts";
import { hashDeployment, type Workload } from "../../src/wire/grid/workload.ts";
import { JsonRpcProvider } from "ethers";
import { exampleContainer, GIB, MIB } from "./grid-workloads.ts";

const POLLING_MS = 50;
const ETHER = 10n ** 18n;

export interface GridParty {
  readonly chain: EthersChain;
  readonly grid: EthersGrid;
  readonly twinId: number;
  readonly messaging: GridMessaging;
}

/** A chain with a market, a grid, a farm with IPs and one node of it; a user with a balance. */
export interface GridScene {
  readonly rpcUrl: string;
  readonly market: MarketContracts;
  readonly addresses: GridAddresses;
  readonly farmer: GridParty;
  readonly machine: GridParty;
  readonly user: GridParty;
  readonly farmId: number;
  readonly nodeId: number;
  readonly lines: LogLine[];
  readonly ips: readonly string[];
  /** The node's daemon; its store and engine outlive it. */
  startNode(parts: {
    readonly workloads: Workloads;
    readonly store: Store;
    readonly changes?: Partial<NodeServiceInit> | undefined;
    readonly contracts?: NodeServiceComponents["contracts"] | undefined;
    /** @default the machine's */
    readonly clock?: Clock | undefined;
  }): Promise<NodeService>;
  /** A contract that names the workload. */
  buy(workload: Workload): Promise<number>;
  ask(contractId: number, question: NodeQuestion, options?: Partial<AskNodeOptions>): Promise<NodeAnswer>;
  /** The question that deploys it, with secrets of this or of another workload, sealed to the node's or to another key. */
  question(
    workload: Workload,
    secrets?: Readonly<Record<string, string>>,
    sealed?: { readonly for?: Workload; readonly to?: Uint8Array },
  ): Promise<NodeQuestion>;
  /** Moves the chain's time on. */
  pass(seconds: number): Promise<void>;
  rpc(method: string, ...params: readonly unknown[]): Promise<unknown>;
  stop(): Promise<void>;
}

export const NODE_RESOURCES = { cruCores: 8, sruBytes: 100n * GIB, hruBytes: 0n, mruBytes: 8n * GIB };

export async function startGridScene(times: Partial<GridTimes> = {}): Promise<GridScene> {
  const server = await startDevnetChain({ host: "127.0.0.1", port: 0 });
  const { rpcUrl } = server;
  const market = await deployDevnetMarket(rpcUrl);
  const addresses = await deployDevnetGrid(rpcUrl, market.twins, { ...DEVNET_GRID_TIMES, ...times });
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true, batchMaxCount: 1, cacheTimeout: -1 });
  const lines: LogLine[] = [];
  const logger = createMemoryLogger(lines);
  const hub = createMemoryMessengerHub();
  const content = createMemoryContentStore({ clock: systemClock, logger });
  await content.start();
  const open: EthersChain[] = [];

  const party = async (index: number): Promise<GridParty> => {
    const keys = devnetKeys(index);
    const chain = await createEthersChain({
      rpcUrl,
      privateKey: keys.accountPrivateKey,
      contracts: market,
      grid: addresses,
      pollingIntervalMs: POLLING_MS,
    });
    open.push(chain);
    const { grid } = chain;
    if (grid === undefined) throw new Error("unreachable");
    const ledgerKey = new Uint8Array(keys.ledgerKeypair.rawPublicKey());
    const twin = await chain.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey });
    const messenger = createMemoryMessenger({ hub, messageKey: keys.messagePrivateKey, logger });
    await messenger.start();
    const identity = { publicKey: keys.messageKey, privateKey: keys.messagePrivateKey };
    const messaging: GridMessaging = {
      messenger,
      identity,
      chainId: chain.chainId,
      grid: fromHex(addresses.contracts),
      clock: systemClock,
      random: systemRandom,
      logger,
    };
    return { chain, grid, twinId: twin.id, messaging };
  };
  const [farmer, machine, user] = [await party(1), await party(2), await party(3)];
  const { registry } = farmer.grid;
  const farmId = await registry.createFarm({ name: "farm", pricingPolicyId: 1, payoutAddress: farmer.chain.account });
  const ips = [1, 2].map((last) => `127.0.10.${((process.pid % 100) + 20) * 2 + last - 30}`);
  for (const ip of ips) await registry.addPublicIp(farmId, { ip, gateway: "127.0.10.254", prefix: 24 });
  const deadlineSeconds = Math.floor(Date.now() / 1_000) + 86_400;
  const consent = await registry.consentToNode({
    farmId,
    twinId: machine.twinId,
    nodeAccount: machine.chain.account,
    resources: NODE_RESOURCES,
    deadlineSeconds,
  });
  const location = { country: "BE", latitude: 50.8, longitude: 4.3, city: "Brussels" };
  const nodeId = await machine.grid.registry.createNode({ farmId, resources: NODE_RESOURCES, location, consent });
  await user.grid.contracts.depositWei(ETHER);

  const cipherOf = ({ messaging }: GridParty) => createEciesCipher({ messageKey: messaging.identity.privateKey });
  return {
    rpcUrl,
    market,
    addresses,
    farmer,
    machine,
    user,
    farmId,
    nodeId,
    lines,
    ips,
    async startNode({ workloads, store, changes, contracts = machine.grid.contracts, clock = systemClock }) {
      const { chain } = machine;
      const service = createNodeService(
        {
          ...machine.messaging,
          clock,
          chain,
          contracts,
          workloads,
          content,
          multiaddrs: () => [],
          store,
          cipher: cipherOf(machine),
        },
        {
          node: {
            nodeId: BigInt(nodeId),
            resources: NODE_RESOURCES,
            addresses: { loopback: "127.0.0.1", node: "127.0.0.1" },
            ownPorts: [],
          },
          pollIntervalMs: 100,
          sampleIntervalMs: 100,
          reportIntervalMs: 300,
          ...changes,
        },
      );
      await service.start();
      return service;
    },
    async buy({ limits, publicIps, ...rest }) {
      const deploymentHash = hashDeployment({ limits, publicIps, ...rest });
      return await user.grid.contracts.createContract({
        nodeId,
        deploymentHash,
        data: new Uint8Array(),
        publicIps,
        limits,
      });
    },
    ask: async (contractId, question, options = {}) =>
      await askNode(user.messaging, {
        nodeKey: machine.messaging.identity.publicKey,
        contractId: BigInt(contractId),
        question,
        ...options,
      }),
    async question(workload, secrets, sealed = {}) {
      const { for: sealedFor = workload, to: node = machine.messaging.identity.publicKey } = sealed;
      const cipher = cipherOf(user);
      const sealedSecrets =
        secrets === undefined ? undefined : await sealSecrets(secretsOf(user, sealedFor, secrets), { cipher, node });
      const { carrier, block } = await packBody({ workload, sealedSecrets }, { cipher, node });
      if (block !== undefined) await content.putFile(block);
      return { kind: "deploy", deployment: carrier };
    },
    async pass(seconds) {
      await provider.send("evm_increaseTime", [seconds]);
      await provider.send("evm_mine", []);
    },
    rpc: async (method, ...params) => (await provider.send(method, [...params])) as unknown,
    async stop() {
      for (const chain of open) chain.close();
      provider.destroy();
      await server.stop();
    },
  };
}

/** A workload of one small container, each time another. */
export function smallWorkload(changes: Partial<Workload> = {}): Workload {
  return {
    version: 1,
    salt: new Uint8Array(randomBytes(16)),
    containers: [exampleContainer({ name: "web", memoryBytes: 32n * MIB, cpuMillicores: 100 })],
    volumes: [],
    publicIps: 0,
    limits: { cruCores: 1, sruBytes: 0n, hruBytes: 0n, mruBytes: 64n * MIB, nruBytesPerHour: 1_000_000_000n },
    ...changes,
  };
}

/** The workload with a secret in a variable of its first container. */
export function withSecret(user: GridParty, workload: Workload, values: Readonly<Record<string, string>>): Workload {
  const secrets = Object.keys(values).map((secret) => ({ secret, variable: secret.toUpperCase() }));
  const containers = workload.containers.map((container, index) =>
    index === 0 ? { ...container, secrets } : container,
  );
  return { ...workload, containers, secretsHash: hashSecrets(secretsOf(user, workload, values)) };
}

function secretsOf(user: GridParty, { salt }: Workload, values: Readonly<Record<string, string>>) {
  const blinding = new Uint8Array(createHash("sha256").update(salt).digest().subarray(0, 16));
  const creator = new Uint8Array(fromHex(user.chain.account));
  return { version: 1 as const, blinding, creator, salt: new Uint8Array(salt), values: { ...values } };
}

/** A store in memory, which outlives the node of a test. */
export function memoryStore(): Store {
  return createSqliteStore(":memory:");
}
