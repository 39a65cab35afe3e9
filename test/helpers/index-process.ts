// Started by the test of the indexer: catches up in short ranges, says the block after each batch, and is killed at some point.
import { createEthersEventLog, type EthersEventLogInit } from "../../src/adapters/chain/event-log.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createSqliteStore } from "../../src/adapters/store/sqlite.ts";
import { createIndexer } from "../../src/indexer/indexer.ts";

const BLOCKS_A_REQUEST = 3;

if (process.argv[1] === import.meta.filename) await catchUp(process.argv[2] ?? "");

async function catchUp(text: string): Promise<void> {
  const init = JSON.parse(text) as EthersEventLogInit & { readonly path: string };
  const eventLog = await createEthersEventLog({ ...init, maxBlocksPerRequest: BLOCKS_A_REQUEST });
  const store = createSqliteStore(init.path);
  const indexer = createIndexer({ eventLog, store, clock: systemClock, logger: createMemoryLogger() });
  await indexer.catchUp({ onProgress: ({ block }) => process.stdout.write(`${block}\n`) });
  eventLog.close();
  await store.close();
}
