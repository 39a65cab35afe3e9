import { createLibp2pNode } from "../../adapters/libp2p/node.ts";
import type { Libp2pNode } from "../../adapters/libp2p/node.ts";
import { createWakuRelayMessenger } from "../../adapters/messenger/waku-relay.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Messenger } from "../../ports/messenger.ts";
import type { Startable } from "../../ports/startable.ts";
import { hashWithDomain } from "../../wire/canonical.ts";
import { createServiceNode } from "./service/create-service-node.ts";

/** Waku cluster of devnet; below 16 they are reserved (51/WAKU2-RELAY-SHARDING). */
export const DEVNET_CLUSTER = 42;
export const DEVNET_SHARD = 0;
const DEFAULT_COUNT = 2;

export interface DevnetPeersInit {
  /** How many relay nodes. @default 2 */
  readonly count?: number;
  /** Address of this machine. @default 127.0.0.1 */
  readonly host?: string;
  /** TCP port of the first, the others follow; 0 takes free ones. @default 0 */
  readonly port?: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface DevnetPeers extends Startable {
  /** Where the daemons find the mesh: to be given as their static peers. */
  multiaddrs(): string[];
  /** Where light clients are served: the first of the nodes. */
  serviceNodes(): string[];
}

/**
 * A few relay nodes that hold the mesh of devnet together. Their identities are fixed, so that their addresses stay the same when
 * ports are given; they are known to everybody and for development only.
 */
export function createDevnetPeers({
  count = DEFAULT_COUNT,
  host = "127.0.0.1",
  port = 0,
  clock,
  logger,
}: DevnetPeersInit): DevnetPeers {
  let running: { readonly node: Libp2pNode; readonly messenger: Messenger; readonly service?: Startable }[] = [];
  const stop = async (): Promise<void> => {
    const stopping = running.reverse();
    running = [];
    for (const { node, messenger, service } of stopping) {
      await service?.stop();
      await messenger.stop();
      await node.stop();
    }
  };
  return {
    multiaddrs: () => running.flatMap(({ node }) => node.multiaddrs()),
    serviceNodes: () => running.flatMap(({ node, service }) => (service === undefined ? [] : node.multiaddrs())),
    stop,
    async start() {
      if (running.length > 0) return;
      try {
        for (let index = 0; index < count; index += 1) {
          const messageKey = hashWithDomain("sprf/devnet-waku-peer/1", new Uint8Array([index]));
          const node = await createLibp2pNode({
            messageKey,
            listen: [`/ip4/${host}/tcp/${port === 0 ? 0 : port + index}`],
            peers: running.flatMap((peer) => peer.node.multiaddrs()),
            clock,
            logger,
          });
          const network = { clusterId: DEVNET_CLUSTER, shard: DEVNET_SHARD, clock, logger };
          const messenger = createWakuRelayMessenger({ ...network, libp2p: node, messageKey });
          const service = index === 0 ? createServiceNode({ ...network, node }) : undefined;
          running.push({ node, messenger, ...(service === undefined ? {} : { service }) });
          await node.start();
          await messenger.start();
          await service?.start();
        }
      } catch (error) {
        await stop();
        throw error;
      }
    },
  };
}
