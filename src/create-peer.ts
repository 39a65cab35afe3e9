import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import {
  type ChannelAddresses,
  createEthersChain,
  type EthersChain,
  type GridAddresses,
  type MarketContracts,
} from "./adapters/chain/ethers.ts";
import { systemClock } from "./adapters/clock/system.ts";
import { createGatewayBook } from "./adapters/content-store/gateway-book.ts";
import { createHeliaContentStore } from "./adapters/content-store/helia.ts";
import { createKuboContentStore } from "./adapters/content-store/kubo/kubo.ts";
import type { CollectingContentStore } from "./adapters/content-store/unixfs-content-store.ts";
import { createLibp2pNode, type Libp2pNode } from "./adapters/libp2p/node.ts";
import { createStellarRpcLedger } from "./adapters/ledger/stellar-rpc.ts";
import type { WakuLightMessengerInit } from "./adapters/messenger/waku-light/waku-light.ts";
import { createWakuRelayMessenger } from "./adapters/messenger/waku-relay.ts";
import { systemRandom } from "./adapters/random/system.ts";
import { createSqliteStore } from "./adapters/store/sqlite.ts";
import { noMetrics } from "./adapters/metrics/none.ts";
import { createHttpWorkerApi } from "./adapters/worker-api/http.ts";
import { countPayments } from "./admin/count-payments.ts";
import { peerChecks } from "./admin/peer-checks.ts";
import type { ReadinessCheck } from "./admin/readiness.ts";
import type { TwinKeys } from "./domain/identity/keys.ts";
import type { ChainOptions, Twin } from "./ports/chain.ts";
import type { Clock } from "./ports/clock.ts";
import type { GatewayBook } from "./ports/gateway-book.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { Logger } from "./ports/logger.ts";
import type { Messenger } from "./ports/messenger.ts";
import type { Metrics } from "./ports/metrics.ts";
import type { Random } from "./ports/random.ts";
import type { Startable } from "./ports/startable.ts";
import type { Store } from "./ports/store.ts";
import type { WorkerApi } from "./ports/worker-api.ts";

const DEFAULT_KUBO_URL = "http://127.0.0.1:5001";

/** The networks that a daemon or client takes part in. */
export interface NetworkSettings {
  readonly chain: {
    readonly rpcUrl: string;
    readonly contracts: MarketContracts;
    /** Absent where there is a market only. */
    readonly grid?: GridAddresses | undefined;
    /** Absent where there are no channels. */
    readonly channels?: ChannelAddresses | undefined;
    readonly pollingIntervalMs?: number;
  };
  readonly ledger: { readonly rpcUrl: string; readonly networkPassphrase: string };
  readonly waku: {
    readonly peers: readonly string[];
    readonly clusterId: number;
    readonly shard: number;
    /** Multiaddrs to listen at. @default loopback, any port */
    readonly listen?: readonly string[];
    /** `relay` takes part in the mesh; `light` sends and receives through service nodes and dials no `peers`. @default "relay" */
    readonly messenger?: "relay" | "light";
    /** Multiaddrs of Waku service nodes; `light` needs one. */
    readonly serviceNodes?: readonly string[];
  };
}

export interface ContentSettings {
  readonly kind: "helia" | "kubo";
  /** Of the RPC API of a Kubo daemon that no other account uses. @default http://127.0.0.1:5001 */
  readonly kuboUrl?: string;
}

export interface DatabaseSettings {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  /** What this daemon is, among those of its account. */
  readonly role: string;
}

export interface PeerInit {
  readonly networks: NetworkSettings;
  readonly keys: TwinKeys;
  /** Where content is kept. @default helia, in the data directory */
  readonly content?: ContentSettings;
  /** Where state and content rest; in memory when absent. */
  readonly dataDirectory?: string;
  /** Where state rests instead of in the data directory. */
  readonly database?: DatabaseSettings;
  readonly logger: Logger;
  /** Where it counts what it does. @default nowhere */
  readonly metrics?: Metrics;
}

