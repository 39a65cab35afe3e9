import type pg from "pg";

import { messageOf } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Postgres } from "./connect.ts";

export interface ListenInit {
  readonly channels: readonly string[];
  readonly logger: Logger;
  readonly onNotice: (channel: string, payload: string) => void;
  /** Also after each reconnection: what was said in between is not said again. */
  readonly onListening: () => void;
}

/** Hears what is said on channels, on a connection of its own that is made anew when it ends. */
export async function listen(
  { pool, patiently }: Postgres,
  { channels, logger, onNotice, onListening }: ListenInit,
): Promise<{ close(): Promise<void> }> {
  const over = new AbortController();
  let held: pg.PoolClient | undefined;
  let connecting: Promise<void> = Promise.resolve();

  async function connect(): Promise<void> {
    const client = await pool.connect();
    try {
      client.on("notification", ({ channel, payload = "" }) => onNotice(channel, payload));
      client.on("error", onEnd);
      client.on("end", onEnd);
      for (const channel of channels) await client.query(`LISTEN ${channel}`);
      held = client;
    } catch (error) {
      client.release(true);
      throw error;
    }
    onListening();
  }

  function onEnd(): void {
    if (held === undefined || over.signal.aborted) return;
    held.release(true);
    held = undefined;
    connecting = untilConnected().catch((error: unknown) => {
      if (!over.signal.aborted) logger.error("the database says nothing any more", { reason: messageOf(error) });
    });
  }

  /** A server may stay away for longer than a call waits for it. */
  async function untilConnected(): Promise<void> {
    while (!over.signal.aborted) {
      try {
        return await patiently(connect, { signal: over.signal });
      } catch (error) {
        logger.warn("the database is still away", { reason: messageOf(error) });
      }
    }
  }

  await patiently(connect);
  return {
    async close() {
      over.abort();
      await connecting;
      const client = held;
      held = undefined;
      client?.release(true);
    },
  };
}
