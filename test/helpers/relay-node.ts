import { systemClock } from "../../src/adapters/clock/system.ts";
import { createLibp2pNode } from "../../src/adapters/libp2p/node.ts";
import type { Libp2pNode } from "../../src/adapters/libp2p/node.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import type { LogLine } from "../../src/adapters/logger/memory.ts";
import { createWakuRelayMessenger } from "../../src/adapters/messenger/waku-relay.ts";
import type { Messenger } from "../../src/ports/messenger.ts";
import { messageKeysOf } from "./message-keys.ts";
import type { MessageKeys } from "./message-keys.ts";

export interface RelayNode {
  readonly keys: MessageKeys;
  readonly node: Libp2pNode;
  readonly messenger: Messenger;
  readonly lines: LogLine[];
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A relay node on loopback whose key is that of its name; its log is kept. */
export async function createRelayNode(
  name: string,
  peers: readonly string[] = [],
  listen: readonly string[] = ["/ip4/127.0.0.1/tcp/0"],
): Promise<RelayNode> {
  const keys = messageKeysOf(name);
  const lines: LogLine[] = [];
  const common = { messageKey: keys.privateKey, clock: systemClock, logger: createMemoryLogger(lines) };
  const node = await createLibp2pNode({ ...common, peers, listen });
  const messenger = createWakuRelayMessenger({ ...common, libp2p: node, clusterId: 42, shard: 0 });
  return {
    keys,
    node,
    messenger,
    lines,
    async start() {
      await node.start();
      await messenger.start();
    },
    async stop() {
      await messenger.stop();
      await node.stop();
    },
  };
}
