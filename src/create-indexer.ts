import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { createEthersEventLog } from "./adapters/chain/event-log.ts";
import type { MarketContracts } from "./adapters/chain/ethers.ts";
import { systemClock } from "./adapters/clock/system.ts";
import { noMetrics } from "./adapters/metrics/none.ts";
import { createSqliteStore } from "./adapters/store/sqlite.ts";
import { storeCheck } from "./admin/peer-checks.ts";
import type { ReadinessCheck } from "./admin/readiness.ts";
import { SprfError } from "./errors.ts";
import { indexCheck } from "./indexer/index-check.ts";
import { createIndexer, type Indexer } from "./indexer/indexer.ts";
import { measureIndexer } from "./indexer/measure-indexer.ts";
import { createReadModel, type ReadModel } from "./indexer/read-model.ts";
import type { EventLogOptions } from "./ports/event-log.ts";
import type { Logger } from "./ports/logger.ts";
import type { Metrics } from "./ports/metrics.ts";

const FILE = "index.sqlite";
/** What SQLite keeps beside a file that was not closed. */
const SUFFIXES = ["", "-wal", "-shm"];

export interface MarketIndexerInit {
  readonly chain: {
    readonly rpcUrl: string;
    readonly contracts: MarketContracts;
    /** @default 1000 */
    readonly pollingIntervalMs?: number;
  };
  /** Where the index rests. */
  readonly dataDirectory: string;
  /** First block of a new index. @default 0 */
  readonly fromBlock?: number;
  /** Forget what was indexed and begin anew. @default false */
  readonly rebuild?: boolean;
  readonly logger: Logger;
  /** @default nowhere */
  readonly metrics?: Metrics;
}

/** An {@link Indexer} and what was opened for it. */
export interface MarketIndexer extends Indexer {
  readonly model: ReadModel;
  readonly checks: readonly ReadinessCheck[];
  close(): Promise<void>;
}

/**
 * Makes an indexer of a market into a folder.
 *
 * @throws SprfError `CHAIN_UNREACHABLE`, `CHAIN_REVERTED` when there is no market at these addresses, `STORE_UNAVAILABLE`
 */
export async function createMarketIndexer(
  init: MarketIndexerInit,
  options: EventLogOptions = {},
): Promise<MarketIndexer> {
  const { chain, dataDirectory, logger } = init;
  const eventLog = await createEthersEventLog(chain, options);
  try {
    await mkdir(dataDirectory, { recursive: true });
    const path = join(dataDirectory, FILE);
    if (init.rebuild === true) {
      for (const suffix of SUFFIXES) await rm(`${path}${suffix}`, { force: true });
    }
    const store = createSqliteStore(path);
    const indexer = createIndexer(
      { eventLog, store, clock: systemClock, logger },
      {
        ...(init.fromBlock === undefined ? {} : { fromBlock: init.fromBlock }),
        ...(chain.pollingIntervalMs === undefined ? {} : { pollingIntervalMs: chain.pollingIntervalMs }),
      },
    );
    return {
      ...measureIndexer(indexer, init.metrics ?? noMetrics),
      model: createReadModel(store),
      checks: [indexCheck({ eventLog, store }), storeCheck({ store, clock: systemClock })],
      async close() {
        eventLog.close();
        await store.close();
      },
    };
  } catch (error) {
    eventLog.close();
    throw error;
  }
}

/** Opens what an indexer has made, whether or not it runs. @throws SprfError `INDEX_INVALID` when there is nothing */
export async function openIndex(dataDirectory: string): Promise<{ readonly model: ReadModel; close(): Promise<void> }> {
  const path = join(dataDirectory, FILE);
  if (!existsSync(path)) throw new SprfError("INDEX_INVALID", `there is no index in ${dataDirectory}`);
  const store = createSqliteStore(path);
  return { model: createReadModel(store), close: async () => await store.close() };
}
