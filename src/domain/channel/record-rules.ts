import { equalBytes } from "../../utils/bytes.ts";
import type { InboxEntry } from "../../wire/channel/inbox-entry.ts";
import { EMPTY_HASH, RECORD_KINDS, ZERO_HASH, type RecordHeader } from "../../wire/channel/record.ts";
import { PUNISHMENT_REASONS } from "../../wire/channel/settlement.ts";
import { isPastEntry } from "./inbox-patience.ts";
import { MAX_CLOCK_LEAD_MS } from "./limits.ts";

/** It has its leader from the chain; each later one begins with the election of its leader. */
const FIRST_TERM = 1;

/** What is wrong with a record, as a punishment names it. */
export interface RecordFault {
  /** One of `PUNISHMENT_REASONS`. */
  readonly reason: number;
  readonly message: string;
}

/** What a record follows. */
export interface Predecessor {
  readonly header: RecordHeader;
  readonly hash: Uint8Array;
}

/** What the next record is held against. */
export interface RecordContext {
  readonly term: number;
  /** When the next tick is due; undefined when none ever is. */
  readonly tickDueMs: number | undefined;
  /** The reader's clock. */
  readonly nowMs: number;
  /** The first entry of the inbox that the record before has not counted; undefined when the chain shows none. */
  readonly waiting?: Pick<InboxEntry, "index" | "timeMs"> | undefined;
}

/** What is wrong with the place, kind and time of the record after `before`; undefined for nothing. Its result is not looked at. */
export function faultOfNext(
  before: Predecessor,
  next: RecordHeader,
  { term, tickDueMs, nowMs, waiting }: RecordContext,
): RecordFault | undefined {
  const last = before.header;
  if (next.channel !== last.channel) return wrongOrder(`a record of channel ${next.channel}`);
  if (next.height !== last.height + 1) return wrongOrder(`height ${next.height} follows ${last.height}`);
  if (next.term !== term || next.term < last.term) return wrongOrder(`a record of term ${next.term} in term ${term}`);
  const begins = next.term > Math.max(last.term, FIRST_TERM);
  if ((next.kind === RECORD_KINDS.term) !== begins) return wrongOrder(`a term ${next.term} that begins otherwise`);
  if (!equalBytes(next.previous, before.hash)) return wrongOrder("a record that follows another one");
  if (next.timeMs < last.timeMs) return wrongOrder(`time falls from ${last.timeMs} to ${next.timeMs}`);
  if (next.timeMs > nowMs + MAX_CLOCK_LEAD_MS) return wrongOrder(`a time ${next.timeMs - nowMs} ms ahead`);
  if (waiting !== undefined && isPastEntry(next, waiting))
    return wrongOrder(`a call past entry ${waiting.index} of the inbox`);
  return faultOfKind(last, next, tickDueMs);
}

/** Record 0 is what everybody makes of the chain. */
export function isGenesis(header: RecordHeader): boolean {
  return header.height === 0 && header.kind === RECORD_KINDS.initialize && equalBytes(header.previous, ZERO_HASH);
}

function faultOfKind(
  last: RecordHeader,
  { kind, timeMs, inputHash, inboxCursor }: RecordHeader,
  tickDueMs: number | undefined,
): RecordFault | undefined {
  const isTickDue = tickDueMs !== undefined && timeMs >= tickDueMs;
  if (kind === RECORD_KINDS.tick) {
    if (!isTickDue) return wrongOrder(`a tick at ${timeMs}, due at ${tickDueMs ?? "no time"}`);
    if (!equalBytes(inputHash, EMPTY_HASH)) return forged("a tick with an input");
  } else if (isTickDue && kind !== RECORD_KINDS.term)
    return wrongOrder(`a record at ${timeMs} past the tick that is due at ${tickDueMs}`);
  const taken = kind === RECORD_KINDS.inbox ? 1 : 0;
  if (inboxCursor !== last.inboxCursor + taken)
    return wrongOrder(`an inbox at ${inboxCursor} after ${last.inboxCursor}`);
  if (kind === RECORD_KINDS.initialize) return wrongOrder("a second beginning");
  return undefined;
}

/** Something in a record that does not follow from the ones before. */
export function wrongOrder(message: string): RecordFault {
  return { reason: PUNISHMENT_REASONS.wrongOrder, message };
}

/** Something in a record that nobody has said. */
export function forged(message: string): RecordFault {
  return { reason: PUNISHMENT_REASONS.forgedInput, message };
}

/** What differs between a leader's record and one's own of the same input; undefined for nothing. */
export function faultOfResult(own: RecordHeader, leaders: RecordHeader): RecordFault | undefined {
  const wrong =
    own.status !== leaders.status
      ? "status"
      : own.gasUsed !== leaders.gasUsed
        ? "gas"
        : !equalBytes(own.touchedHash, leaders.touchedHash)
          ? "touched slots"
          : !equalBytes(own.writesHash, leaders.writesHash)
            ? "written slots"
            : !equalBytes(own.returnHash, leaders.returnHash)
              ? "return data"
              : !equalBytes(own.stateRoot, leaders.stateRoot)
                ? "state root"
                : undefined;
  if (wrong === undefined) return undefined;
  return { reason: PUNISHMENT_REASONS.wrongResult, message: `another ${wrong} at height ${own.height}` };
}
