import { SprfError } from "../../errors.ts";
import type { Chain, ChainOptions } from "../../ports/chain.ts";
import type { ChannelApps } from "../../ports/channel-apps.ts";
import type { ChannelHub } from "../../ports/channel-hub.ts";
import type { GridContracts } from "../../ports/grid-contracts.ts";
import type { GridQuotes } from "../../ports/grid-quotes.ts";
import type { GridRegistry } from "../../ports/grid-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { StakingPool } from "../../ports/staking-pool.ts";
import { systemClock } from "../clock/system.ts";
import { agreementContract } from "./agreement-contract.ts";
import { createAgreements } from "./agreements.ts";
import { followBlocks } from "./blocks.ts";
import type { ChannelAbsence } from "../../ports/channel-absence.ts";
import type { ChannelCourt } from "../../ports/channel-court.ts";
import type { ChannelWatch } from "../../ports/channel-watch.ts";
import { createChannelApps } from "./channels/apps.ts";
import { createChannelWatch } from "./channels/watch.ts";
import { createChannelAbsence } from "./channels/absence.ts";
import { createChannelCourt } from "./channels/court.ts";
import { createChannelHub } from "./channels/hub.ts";
import { createStakingPool } from "./channels/staking-pool.ts";
import { connect, type Connection } from "./connection.ts";
import type { IWorkerDispatcher } from "./contract-types.ts";
import { createDisputes } from "./disputes.ts";
import { createEpochLogs } from "./epoch-logs.ts";
import { createEpochs } from "./epochs.ts";
import { IWorkerDispatcher__factory } from "./factories.ts";
import { gasPriceWei } from "./fees.ts";
import { createGridContracts } from "./grid/contracts.ts";
import { createGridQuotes } from "./grid/quotes.ts";
import { createGridRegistry } from "./grid/registry.ts";
import { createPurchases } from "./purchases.ts";
import { createTesters } from "./testers.ts";
import { createTwins } from "./twins.ts";
import { createWorkers } from "./workers.ts";

const DEFAULT_POLLING_INTERVAL_MS = 1_000;

/** Addresses of the market's contracts. */
export interface MarketContracts {
  readonly twins: string;
  readonly dispatcher: string;
  readonly testers: string;
  readonly disputes: string;
  readonly records: string;
}

/** Addresses of the grid's contracts, which share the market's twins. */
export interface GridAddresses {
  readonly registry: string;
  readonly contracts: string;
  /** The book of what ether cost. */
  readonly prices: string;
  readonly quotes: string;
}

/** Addresses of the channels' contracts. */
export interface ChannelAddresses {
  readonly hub: string;
  /** Stake for many channels. */
  readonly pool: string;
  /** Where leaders are convicted, where the hub has a court. */
  readonly court?: string | undefined;
  /** Who pays those who watch channels, where there is one. */
  readonly watch?: string | undefined;
  /** The app `Chat`, where there is one. */
  readonly chat?: string | undefined;
  /** The app `DocumentEditor`, where there is one. */
  readonly editor?: string | undefined;
  /** The app `LandCraft`, where there is one. */
  readonly land?: string | undefined;
}

export interface EthersChainInit {
  readonly rpcUrl: string;
  /** 32 bytes, secp256k1. */
  readonly privateKey: Uint8Array;
  readonly contracts: MarketContracts;
  /** Absent where there is a market only. */
  readonly grid?: GridAddresses | undefined;
  /** Absent where there are no channels. */
  readonly channels?: ChannelAddresses | undefined;
  /** @default 1000; a development chain answers well at 50 */
  readonly pollingIntervalMs?: number;
  readonly clock?: Clock;
}

/** The grid as one account sees it. */
export interface EthersGrid {
  readonly addresses: GridAddresses;
  readonly registry: GridRegistry;
  readonly contracts: GridContracts;
  readonly quotes: GridQuotes;
}

/** Channels as one account sees them. */
export interface EthersChannels {
  readonly addresses: ChannelAddresses;
  readonly hub: ChannelHub;
  readonly pool: StakingPool;
  /** Absent where no court is known. */
  readonly court?: ChannelCourt;
  /** Absent where nobody pays who watches. */
  readonly watch?: ChannelWatch;
  /** Who is there, where no quorum can say so. */
  readonly absence: ChannelAbsence;
  readonly apps: ChannelApps;
}

/** A {@link Chain} over JSON-RPC. */
export interface EthersChain extends Chain {
  /** Absent where there is a market only. */
  readonly grid?: EthersGrid;
  /** Absent where there are no channels. */
  readonly channels?: EthersChannels;
  /** The newest block, and when it was made. */
  head(options?: ChainOptions): Promise<{ readonly block: number; readonly timeSeconds: number }>;
  /** Ends what waits in the provider; safe to repeat. */
  close(): void;
}

