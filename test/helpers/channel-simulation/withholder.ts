import { decodeChannelMessage, type ChannelMessage } from "../../../src/wire/channel/messages.ts";
import type { Distortion, World } from "./member.ts";

/** What carries records, or says that there are some. */
const OF_RECORDS: ReadonlySet<ChannelMessage["kind"]> = new Set(["batch", "history", "snapshot", "status", "head"]);

/** A member whose node is as it should be, and of which another one hears everything but records while it leads, for some time. */
export function withholderOf(
  { time, trace }: World,
  { from, fromMs, toMs }: { readonly from: string; readonly fromMs: number; readonly toMs: number },
): Distortion {
  const beganMs = time.now();
  return (network, { leads }) => ({
    ...network,
    self: network.self,
    send(to, bytes) {
      const sinceMs = time.now() - beganMs;
      const isWithheld = to === from && leads() && sinceMs >= fromMs && sinceMs < toMs;
      if (!isWithheld || !OF_RECORDS.has(decodeChannelMessage(bytes).kind)) return network.send(to, bytes);
      trace.event("withholder", `keeps something from ${to.slice(0, 6)}`);
      return true;
    },
  });
}
