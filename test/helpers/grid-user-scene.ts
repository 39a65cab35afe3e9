import { JsonRpcProvider } from "ethers";

import { PriceBook__factory } from "../../typechain-types/factories/grid/PriceBook__factory.ts";
import { createEciesCipher } from "../../src/adapters/cipher/ecies.ts";
import { createEthersChain, type EthersChain, type EthersGrid } from "../../src/adapters/chain/ethers.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryContentStore } from "../../src/adapters/content-store/memory.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createMemoryMessenger, createMemoryMessengerHub } from "../../src/adapters/messenger/memory.ts";
import { systemRandom } from "../../src/adapters/random/system.ts";
import { createMemoryStore } from "../../src/adapters/store/memory.ts";
import type { GridUser } from "../../src/client/grid/grid-user.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { startDevnetChain } from "../../src/devnet/chain.ts";
import { deployDevnetGrid } from "../../src/devnet/deploy-grid.ts";
import { deployDevnetMarket } from "../../src/devnet/deploy-market.ts";
import type { TwinKeys } from "../../src/domain/identity/keys.ts";
import { answerGridRequests, type GridAnswererInit, type GridAnswer } from "../../src/messaging/answer-grid.ts";
import type { Startable } from "../../src/ports/startable.ts";
import type { Store } from "../../src/ports/store.ts";
import { equalBytes, fromHex, utf8 } from "../../src/utils/bytes.ts";
import { unpackInline, type ReceivedBody } from "../../src/wire/grid/deployment-body.ts";
import type { GridRefusal } from "../../src/wire/grid/refusals.ts";
import { openSecrets } from "../../src/wire/grid/secrets.ts";
import { GIB } from "./grid-workloads.ts";

const ETHER = 10n ** 18n;
const POLLING_MS = 20;
/** PUSH0 PUSH0 REVERT */
const REVERTS = "0x5f5ffd";
export const NODE_RESOURCES = { cruCores: 8, sruBytes: 500n * GIB, hruBytes: 0n, mruBytes: 32n * GIB };

/** One account on the grid. */
export interface GridParty {
  readonly keys: TwinKeys;
  readonly chain: EthersChain;
  readonly grid: EthersGrid;
  readonly twinId: number;
}

/** A node that runs nothing, and says and confirms whatever it is asked to, until a test makes it do otherwise. */
export interface ScriptedNode extends Startable {
  readonly party: GridParty;
  readonly nodeId: number;
  readonly runs: Map<bigint, ReceivedBody & { readonly secrets: ReadonlyMap<string, string> }>;
  /** What it refuses to deploy, and why. */
  refusal: GridRefusal | undefined;
  /** How it says that deployments are. */
  state: "running" | "failed";
  /** Whether it tells the chain what it runs. */
  confirms: boolean;
  /** How often it was asked to deploy or update. */
  asked: number;
}

export interface GridUserScene {
  readonly rpcUrl: string;
  readonly provider: JsonRpcProvider;
  readonly farmer: GridParty;
  readonly farmId: number;
  readonly node: ScriptedNode;
  /** A user with a balance, and with a store that outlives it. */
  user(index: number, options?: { readonly store?: Store; readonly depositWei?: bigint }): Promise<GridUser>;
  party(index: number): Promise<GridParty>;
  /** From now on the feed of ether's price reverts; resolves with what mends it. */
  breakPriceFeed(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** The real contracts, a farm with `publicIps` IPs, and a scripted node behind the real answering of messages. */
export async function startGridUserScene({
  publicIps = 2,
}: { readonly publicIps?: number } = {}): Promise<GridUserScene> {
  const devnet = await startDevnetChain({ host: "127.0.0.1", port: 0 });
  const { rpcUrl } = devnet;
  const contracts = await deployDevnetMarket(rpcUrl);
  const addresses = await deployDevnetGrid(rpcUrl, contracts.twins);
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true, cacheTimeout: -1 });
  const logger = createMemoryLogger();
  const hub = createMemoryMessengerHub();
  const open: EthersChain[] = [];

