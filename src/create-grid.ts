import { createEciesCipher } from "./adapters/cipher/ecies.ts";
import { createEthersChain, type EthersChain } from "./adapters/chain/ethers.ts";
import { createPinoLogger } from "./adapters/logger/pino.ts";
import { tcpProber } from "./adapters/prober/tcp.ts";
import { readBill } from "./client/grid/bill.ts";
import { cancel, cancelOnChain } from "./client/grid/cancel.ts";
import type { DeployOptions } from "./client/grid/bring.ts";
import { deploy, finishInterrupted, isBegun, type DeployRequest, type Deployed } from "./client/grid/deploy.ts";
import { explained } from "./client/grid/explain-refusal.ts";
import type { GridCallOptions, GridOnChain, GridUser } from "./client/grid/grid-user.ts";
import { findNode, listFarms, listNodes } from "./client/grid/nodes.ts";
import { nodeKeyOf, ownContract, ownContracts, ownTwin } from "./client/grid/own-contracts.ts";
import { quoteDeployment, type DeploymentQuote } from "./client/grid/quote.ts";
import { recover, type RecoverOptions, type RecoveredContract } from "./client/grid/recover.ts";
import { readData, readStatus, type DeploymentStatus } from "./client/grid/status.ts";
import { update } from "./client/grid/update.ts";
import { watch, type WatchOptions, type WatchReport } from "./client/grid/watch.ts";
import type { ConnectInit } from "./create-client.ts";
import { createPeer } from "./create-peer.ts";
import type { Bill } from "./domain/grid/bill.ts";
import type { NodeOffer } from "./domain/grid/choose-node.ts";
import { deriveTwinKeys, type TwinKeys } from "./domain/identity/keys.ts";
import { SprfError } from "./errors.ts";
import { readNodeLogs, type NodeLogEntry } from "./messaging/read-node-logs.ts";
import type { Twin } from "./ports/chain.ts";
import type { GridContract, GridContracts } from "./ports/grid-contracts.ts";
import type { GridQuotes } from "./ports/grid-quotes.ts";
import type { Farm, GridRegistry } from "./ports/grid-registry.ts";
import { fromHex } from "./utils/bytes.ts";
import type { OpenedData } from "./wire/grid/deployment-data.ts";
import type { WorkloadDraft } from "./wire/grid/file/convert.ts";

/** The grid on the chain, as one account sees and uses it. */
export interface SprfGridOnChain {
  readonly account: string;
  readonly registry: GridRegistry;
  readonly contracts: GridContracts;
  readonly quotes: GridQuotes;
  /** Makes sure that this account has a twin with these keys. */
  ensureTwin(options?: GridCallOptions): Promise<Twin>;
  /** The twin of an account. */
  twinOf(account: string, options?: GridCallOptions): Promise<Twin | undefined>;
  /** All farms. */
  listFarms(options?: GridCallOptions): Promise<readonly Farm[]>;
  /** Nodes with what is free on them, without those that were deleted. */
  listNodes(options?: GridCallOptions): Promise<readonly NodeOffer[]>;
  /** A node with what is free on it; undefined when there is none. */
  findNode(nodeId: number, options?: GridCallOptions): Promise<NodeOffer | undefined>;
  /** What a deployment costs, before anything is spent. @throws SprfError `NO_NODE` */
  quote(
    draft: WorkloadDraft,
    options?: GridCallOptions & { readonly nodeId?: number | undefined },
  ): Promise<DeploymentQuote>;
  /** This account's contracts, those that are over included. */
  ownContracts(options?: GridCallOptions): Promise<readonly GridContract[]>;
  /** @throws SprfError `CONTRACT_UNKNOWN` */
  ownContract(contractId: number, options?: GridCallOptions): Promise<GridContract>;
  /** What this account put on the chain with a contract. */
  readData(contract: GridContract, options?: GridCallOptions): Promise<OpenedData>;
  /** Cancels without telling the node, which sees it by itself. @throws SprfError `CONTRACT_UNKNOWN` */
  cancelOnChain(contractId: number, options?: GridCallOptions): Promise<{ readonly wasOver: boolean }>;
  /** What each of this account's contracts cost and costs, and how long the balance lasts. */
  bill(options?: GridCallOptions): Promise<Bill>;
  /** Adds wei to the balance of this account's twin; resolves with the balance. @throws SprfError `NOT_REGISTERED` */
  deposit(wei: bigint, options?: GridCallOptions): Promise<bigint>;
  /** @throws SprfError `BALANCE_TOO_LOW` */
  withdraw(wei: bigint, options?: GridCallOptions): Promise<bigint>;
  /** Rents a whole node; resolves with the contract. @throws SprfError `BALANCE_TOO_LOW`, `CHAIN_REVERTED` */
  rent(nodeId: number, options?: GridCallOptions): Promise<number>;
  /** Takes a name; resolves with the contract. @throws SprfError `BALANCE_TOO_LOW`, `CHAIN_REVERTED` */
  takeName(label: string, options?: GridCallOptions): Promise<number>;
  /** Ends all connections; safe to repeat. */
  close(): Promise<void>;
}