/**
 * Connects one account to the market's contracts through ethers.
 *
 * @throws SprfError `CHAIN_UNREACHABLE` when the node does not answer, `CONFIG_INVALID` when the addresses are not those of one
 * market on its chain
 */
export async function createEthersChain(init: EthersChainInit, options: ChainOptions = {}): Promise<EthersChain> {
  const { contracts } = init;
  const connection = await connect(
    {
      rpcUrl: init.rpcUrl,
      privateKey: init.privateKey,
      pollingIntervalMs: init.pollingIntervalMs ?? DEFAULT_POLLING_INTERVAL_MS,
      clock: init.clock ?? systemClock,
    },
    options,
  );
  const dispatcher = IWorkerDispatcher__factory.connect(contracts.dispatcher, connection.provider);
  try {
    await checkMarket(connection, dispatcher, contracts, options);
  } catch (error) {
    connection.close();
    throw error;
  }
  const { provider } = connection;
  return {
    account: connection.wallet.address,
    chainId: connection.chainId,
    close: () => connection.close(),
    blockNumber: (callOptions) => connection.read(() => provider.getBlockNumber(), callOptions),
    head: (callOptions) => headOf(connection, callOptions),
    balanceWei: (account, callOptions) => connection.read(() => provider.getBalance(account), callOptions),
    gasPriceWei: (callOptions) => connection.read(() => gasPriceWei(provider), callOptions),
    blocks: (callOptions) => followBlocks(connection, callOptions),
    ...createTwins(connection, contracts.twins),
    ...createWorkers(connection, dispatcher, contracts),
    ...createTesters(connection, contracts.testers),
    ...createPurchases(connection, dispatcher, contracts.dispatcher),
    ...createAgreements(connection, dispatcher),
    ...createEpochs(connection),
    ...createEpochLogs(connection),
    ...createDisputes(connection, contracts.disputes),
    ...(init.grid === undefined ? {} : { grid: gridOf(connection, init.grid) }),
    ...(init.channels === undefined ? {} : { channels: channelsOf(connection, init.channels) }),
  };
}

async function headOf(
  { provider, read }: Connection,
  options?: ChainOptions,
): Promise<{ readonly block: number; readonly timeSeconds: number }> {
  const block = await read(() => provider.getBlock("latest"), options);
  if (block === null) throw new SprfError("CHAIN_UNREACHABLE", "the node has no block");
  return { block: block.number, timeSeconds: block.timestamp };
}

function gridOf(connection: Connection, addresses: GridAddresses): EthersGrid {
  return {
    addresses,
    registry: createGridRegistry(connection, addresses.registry),
    contracts: createGridContracts(connection, addresses.contracts),
    quotes: createGridQuotes(connection, addresses),
  };
}

function channelsOf(connection: Connection, addresses: ChannelAddresses): EthersChannels {
  const hub = createChannelHub(connection, addresses.hub);
  return {
    addresses,
    hub,
    pool: createStakingPool(connection, addresses.pool),
    ...(addresses.court === undefined ? {} : { court: createChannelCourt(connection, addresses.court) }),
    ...(addresses.watch === undefined ? {} : { watch: createChannelWatch(connection, addresses.watch) }),
    absence: createChannelAbsence(connection, addresses.hub),
    apps: createChannelApps(connection, hub, addresses),
  };
}

/** Wrong addresses would show as odd failures much later. */
async function checkMarket(
  { read, chainId, provider }: Connection,
  dispatcher: IWorkerDispatcher,
  contracts: MarketContracts,
  options: ChainOptions,
): Promise<void> {
  const refuse = (why: string, cause?: unknown): never => {
    throw new SprfError("CONFIG_INVALID", `contracts: ${why}`, { cause, context: { chainId: chainId.toString() } });
  };
  const found = await Promise.all([
    read(() => dispatcher.twins(), options),
    read(() => dispatcher.testers(), options),
    read(() => dispatcher.records(), options),
    read(() => dispatcher.implementation(), options),
  ])
    .then(async ([twins, testers, records, implementation]) => {
      const code = agreementContract(implementation, provider);
      return { twins, testers, records, disputes: await read(() => code.disputes(), options) };
    })
    .catch((error: unknown) => {
      if (error instanceof SprfError && error.code !== "CHAIN_REVERTED") throw error;
      return refuse(`${contracts.dispatcher} is no dispatcher on chain ${chainId}`, error);
    });
  for (const name of ["twins", "testers", "records", "disputes"] as const) {
    if (!same(found[name], contracts[name])) {
      refuse(`the dispatcher's ${name} are at ${found[name]}, not ${contracts[name]}`);
    }
  }
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