  const party = async (index: number): Promise<GridParty> => {
    const keys = devnetKeys(index);
    const chain = await createEthersChain({
      rpcUrl,
      privateKey: keys.accountPrivateKey,
      contracts,
      grid: addresses,
      pollingIntervalMs: POLLING_MS,
    });
    open.push(chain);
    const ledgerKey = new Uint8Array(keys.ledgerKeypair.rawPublicKey());
    const twin = await chain.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey });
    if (chain.grid === undefined) throw new Error("the chain has no grid");
    return { keys, chain, grid: chain.grid, twinId: twin.id };
  };
  const messagingOf = async ({ keys, chain }: GridParty) => {
    const messenger = createMemoryMessenger({ hub, messageKey: keys.messagePrivateKey, logger });
    await messenger.start();
    return {
      messenger,
      clock: systemClock,
      logger,
      random: systemRandom,
      identity: { publicKey: keys.messageKey, privateKey: keys.messagePrivateKey },
      chainId: chain.chainId,
      grid: fromHex(addresses.contracts.toLowerCase()),
    };
  };

  const farmer = await party(20);
  const { registry } = farmer.grid;
  const farmId = await registry.createFarm({ name: "farm", pricingPolicyId: 1, payoutAddress: farmer.keys.account });
  for (let i = 1; i <= publicIps; i += 1) {
    await registry.addPublicIp(farmId, { ip: `127.0.10.${i}`, gateway: "127.0.10.254", prefix: 24 });
  }
  const nodeParty = await party(21);
  const deadlineSeconds = Math.floor(Date.now() / 1_000) + 86_400;
  const consent = await registry.consentToNode({
    farmId,
    twinId: nodeParty.twinId,
    nodeAccount: nodeParty.keys.account,
    resources: NODE_RESOURCES,
    deadlineSeconds,
  });
  const nodeId = await nodeParty.grid.registry.createNode({
    farmId,
    resources: NODE_RESOURCES,
    location: { country: "BE", latitude: 51, longitude: 4, city: "Ghent" },
    consent,
  });
  const node = scriptNode(nodeParty, nodeId, await messagingOf(nodeParty));
  await node.start();

  return {
    rpcUrl,
    provider,
    farmer,
    farmId,
    node,
    party,
    async breakPriceFeed() {
      const feed = await PriceBook__factory.connect(addresses.prices, provider).feed();
      const code = await provider.getCode(feed);
      await provider.send("hardhat_setCode", [feed, REVERTS]);
      return async () => {
        await provider.send("hardhat_setCode", [feed, code]);
      };
    },
    async user(index, { store = createMemoryStore(), depositWei = ETHER } = {}) {
      const own = await party(index);
      if (depositWei > 0n) await own.grid.contracts.depositWei(depositWei);
      return {
        ...(await messagingOf(own)),
        chain: own.chain,
        registry: own.grid.registry,
        contracts: own.grid.contracts,
        quotes: own.grid.quotes,
        cipher: createEciesCipher({ messageKey: own.keys.messagePrivateKey }),
        store,
        content: createMemoryContentStore({ clock: systemClock, logger }),
        // Over the hub there is nobody to dial.
        dialer: { dialVerified: async () => await Promise.resolve() },
      };
    },
    async close() {
      await node.stop();
      for (const chain of open) chain.close();
      provider.destroy();
      await devnet.stop();
    },
  };
}

function scriptNode(
  party: GridParty,
  nodeId: number,
  messaging: Omit<GridAnswererInit, "refuse" | "answer" | "readLogs">,
): ScriptedNode {
  const cipher = createEciesCipher({ messageKey: party.keys.messagePrivateKey });
  const { contracts } = party.grid;
  const self: ScriptedNode = {
    party,
    nodeId,
    runs: new Map(),
    refusal: undefined,
    state: "running",
    confirms: true,
    asked: 0,
    start: async () => await answerer.start(),
    stop: async () => await answerer.stop(),
  };
  const answerer = answerGridRequests({
    ...messaging,
    refuse: async () => undefined,
    async answer(request, { onProgress }): Promise<GridAnswer> {
      if (request.kind === "delete") {
        self.runs.delete(request.contractId);
        return { kind: "done" };
      }
      if (request.kind === "status") {
        const body = self.runs.get(request.contractId);
        const [state, containers] =
          body === undefined ? (["absent", []] as const) : ([self.state, body.workload.containers] as const);
        return {
          kind: "status-reply",
          state,
          ...(body === undefined ? {} : { deploymentHash: new Uint8Array(body.deploymentHash) }),
          containers: containers.map(({ name }) => ({
            name,
            state: "running",
            health: "none",
            restarts: 0,
            outOfMemory: false,
          })),
          publicIps: [],
          multiaddrs: [],
        };
      }
      self.asked += 1;
      onProgress({ step: "fetching" });
      if (self.refusal !== undefined) return { kind: "refused", code: self.refusal, detail: "" };
      if (request.deployment.kind !== "inline") return { kind: "refused", code: "body-unavailable", detail: "" };
      const body = unpackInline(request.deployment.body);
      const contract = await contracts.contract(Number(request.contractId));
      if (contract?.deploymentHash === undefined || !equalBytes(contract.deploymentHash, body.deploymentHash)) {
        return { kind: "refused", code: "hash-mismatch", detail: "" };
      }
      const creator = fromHex((await party.chain.twin(contract.userTwinId)).account.toLowerCase());
      const secrets =
        body.sealedSecrets === undefined
          ? new Map<string, string>()
          : await openSecrets(body.sealedSecrets, { cipher, creator, workload: body.workload });
      self.runs.set(request.contractId, { ...body, secrets });
      if (self.confirms && contract.state === "created") await contracts.confirmDeployment(contract.contractId);
      return { kind: "done", deploymentHash: new Uint8Array(body.deploymentHash) };
    },
    readLogs: async (request) =>
      (async function* () {
        await Promise.resolve();
        yield {
          stream: "stdout" as const,
          at: "2026-01-01T00:00:00.000000000Z",
          bytes: utf8(`log of ${request.container}\n`),
        };
      })(),
  });
  return self;
}
