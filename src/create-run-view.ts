import { z } from "zod";

import { systemClock } from "./adapters/clock/system.ts";
import { createPostgres } from "./adapters/postgres/connect.ts";
import { openBoss } from "./adapters/run-queue/boss.ts";
import { readRunQueue } from "./adapters/run-queue/read-view.ts";
import type { Settings } from "./config/schema.ts";
import { messageOf } from "./errors.ts";
import type { Logger } from "./ports/logger.ts";
import type { RunQueueView } from "./ports/run-queue.ts";

/** A look is soon over: whoever looks is not kept waiting for a server that is away. */
const PATIENCE_MS = 5_000;

/** What a worker's own process knows of its queue. */
const readinessSchema = z.object({
  parts: z.object({ queue: z.object({ waiting: z.number(), running: z.number(), oldestMs: z.number() }) }),
});

/** What waits, or why that is not known. */
export type QueueView =
  (Partial<RunQueueView> & Pick<RunQueueView, "waiting" | "running" | "oldestMs">) | { readonly unknown: string };

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

/**
 * What waits at a worker: by its database where it has one, else by its listener for those who run it.
 *
 * @throws SprfError as `readRuns`
 */
export async function readQueue(
  { database, admin }: Pick<Settings, "database" | "admin">,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<QueueView> {
  if (database.url !== undefined) return await readRuns(database.url, { logger });
  if (admin.port === undefined) return { unknown: "--admin-port says where the worker's listener for metrics is" };
  const url = `http://${admin.host}:${admin.port}/ready`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]) });
    return readinessSchema.parse(await answer.json()).parts.queue;
  } catch (error) {
    return { unknown: `${url} does not tell: ${messageOf(error)}` };
  }
}
