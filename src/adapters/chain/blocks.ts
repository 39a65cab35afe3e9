import { isSprfError } from "../../errors.ts";
import type { ChainOptions } from "../../ports/chain.ts";
import type { Connection } from "./connection.ts";

const MAX_RETRY_MS = 5_000;

/** Polls for the latest block; a node that is away is asked again with growing pauses. */
export async function* followBlocks(
  connection: Connection,
  { signal }: ChainOptions = {},
): AsyncGenerator<number, void, undefined> {
  const { clock, pollingIntervalMs } = connection;
  let last = -1;
  let failures = 0;
  for (;;) {
    try {
      const latest = await connection.read(() => connection.provider.getBlockNumber(), { signal });
      failures = 0;
      // A chain that was set back, as a development chain is by a restart, grows again from where it is.
      if (latest < last) last = latest;
      if (latest > last) {
        last = latest;
        yield latest;
      }
      await clock.sleep(pollingIntervalMs, { signal });
    } catch (error) {
      if (signal?.aborted) return;
      if (!isSprfError(error, "CHAIN_UNREACHABLE")) throw error;
      failures++;
      const pauseMs = Math.min(pollingIntervalMs * 2 ** Math.min(failures, 10), MAX_RETRY_MS);
      await clock.sleep(pauseMs, { signal }).catch(() => undefined);
    }
    if (signal?.aborted) return;
  }
}
