import { equalBytes, toHex } from "../../utils/bytes.ts";
import { merkleRoot } from "../../wire/channel/merkle.ts";
import { compareSlots, type RecordHeader, type TouchedSlot } from "../../wire/channel/record.ts";
import { changesRootOf, type Change, type Settlement } from "../../wire/channel/settlement.ts";

/** Changes of slots over a run of records. */
export interface ChangeSet {
  /** Takes what one more record touched. */
  add(touched: readonly TouchedSlot[]): void;
  /** Slots that differ from what they were, ascending. */
  changes(): Change[];
}

export function createChangeSet(): ChangeSet {
  const bySlot = new Map<string, { slot: Uint8Array; oldValue: Uint8Array; newValue: Uint8Array }>();
  return {
    add(touched) {
      for (const { slot, before, after } of touched) {
        const key = toHex(slot);
        const known = bySlot.get(key);
        if (known !== undefined) known.newValue = after;
        else if (!equalBytes(before, after)) bySlot.set(key, { slot, oldValue: before, newValue: after });
      }
    },
    changes: () =>
      [...bySlot.values()].filter(({ oldValue, newValue }) => !equalBytes(oldValue, newValue)).sort(compareSlots),
  };
}

/** The settlement of the records after `fromHeight`, the last of which has `header`. */
export function settlementOf(parts: {
  readonly fromHeight: number;
  readonly header: RecordHeader;
  readonly head: Uint8Array;
  /** Of all records after `fromHeight`, in order. */
  readonly recordHashes: readonly Uint8Array[];
  readonly changes: readonly Change[];
  readonly mode: number;
}): Settlement {
  const { fromHeight, header, head, recordHashes, changes, mode } = parts;
  return {
    channel: header.channel,
    fromHeight,
    toHeight: header.height,
    timeMs: header.timeMs,
    head,
    recordsRoot: merkleRoot(recordHashes),
    stateRoot: header.stateRoot,
    changesRoot: changesRootOf(changes),
    inboxCursor: header.inboxCursor,
    mode,
  };
}
