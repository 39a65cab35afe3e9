import { createHeliaContentStore } from "../adapters/content-store/helia.ts";
import { createLibp2pNode } from "../adapters/libp2p/node.ts";
import { createMemoryStore } from "../adapters/store/memory.ts";
import { systemClock } from "../adapters/clock/system.ts";
import type { ChannelAddresses, GridAddresses, MarketContracts } from "../adapters/chain/ethers.ts";
import type { NetworkSettings } from "../create-peer.ts";
import type { Logger } from "../ports/logger.ts";
import { hashWithDomain } from "../wire/canonical.ts";
import { startDevnetChain } from "./chain.ts";
import { deployDevnetChannels } from "./deploy-channels.ts";
import { deployDevnetGrid } from "./deploy-grid.ts";
import { deployDevnetMarket } from "./deploy-market.ts";
import { createStellarDevnet, type StellarDevnetInit } from "./stellar/create-stellar-devnet.ts";
import { DEVNET_CLUSTER, DEVNET_SHARD, createDevnetPeers } from "./waku/peers.ts";

const LOOPBACK = "127.0.0.1";
const CHAIN_POLLING_MS = 50;

/** Ports of devnet's services; 0 takes a free one. */
export interface DevnetPorts {
  readonly chain: number;
  readonly ledger: number;
  /** The first of the Waku relay nodes; the others follow. */
  readonly waku: number;
  /** The content node's libp2p port. */
  readonly content: number;
}

/** Choices of the development ledger; those of `createStellarDevnet` by default. */
export type DevnetLedger = Pick<StellarDevnetInit, "closeEveryMs" | "queueRule" | "databasePath">;

export interface DevnetInit {
  /** Address of this machine on which everything listens, and that others are told. @default 127.0.0.1 */
  readonly host?: string;
  /** @default all 0 */
  readonly ports?: Partial<DevnetPorts>;
  /** How the development ledger closes, queues and is kept. */
  readonly ledger?: DevnetLedger;
  readonly logger: Logger;
}

export interface Devnet {
  readonly networks: NetworkSettings;
  readonly contracts: MarketContracts;
  readonly grid: GridAddresses;
  readonly channels: ChannelAddresses;
  readonly friendbotUrl: string;
  /** Where devnet's content node is reached. */
  readonly contentMultiaddrs: readonly string[];
  /** Ends all services in reverse order; safe to repeat. */
  stop(): Promise<void>;
}

/** Starts all networks that SPRF needs on this machine alone: Ethereum, Stellar, Waku and IPFS; real protocols on loopback. */
export async function startDevnet({
  host = LOOPBACK,
  ports = {},
  ledger: choices = {},
  logger,
}: DevnetInit): Promise<Devnet> {
  const closers: (() => Promise<void>)[] = [];
  let stopping: Promise<void> | undefined;
  const stopAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  const stop = async (): Promise<void> => await (stopping ??= stopAll());
  try {
    const starting = [
      startDevnetChain({ host, port: ports.chain ?? 0 }),
      createStellarDevnet({ host, port: ports.ledger ?? 0, logger, ...choices }),
    ] as const;
    // One may fail while the other is still starting: that one is stopped too.
    closers.push(async () => {
      await Promise.all(
        (await Promise.allSettled(starting)).map(
          async (each) => await (each.status === "fulfilled" ? each.value.stop() : undefined),
        ),
      );
    });
    const [chain, ledger] = await Promise.all(starting);
    const contracts = await deployDevnetMarket(chain.rpcUrl);
    const grid = await deployDevnetGrid(chain.rpcUrl, contracts.twins);
    const channels = await deployDevnetChannels(chain.rpcUrl);

    const peers = createDevnetPeers({ host, port: ports.waku ?? 0, clock: systemClock, logger });
    await peers.start();
    closers.push(async () => await peers.stop());
    const content = await startContentNode({ host, port: ports.content ?? 0 }, peers.multiaddrs(), logger);
    closers.push(async () => await content.stop());
    return {
      networks: {
        chain: { rpcUrl: chain.rpcUrl, contracts, grid, channels, pollingIntervalMs: CHAIN_POLLING_MS },
        ledger: { rpcUrl: ledger.rpcUrl, networkPassphrase: ledger.networkPassphrase },
        waku: {
          peers: peers.multiaddrs(),
          clusterId: DEVNET_CLUSTER,
          shard: DEVNET_SHARD,
          serviceNodes: peers.serviceNodes(),
        },
      },
      contracts,
      grid,
      channels,
      friendbotUrl: ledger.friendbotUrl,
      contentMultiaddrs: content.multiaddrs,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startContentNode(
  { host, port }: { readonly host: string; readonly port: number },
  peers: readonly string[],
  logger: Logger,
): Promise<{ readonly multiaddrs: readonly string[]; stop(): Promise<void> }> {
  const node = await createLibp2pNode({
    messageKey: hashWithDomain("sprf/devnet-content-node/1"),
    listen: [`/ip4/${host}/tcp/${port}`],
    peers,
    clock: systemClock,
    logger,
  });
  const content = createHeliaContentStore({ libp2p: node, store: createMemoryStore(), clock: systemClock, logger });
  await node.start();
  await content.start();
  return {
    multiaddrs: node.multiaddrs(),
    async stop() {
      await content.stop();
      await node.stop();
    },
  };
}
