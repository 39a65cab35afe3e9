import { mkdir } from "node:fs/promises";

import { systemClock } from "../../src/adapters/clock/system.ts";
import { createHeliaContentStore } from "../../src/adapters/content-store/helia.ts";
import type { CollectingContentStore } from "../../src/adapters/content-store/unixfs-content-store.ts";
import { createLibp2pNode } from "../../src/adapters/libp2p/node.ts";
import type { Libp2pNode } from "../../src/adapters/libp2p/node.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createSqliteStore } from "../../src/adapters/store/sqlite.ts";
import { messageKeysOf } from "./message-keys.ts";

export interface HeliaNode {
  readonly node: Libp2pNode;
  readonly content: CollectingContentStore;
  stop(): Promise<void>;
}

/** A started content store with its blocks and pins in `directory`, and a libp2p node whose key is that of its name. */
export async function startHeliaNode(
  name: string,
  directory: string,
  peers: readonly string[],
  maxFileBytes = 20 * 1024 * 1024,
  listen?: readonly string[],
): Promise<HeliaNode> {
  await mkdir(directory, { recursive: true });
  const logger = createMemoryLogger();
  const messageKey = messageKeysOf(name).privateKey;
  const node = await createLibp2pNode({
    messageKey,
    peers,
    clock: systemClock,
    logger,
    ...(listen === undefined ? {} : { listen }),
  });
  const store = createSqliteStore(`${directory}/pins.sqlite`);
  const content = createHeliaContentStore({ libp2p: node, directory, store, maxFileBytes, clock: systemClock, logger });
  await node.start();
  await content.start();
  return {
    node,
    content,
    async stop() {
      await content.stop();
      await node.stop();
      await store.close();
    },
  };
}