/** The grid with a way to its nodes. */
export interface SprfGrid extends SprfGridOnChain {
  /**
   * Buys a contract and has the node run the deployment; when the node does not, the contract is cancelled. What was interrupted is
   * finished by the next call that asks for the same.
   *
   * @throws SprfError `NO_NODE`, `BALANCE_TOO_LOW`, `NODE_REFUSED`, `NODE_SILENT`, `INVALID_INPUT`
   */
  deploy(request: DeployRequest, options?: DeployOptions): Promise<Deployed>;
  /** Whether `deploy` would finish what an earlier call began, so that nothing new is bought. */
  isBegun(request: DeployRequest): Promise<boolean>;
  /** Finishes deployments that were interrupted, or cancels them. */
  finishInterrupted(options?: DeployOptions): Promise<readonly Deployed[]>;
  /** @throws SprfError `CONTRACT_UNKNOWN`, `INVALID_INPUT`, `NODE_REFUSED` (the old runs on), `NODE_SILENT` */
  update(contractId: number, request: Omit<DeployRequest, "nodeId">, options?: DeployOptions): Promise<GridContract>;
  /** Where a contract stands, with what its node says. */
  status(contract: GridContract, options?: GridCallOptions): Promise<DeploymentStatus>;
  /** A container's log. @throws SprfError `NODE_REFUSED`, `NODE_SILENT` */
  logs(
    contract: GridContract,
    what: { readonly container: string; readonly follow: boolean; readonly tailLines: number },
    options?: GridCallOptions,
  ): AsyncGenerator<NodeLogEntry>;
  /** On the chain first, then at the node. @throws SprfError `CONTRACT_UNKNOWN` */
  cancel(
    contractId: number,
    options?: GridCallOptions,
  ): Promise<{ readonly wasOver: boolean; readonly isStopped: boolean }>;
  /** All that this account has, from its words and the chain alone; nodes that lost a deployment are sent it again. */
  recover(options?: RecoverOptions): AsyncGenerator<RecoveredContract>;
  /** Probes deployments until it is aborted. */
  watch(options: WatchOptions): AsyncGenerator<readonly WatchReport[]>;
}

/**
 * Connects to the grid with a way to its nodes.
 *
 * @throws SprfError `CONFIG_INVALID` when the settings name no grid, `CHAIN_UNREACHABLE`
 * @example
 * const grid = await connectGrid({ networks, mnemonic, dataDirectory: "data" });
 * await grid.contracts.depositWei(10n ** 18n);
 * const { contract } = await grid.deploy({ draft, secretValues: new Map() });
 */
export async function connectGrid(init: ConnectInit, options: GridCallOptions = {}): Promise<SprfGrid> {
  const keys = keysOf(init);
  const logger = init.logger ?? createPinoLogger({ level: "warn" });
  const { networks, dataDirectory } = init;
  const peer = await createPeer({ networks, keys, logger, ...(dataDirectory === undefined ? {} : { dataDirectory }) });
  try {
    const parts = partsOf(peer.chain, keys);
    await peer.start(options);
    const { messenger, clock, random, store, content } = peer;
    const user: GridUser = {
      ...parts.user,
      messenger,
      clock,
      random,
      logger,
      store,
      content,
      dialer: peer.node,
      identity: { publicKey: keys.messageKey, privateKey: keys.messagePrivateKey },
      chainId: peer.chain.chainId,
      grid: fromHex(parts.address.toLowerCase()),
    };
    return {
      ...faceOf(parts.user, async (callOptions) => await peer.ensureTwin(callOptions)),
      deploy: async (request, callOptions) => await deploy(user, request, callOptions),
      isBegun: async (request) => await isBegun(user, request),
      finishInterrupted: async (callOptions) => await finishInterrupted(user, callOptions),
      update: async (contractId, request, callOptions) => await update(user, contractId, request, callOptions),
      status: async (contract, callOptions) => await readStatus(user, contract, callOptions),
      async *logs(contract, what, { signal } = {}) {
        const nodeKey = await nodeKeyOf(user, contract, { signal });
        yield* readNodeLogs(user, { ...what, nodeKey, contractId: BigInt(contract.contractId), signal });
      },
      cancel: async (contractId, callOptions) => await cancel(user, contractId, callOptions),
      recover: (callOptions) => recover(user, callOptions),
      watch: (watchOptions) => watch({ ...user, prober: tcpProber }, watchOptions),
      close: async () => await peer.stop(),
    };
  } catch (error) {
    await peer.stop();
    throw error;
  }
}