/** What every daemon and client is made of: one identity on every network. */
export interface Peer extends Startable {
  readonly keys: TwinKeys;
  readonly chain: EthersChain;
  readonly ledger: Ledger;
  readonly messenger: Messenger;
  readonly content: CollectingContentStore;
  /** Where content is asked for first. */
  readonly gateways: GatewayBook;
  readonly node: Libp2pNode;
  readonly store: Store;
  readonly workerApi: WorkerApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Networks and disk, for whoever asks whether the daemon can work. */
  readonly checks: readonly ReadinessCheck[];
  /** Makes sure that this account has a twin with these keys. */
  ensureTwin(options?: ChainOptions): Promise<Twin>;
}

/** Puts the adapters together; nothing listens before `start`. @throws SprfError `CHAIN_UNREACHABLE`, `CONFIG_INVALID` */
export async function createPeer(init: PeerInit): Promise<Peer> {
  const { networks, keys, dataDirectory, logger, metrics = noMetrics } = init;
  if (dataDirectory !== undefined) await mkdir(dataDirectory, { recursive: true });
  const clock = systemClock;
  const chain = countPayments(
    await createEthersChain({ ...networks.chain, privateKey: keys.accountPrivateKey, clock }),
    metrics,
  );
  const ledger = createStellarRpcLedger(networks.ledger);
  const store = await openStore(init, { account: chain.account, clock }).catch((error: unknown) => {
    chain.close();
    throw error;
  });
  const { peers, listen, messenger: kind, serviceNodes = [], ...network } = networks.waku;
  const node = await createLibp2pNode({
    messageKey: keys.messagePrivateKey,
    peers: kind === "light" ? [] : peers,
    ...(listen === undefined ? {} : { listen }),
    clock,
    logger,
  });
  const messaging = { ...network, messageKey: keys.messagePrivateKey, clock, logger };
  const messenger =
    kind === "light"
      ? await createLightMessenger({ ...messaging, serviceNodes })
      : createWakuRelayMessenger({ ...messaging, libp2p: node });
  const gateways = createGatewayBook({ clock });
  const content =
    init.content?.kind === "kubo"
      ? createKuboContentStore({ url: init.content.kuboUrl ?? DEFAULT_KUBO_URL, store, gateways, clock, logger })
      : createHeliaContentStore({
          libp2p: node,
          ...(dataDirectory === undefined ? {} : { directory: join(dataDirectory, "blocks") }),
          store,
          gateways,
          clock,
          logger,
        });
  let stopped = false;
  return {
    keys,
    chain,
    ledger,
    messenger,
    content,
    gateways,
    node,
    store,
    workerApi: createHttpWorkerApi(),
    clock,
    random: systemRandom,
    logger,
    metrics,
    checks: peerChecks({ chain, ledger, messenger, content, store, clock }),
    ensureTwin: async (options) =>
      await chain.ensureTwin(
        { messagePrivateKey: keys.messagePrivateKey, ledgerKey: new Uint8Array(keys.ledgerKeypair.rawPublicKey()) },
        options,
      ),
    async start(options) {
      await node.start(options);
      await messenger.start(options);
      await content.start(options);
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      await content.stop();
      await messenger.stop();
      await node.stop();
      chain.close();
      await store.close();
    },
  };
}

async function openStore(
  { database, dataDirectory, logger }: PeerInit,
  { account, clock }: { readonly account: string; readonly clock: Clock },
): Promise<Store> {
  if (database === undefined) {
    return createSqliteStore(dataDirectory === undefined ? ":memory:" : join(dataDirectory, "store.sqlite"));
  }
  // Only those load it who use it.
  const { createPostgres } = await import("./adapters/postgres/connect.ts");
  const { openPostgresStore } = await import("./adapters/store/postgres.ts");
  const postgres = createPostgres({ url: database.url, clock, logger });
  try {
    const store = await openPostgresStore({ postgres, name: `${database.role} ${account.toLowerCase()}`, logger });
    const close = async (): Promise<void> => {
      await store.close();
      await postgres.close();
    };
    return { ...store, close };
  } catch (error) {
    await postgres.close();
    throw error;
  }
}

/** The Waku SDK brings a second libp2p (0.6 s and 90 MB), so only those load it who use it. */
async function createLightMessenger(init: WakuLightMessengerInit): Promise<Messenger> {
  const { createWakuLightMessenger } = await import("./adapters/messenger/waku-light/waku-light.ts");
  return createWakuLightMessenger(init);
}
