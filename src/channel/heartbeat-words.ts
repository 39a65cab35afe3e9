import { isInMesh, isRelayed } from "../domain/channel/relays.ts";
import { MAX_DELAY_MS } from "../wire/channel/limits.ts";
import type { ChannelMessageOf } from "../wire/channel/messages.ts";
import { isLeader, membersNow, officeOf, type Core } from "./core.ts";
import type { RoundTrips } from "./round-trips.ts";

export type HeartbeatWords = Omit<ChannelMessageOf<"heartbeat">, "kind" | "version" | "channel" | "term">;

/**
 * What a heartbeat says besides the term: how far its sender is from the leader, and a number that is to come back. Among many members
 * only ways to the leader and the candidates are measured: the others bring no records.
 */
export function heartbeatWords(
  core: Core,
  {
    peer,
    roundTrips,
    delayMs,
  }: { readonly peer: string; readonly roundTrips: RoundTrips; readonly delayMs: number | undefined },
): HeartbeatWords {
  const members = membersNow(core);
  const isMany = isRelayed(members);
  const isMeasured = !isMany || isInMesh(members, peer, officeOf(core)?.signer);
  return {
    ...(isMeasured && { id: roundTrips.begin(peer) }),
    ...(delayMs !== undefined && { delayMs: Math.min(delayMs, MAX_DELAY_MS) }),
    ...(isMany && isLeader(core) && { height: core.player.head.header.height }),
  };
}