/**
 * Connects to the grid on the chain alone: enough to see, to pay and to cancel.
 *
 * @throws SprfError `CONFIG_INVALID`, `CHAIN_UNREACHABLE`
 */
export async function connectGridOnChain(
  init: Pick<ConnectInit, "networks" | "mnemonic" | "keys">,
  options: GridCallOptions = {},
): Promise<SprfGridOnChain> {
  const keys = keysOf(init);
  const chain = await createEthersChain({ ...init.networks.chain, privateKey: keys.accountPrivateKey }, options);
  try {
    const ledgerKey = new Uint8Array(keys.ledgerKeypair.rawPublicKey());
    const twin = { messagePrivateKey: keys.messagePrivateKey, ledgerKey };
    return {
      ...faceOf(partsOf(chain, keys).user, async (callOptions) => await chain.ensureTwin(twin, callOptions)),
      close: async () => chain.close(),
    };
  } catch (error) {
    chain.close();
    throw error;
  }
}

function faceOf(user: GridOnChain, ensureTwin: SprfGridOnChain["ensureTwin"]): Omit<SprfGridOnChain, "close"> {
  return {
    account: user.chain.account,
    registry: user.registry,
    contracts: user.contracts,
    quotes: user.quotes,
    ensureTwin,
    twinOf: async (account, options) => await user.chain.twinOf(account, options),
    listFarms: async (options) => await listFarms(user, options),
    listNodes: async (options) => await listNodes(user, options),
    findNode: async (nodeId, options) => await findNode(user, nodeId, options),
    quote: async (draft, options) => await quoteDeployment(user, draft, options),
    ownContracts: async (options) => await ownContracts(user, options),
    ownContract: async (contractId, options) => await ownContract(user, contractId, options),
    readData: async (contract, options) => await readData(user, contract, options),
    cancelOnChain: async (contractId, options) => await cancelOnChain(user, contractId, options),
    bill: async (options) => await readBill(user, options),
    async deposit(wei, options) {
      const { id } = await ownTwin(user, options);
      await user.contracts.depositWei(wei, options);
      return (await user.contracts.account(id, options)).balanceWei;
    },
    async withdraw(wei, options) {
      const { id } = await ownTwin(user, options);
      await explained(async () => await user.contracts.withdrawWei(wei, options));
      return (await user.contracts.account(id, options)).balanceWei;
    },
    rent: async (nodeId, options) =>
      await explained(async () => await user.contracts.createRentContract(nodeId, options)),
    takeName: async (label, options) =>
      await explained(async () => await user.contracts.createNameContract(label, options)),
  };
}

function partsOf(chain: EthersChain, keys: TwinKeys): { readonly user: GridOnChain; readonly address: string } {
  const { grid } = chain;
  if (grid === undefined) {
    throw new SprfError(
      "CONFIG_INVALID",
      "networks.chain.grid: the settings name no grid (SPRF_GRID_REGISTRY and others)",
    );
  }
  const { registry, contracts, quotes, addresses } = grid;
  const cipher = createEciesCipher({ messageKey: keys.messagePrivateKey });
  return { user: { chain, registry, contracts, quotes, cipher }, address: addresses.contracts };
}

function keysOf({ keys, mnemonic }: Pick<ConnectInit, "keys" | "mnemonic">): TwinKeys {
  if (keys !== undefined) return keys;
  if (mnemonic === undefined) throw new SprfError("CONFIG_INVALID", "the grid needs a mnemonic or keys");
  return deriveTwinKeys(mnemonic);
}
