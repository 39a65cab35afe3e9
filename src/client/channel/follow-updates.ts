import { isSprfError } from "../../errors.ts";
import type { ChannelConnection } from "../../ports/channel-connection.ts";
import type { ChannelUpdate, SubscribeOptions } from "../../ports/channel-service.ts";
import type { Clock } from "../../ports/clock.ts";

const PAUSE_MS = 250;

/** A subscription that goes on after the connection was lost, from what arrived last; a record comes twice in no case. */
export async function* followUpdates(
  connection: Pick<ChannelConnection, "subscribe">,
  options: SubscribeOptions,
  clock: Clock,
): AsyncGenerator<ChannelUpdate> {
  const { signal, commitment } = options;
  let { from } = options;
  while (!signal.aborted) {
    try {
      const source = connection.subscribe({ signal, ...(from && { from }), ...(commitment && { commitment }) });
      for await (const update of source) {
        if (update.type === "record") from = positionOf(update.record);
        else if (update.type === "snapshot") from = positionOf(update);
        else if (update.type === "rollback") from = undefined;
        yield update;
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!isSprfError(error, "PEER_UNREACHABLE") && !isSprfError(error, "CHANNEL_SUBSCRIBER_SLOW")) throw error;
    }
    await clock.sleep(PAUSE_MS, { signal }).catch(() => undefined);
  }
}

function positionOf(at: { readonly height: number; readonly recordHash: Uint8Array }): SubscribeOptions["from"] {
  return { height: at.height, recordHash: at.recordHash };
}
