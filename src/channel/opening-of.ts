import { openRecord } from "../domain/channel/evidence.ts";
import type { SignedOpening } from "../ports/channel-court.ts";
import type { Core } from "./core.ts";
import { fromLogEntry, lastOf } from "./log-entries.ts";

/** A record that this node has, as its leader has signed it; undefined where its batch is not in the log any more. */
export async function openingOf(
  { player, info, log }: Pick<Core, "player" | "info" | "log">,
  height: number,
): Promise<SignedOpening | undefined> {
  const term = player.at(height)?.header.term;
  for await (const logged of log.entries({ fromHeight: height })) {
    const kept = fromLogEntry(logged);
    if (kept.kind !== "batch" || kept.batch.term !== term) continue;
    const before = player.at(kept.batch.first - 1);
    if (before === undefined || kept.batch.first > height || lastOf(kept.batch) < height) continue;
    return openRecord(kept.batch, { channel: info.channel, before: before.hash, height });
  }
  return undefined;
}
