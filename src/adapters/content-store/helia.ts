import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Store } from "../../ports/store.ts";
import type { Libp2pNode } from "../libp2p/node.ts";
import { createBitswapSource } from "./bitswap-source.ts";
import type { RatedGateways } from "./gateway-book.ts";
import { withGateways } from "./gateway-first.ts";
import { createLocalBlocks } from "./local-blocks.ts";
import { createFsBlocks, createMemoryBlocks } from "./raw-blocks.ts";
import { createUnixfsContentStore } from "./unixfs-content-store.ts";
import type { CollectingContentStore } from "./unixfs-content-store.ts";

const DEFAULT_MAX_FILE_BYTES = 1024 * 1024 * 1024;
const DEFAULT_FETCH_TIMEOUT_MS = 30_000;
const DEFAULT_COLLECT_INTERVAL_MS = 600_000;

export interface HeliaContentStoreInit {
  /** Started before the content store and stopped after it. */
  readonly libp2p: Libp2pNode;
  /** Where blocks rest; in memory when absent. */
  readonly directory?: string;
  /** Keeps the pins. */
  readonly store: Store;
  /** Asked before peers are. */
  readonly gateways?: RatedGateways;
  /** The largest file that is stored or pinned. @default 1 GiB */
  readonly maxFileBytes?: number;
  /** How long peers are asked for one block when the caller sets no deadline. @default 30,000 */
  readonly fetchTimeoutMs?: number;
  /** @default 600,000 */
  readonly collectIntervalMs?: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Content over Helia's UnixFS and bitswap, on the daemon's own libp2p node; it contacts no peer by itself. */
export function createHeliaContentStore(init: HeliaContentStoreInit): CollectingContentStore {
  const { clock, store } = init;
  const logger = init.logger.child({ component: "content-store" });
  const raw = init.directory === undefined ? createMemoryBlocks() : createFsBlocks(init.directory);
  const blocks = createLocalBlocks(raw, logger);
  const peers = createBitswapSource({
    node: init.libp2p,
    blocks,
    fetchTimeoutMs: init.fetchTimeoutMs ?? DEFAULT_FETCH_TIMEOUT_MS,
    clock,
    logger,
  });
  return createUnixfsContentStore({
    raw,
    blocks,
    source: withGateways(init.gateways, { peers, clock, logger }),
    store,
    maxFileBytes: init.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES,
    collectIntervalMs: init.collectIntervalMs ?? DEFAULT_COLLECT_INTERVAL_MS,
    clock,
    logger,
  });
}
