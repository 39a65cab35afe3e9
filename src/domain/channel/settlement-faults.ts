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

/** What is wrong with changes whose root differs from that of one's `own`, as far as they were seen. */
export function changesFault(
  changesRoot: Uint8Array,
  own: readonly Change[],
  seen: {
    readonly chunkHashes: readonly Uint8Array[] | undefined;
    readonly chunks: ReadonlyMap<number, readonly Change[]>;
  },
): ChangesFault | undefined {
  const isNone = equalBytes(changesRoot, ZERO_HASH);
  const { chunkHashes = isNone ? [] : undefined, chunks } = seen;
  if (chunkHashes === undefined) return { kind: "unseen", chunk: 0 };
  const ownChunks = chunksOf(own);
  // All before it are the same on both sides, so that what differs first is in it or around it.
  const at = chunkHashes.findIndex((hash, index) => {
    const chunk = ownChunks[index];
    return chunk === undefined || !equalBytes(hashChunk(chunk), hash);
  });
  if (at < 0) {
    const left = ownChunks[chunkHashes.length]?.[0];
    const last = Math.max(0, chunkHashes.length - 1);
    const part = { chunkHashes, first: last, changes: chunkHashes.length === 0 ? [] : (ownChunks[last] ?? []) };
    return left === undefined ? undefined : { kind: "omission", part, slot: left.slot };
  }
  const chunk = chunks.get(at);
  if (chunk === undefined) return { kind: "unseen", chunk: at };
  return faultIn(chunk, own, { chunkHashes, at, before: ownChunks[at - 1] });
}

function faultIn(
  chunk: readonly Change[],
  own: readonly Change[],
  {
    chunkHashes,
    at,
    before,
  }: {
    readonly chunkHashes: readonly Uint8Array[];
    readonly at: number;
    readonly before: readonly Change[] | undefined;
  },
): ChangesFault | undefined {
  const bySlot = new Map(own.map((change) => [toHex(change.slot), change]));
  const index = chunk.findIndex(({ slot, oldValue, newValue }) => {
    const mine = bySlot.get(toHex(slot));
    return mine === undefined || !equalBytes(mine.oldValue, oldValue) || !equalBytes(mine.newValue, newValue);
  });
  const part = { chunkHashes, first: at, changes: chunk };
  const wrong = chunk[index];
  if (wrong !== undefined) return { kind: "change", part, index, slot: wrong.slot };
  // All that it has is right, so something is left out: between the end of the chunk before it and its own.
  const shown = new Set(chunk.map(({ slot }) => toHex(slot)));
  const after = before?.at(-1)?.slot;
  const left = own.find(
    ({ slot }) => (after === undefined || Buffer.compare(slot, after) > 0) && !shown.has(toHex(slot)),
  );
  if (left === undefined) return undefined;
  const [first] = chunk;
  const isBetween = before !== undefined && first !== undefined && Buffer.compare(left.slot, first.slot) < 0;
  const around = isBetween ? { chunkHashes, first: at - 1, changes: [...before, ...chunk] } : part;
  return { kind: "omission", part: around, slot: left.slot };
}
