import { systemClock } from "./adapters/clock/system.ts";
import { createPostgres } from "./adapters/postgres/connect.ts";
import { openBoss } from "./adapters/run-queue/boss.ts";
import { readRunQueue } from "./adapters/run-queue/read-view.ts";
import type { Logger } from "./ports/logger.ts";
import type { RunQueueView } from "./ports/run-queue.ts";

/** A look is soon over: whoever looks is not kept waiting for a server that is away. */
const PATIENCE_MS = 5_000;

/**
 * What waits in a worker's database, and who makes it.
 *
 * @throws SprfError `DATABASE_UNAVAILABLE`, `DATABASE_NEWER`, `CONFIG_INVALID`
 */
export async function readRuns(databaseUrl: string, { logger }: { readonly logger: Logger }): Promise<RunQueueView> {
  const postgres = createPostgres({ url: databaseUrl, clock: systemClock, logger, patienceMs: PATIENCE_MS });
  try {
    const boss = await openBoss(postgres, { logger, watches: false });
    const view = await postgres.patiently(async () => await readRunQueue(postgres.pool));
    await boss.stop({ graceful: false, close: false });
    return view;
  } finally {
    await postgres.close();
  }
}
