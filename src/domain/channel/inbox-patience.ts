import type { InboxEntry } from "../../wire/channel/inbox-entry.ts";
import { RECORD_KINDS, type RecordHeader } from "../../wire/channel/record.ts";

/** How long an entry of the inbox may wait, by the records' time, until no call may go before it: the court has the same. */
export const INBOX_PATIENCE_MS = 1_800_000;
/** Before that a leader takes no calls any more: blocks that it has seen may be replaced by others of that age, with entries in them. */
export const LEADER_MARGIN_MS = 300_000;

/** Whether a record is a user's word, which an old entry goes before: ticks and entries come due at once after a pause. */
function isUsers({ kind }: Pick<RecordHeader, "kind">): boolean {
  return kind === RECORD_KINDS.call || kind === RECORD_KINDS.session;
}

/** Whether the court convicts whoever signed a record, by an entry that it should have taken before. */
export function isPastEntry(
  header: Pick<RecordHeader, "kind" | "timeMs" | "inboxCursor">,
  entry: Pick<InboxEntry, "index" | "timeMs">,
): boolean {
  return isUsers(header) && header.inboxCursor < entry.index && header.timeMs > entry.timeMs + INBOX_PATIENCE_MS;
}

/**
 * Whether a record may be past an entry which whoever has seen the chain up to `seenMs`, the time of a block, cannot know of: whoever
 * acks it then may ack what convicts.
 */
export function isBeyondSight(header: Pick<RecordHeader, "kind" | "timeMs">, seenMs: number): boolean {
  return isUsers(header) && header.timeMs > seenMs + INBOX_PATIENCE_MS;
}

/** Whether whoever has seen the chain up to `seenMs` must not sign calls of that time, nor lead: with a margin to what convicts. */
export function isCutOff(timeMs: number, seenMs: number): boolean {
  return timeMs > seenMs + INBOX_PATIENCE_MS - LEADER_MARGIN_MS;
}
