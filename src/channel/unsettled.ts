import { createChangeSet, settlementOf, type ChangeSet } from "../domain/channel/settle.ts";
import type { RecordHeader, TouchedSlot } from "../wire/channel/record.ts";
import type { Change, Settlement } from "../wire/channel/settlement.ts";
import { createHashList } from "./hash-list.ts";

/** A record as it counts for a settlement. */
export interface UnsettledRecord {
  readonly header: RecordHeader;
  readonly hash: Uint8Array;
  readonly touched: readonly TouchedSlot[];
}

/** What is not settled yet: enough to make any settlement up to a recent record, and to forget what one has settled. */
export interface Unsettled {
  /** The height that is final. */
  readonly fromHeight: number;
  /** The next record. */
  add(record: UnsettledRecord): void;
  /** Records above `height` were taken back. */
  revertTo(height: number): void;
  /** Records up to this height will not be taken back: their changes are put together. Settlements end at this height or later. */
  fold(height: number): void;
  /** Somebody wants to settle up to here: this end is kept apart, so that more records can be put together meanwhile. */
  mark(height: number): void;
  /** Nobody wants to any more. */
  unmark(height: number): void;
  /** Undefined when it is folded already or not there yet. */
  settlementTo(
    height: number,
    mode: number,
  ): { readonly settlement: Settlement; readonly changes: readonly Change[] } | undefined;
  /** Up to here all is final. */
  settled(height: number): void;
}

interface Folded {
  upTo: number;
  readonly set: ChangeSet;
}

/** `fromHeight` is settled already; 0: nothing is, and what record 0 has written is to be settled too. */
export function createUnsettled(start: { readonly fromHeight: number }): Unsettled {
  let { fromHeight } = start;
  const hashes = createHashList();
  let folded: Folded[] = [];
  let records: UnsettledRecord[] = [];
  /** Ends that somebody asked for, with their records once those are folded. */
  const marks = new Map<number, UnsettledRecord | undefined>();

  const addTo = (set: ChangeSet, changes: readonly Change[]): void =>
    set.add(changes.map(({ slot, oldValue, newValue }) => ({ slot, before: oldValue, after: newValue })));

  return {
    get fromHeight() {
      return fromHeight;
    },
    add(record) {
      records.push(record);
      // Record 0 has changes that are to be settled, and is covered by no root of records.
      if (record.header.height > fromHeight) hashes.push(record.hash);
    },
    revertTo(height) {
      records = records.filter(({ header }) => header.height <= height);
      hashes.truncate(Math.max(0, height - fromHeight));
    },
    fold(height) {
      const first = records[0]?.header.height ?? 0;
      // All at once: taking them one by one from the front of a long list costs its length each time.
      for (const record of records.splice(0, Math.max(0, height - first + 1))) {
        let last = folded.at(-1);
        if (last === undefined || marks.has(last.upTo)) {
          last = { upTo: record.header.height, set: createChangeSet() };
          folded.push(last);
        }
        last.set.add(record.touched);
        last.upTo = record.header.height;
        if (marks.has(record.header.height)) marks.set(record.header.height, record);
      }
    },
    mark(height) {
      if (!marks.has(height)) marks.set(height, undefined);
    },
    unmark(height) {
      marks.delete(height);
    },
    settlementTo(height, mode) {
      const last = records.find(({ header }) => header.height === height) ?? marks.get(height);
      if (last === undefined || height <= fromHeight) return undefined;
      const set = createChangeSet();
      for (const each of folded) {
        if (each.upTo > height) break;
        addTo(set, each.set.changes());
      }
      for (const { header, touched } of records) if (header.height <= height) set.add(touched);
      const changes = set.changes();
      const recordHashes = hashes.first(height - fromHeight);
      return {
        settlement: settlementOf({ fromHeight, header: last.header, head: last.hash, recordHashes, changes, mode }),
        changes,
      };
    },
    settled(height) {
      hashes.dropFirst(height - fromHeight);
      fromHeight = height;
      records = records.filter(({ header }) => header.height > height);
      folded = folded.filter(({ upTo }) => upTo > height);
      marks.clear();
    },
  };
}
