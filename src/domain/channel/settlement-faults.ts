import type { HubProof, ShownChanges } from "../../ports/channel-challenges.ts";
import { equalBytes, toHex } from "../../utils/bytes.ts";
import type { InboxEntry } from "../../wire/channel/inbox-entry.ts";
import { merkleProof } from "../../wire/channel/merkle.ts";
import { ZERO_HASH, type RecordHeader } from "../../wire/channel/record.ts";
import { chunksOf, hashChunk, type Change, type Settlement } from "../../wire/channel/settlement.ts";

/** A settlement that ends so much later than an entry of the inbox must have taken it. */
export const INCLUSION_MS = 600_000;

/** What the same heights come to by one's own records. */
export interface OwnSettlement {
  readonly settlement: Settlement;
  /** Of the record that it ends with. */
  readonly header: RecordHeader;
  /** Of all its records, in order. */
  readonly recordHashes: readonly Uint8Array[];
  /** Ascending. */
  readonly changes: readonly Change[];
}

/** What is wrong with a settlement's changes, or what has to be seen for that. */
export type ChangesFault =
  /** The chunk of this number; the first one also says how many there are. */
  | { readonly kind: "unseen"; readonly chunk: number }
  | { readonly kind: "change"; readonly part: ShownChanges; readonly index: number; readonly slot: Uint8Array }
  | { readonly kind: "omission"; readonly part: ShownChanges; readonly slot: Uint8Array };

export function isSkipped(
  { inboxCursor, timeMs }: Pick<Settlement, "inboxCursor" | "timeMs">,
  entry: Pick<InboxEntry, "index" | "timeMs">,
): boolean {
  return entry.index > inboxCursor && timeMs > entry.timeMs + INCLUSION_MS;
}

/**
 * What shows that a settlement's head is none, by one's own record at its height: it is the head and the settlement says something else
 * of it, or it is among the settlement's records and not its head. Undefined when its records have to be seen first.
 */
export function headFault(
  theirs: Settlement,
  { settlement, header, recordHashes }: OwnSettlement,
): Extract<HubProof, { readonly kind: "head" }> | undefined {
  const isHead = equalBytes(theirs.head, settlement.head);
  if (isHead) {
    const isTrue =
      theirs.timeMs === header.timeMs &&
      theirs.inboxCursor === header.inboxCursor &&
      equalBytes(theirs.stateRoot, header.stateRoot);
    return isTrue ? undefined : { kind: "head", header, siblings: [] };
  }
  if (!equalBytes(theirs.recordsRoot, settlement.recordsRoot)) return undefined;
  return { kind: "head", header, siblings: merkleProof(recordHashes, recordHashes.length - 1) };
}

/**
 * What is wrong with changes whose root differs from that of one's `own`, as far as they were seen; undefined when they are the same in
 * another order. The hub believes that a slot is left out when a chunk has slots on both sides of it, or when it has seen all chunks.
 */
export function changesFault(
  changesRoot: Uint8Array,
  own: readonly Change[],
  seen: {
    readonly chunkHashes: readonly Uint8Array[] | undefined;
    readonly chunks: ReadonlyMap<number, readonly Change[]>;
  },
): ChangesFault | undefined {
  const isNone = equalBytes(changesRoot, ZERO_HASH);
  const { chunkHashes = isNone ? [] : undefined } = seen;
  if (chunkHashes === undefined) return { kind: "unseen", chunk: 0 };
  const mine = new Map(chunksOf(own).map((chunk) => [toHex(hashChunk(chunk)), chunk]));
  const known = chunkHashes.map((hash, index) => mine.get(toHex(hash)) ?? seen.chunks.get(index));
  const bySlot = new Map(own.map((change) => [toHex(change.slot), change]));
  const shown = new Set(known.flatMap((chunk = []) => chunk.map(({ slot }) => toHex(slot))));
  const left = own.filter(({ slot }) => !shown.has(toHex(slot)));
  for (const [first, changes] of known.entries()) {
    if (changes === undefined) continue;
    const part = { chunkHashes, first, changes };
    const index = changes.findIndex((change) => !isSame(change, bySlot.get(toHex(change.slot))));
    const wrong = changes[index];
    if (wrong !== undefined) return { kind: "change", part, index, slot: wrong.slot };
    const within = left.find(({ slot }) => isWithin(changes, slot));
    if (within !== undefined) return { kind: "omission", part, slot: within.slot };
  }
  const unseen = known.indexOf(undefined);
  if (unseen >= 0) return { kind: "unseen", chunk: unseen };
  const [first] = left;
  if (first === undefined) return undefined;
  const changes = known.flatMap((chunk = []) => chunk);
  return { kind: "omission", part: { chunkHashes, first: 0, changes }, slot: first.slot };
}

function isSame({ oldValue, newValue }: Change, mine: Change | undefined): boolean {
  return mine !== undefined && equalBytes(mine.oldValue, oldValue) && equalBytes(mine.newValue, newValue);
}

function isWithin(chunk: readonly Change[], slot: Uint8Array): boolean {
  const [first, last] = [chunk[0], chunk.at(-1)];
  if (first === undefined || last === undefined) return false;
  return Buffer.compare(first.slot, slot) < 0 && Buffer.compare(slot, last.slot) < 0;
}
