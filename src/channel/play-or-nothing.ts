import { isSprfError } from "../errors.ts";
import type { RecordHeader } from "../wire/channel/record.ts";
import type { PlayedRecord, Player } from "./player.ts";

/**
 * What an input comes to at the head, which it then is, as a record of this kind, term and time. Undefined for one that no record may
 * have; the head stays then.
 */
export async function playOrNothing(
  player: Pick<Player, "play">,
  { kind, term, timeMs }: Pick<RecordHeader, "kind" | "term" | "timeMs">,
  input: Uint8Array,
): Promise<PlayedRecord | undefined> {
  try {
    return await player.play(kind, input, { term, timeMs });
  } catch (error) {
    if (isSprfError(error) && error.fault !== "internal") return undefined;
    throw error;
  }
}
