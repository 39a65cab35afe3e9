import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import type { LogLine } from "../../src/adapters/logger/memory.ts";
import { createWakuLightMessenger } from "../../src/adapters/messenger/waku-light/waku-light.ts";
import { createServiceNode } from "../../src/devnet/waku/service/create-service-node.ts";
import type { Messenger } from "../../src/ports/messenger.ts";
import { messageKeysOf } from "./message-keys.ts";
import type { MessageKeys } from "./message-keys.ts";
import { createRelayNode } from "./relay-node.ts";
import type { RelayNode } from "./relay-node.ts";

export interface LightMessenger {
  readonly keys: MessageKeys;
  readonly messenger: Messenger;
  readonly lines: LogLine[];
}

/** A light messenger whose key is that of its name; its log is kept. */
export function createLightMessenger(name: string, serviceNodes: readonly string[]): LightMessenger {
  const keys = messageKeysOf(name);
  const lines: LogLine[] = [];
  const messenger = createWakuLightMessenger({
    serviceNodes,
    messageKey: keys.privateKey,
    clusterId: 42,
    shard: 0,
    clock: systemClock,
    logger: createMemoryLogger(lines),
  });
  return { keys, messenger, lines };
}

/** A relay node on loopback that serves light clients, as devnet has one. */
export async function createServingNode(
  name: string,
  peers: readonly string[] = [],
  listen?: readonly string[],
): Promise<RelayNode> {
  const relay = await createRelayNode(name, peers, listen);
  const logger = createMemoryLogger(relay.lines);
  const service = createServiceNode({ node: relay.node, clusterId: 42, shard: 0, clock: systemClock, logger });
  return {
    ...relay,
    async start() {
      await relay.start();
      await service.start();
    },
    async stop() {
      await service.stop();
      await relay.stop();
    },
  };
}
