import { equalBytes } from "../../utils/bytes.ts";
import type { TouchedSlot } from "../../wire/channel/record.ts";
import { isZero, slotOf, toWord, ZERO_WORD, type SlotKey } from "./slot-key.ts";

/** A slot's key and the value that it takes; undefined for none. */
export type SlotChange = readonly [key: SlotKey, value: Uint8Array | undefined];

/**
 * The slots of a program. What a record writes lies beside the state until {@link SlotStore.finish}, so that whoever looks
 * meanwhile sees the head, and dropping it costs nothing. Checkpoints are marks in an undo log: they cost the same however many
 * slots there are.
 */
export interface SlotStore {
  /** The head's slots that hold something; written by {@link SlotStore.apply} alone. */
  readonly head: ReadonlyMap<SlotKey, Uint8Array>;
  /** How many slots the record has touched so far. */
  readonly touchedCount: number;
  /** What the record sees in the slot: its own writes, else the head; undefined for zero. Touches the slot. */
  get(key: SlotKey): Uint8Array | undefined;
  /** What the slot held before the record; undefined for zero. Touches the slot. */
  original(key: SlotKey): Uint8Array | undefined;
  /** Writes for the record: up to 32 bytes, leading zeros may be missing. Touches the slot. */
  set(key: SlotKey, value: Uint8Array): void;
  checkpoint(): void;
  /** Keeps what was written since the last checkpoint, unless one before it is reverted. */
  commit(): void;
  /** Drops what was written since the last checkpoint; what was touched stays touched. */
  revert(): void;
  /** Has the record find these values, as if the head had them; for views of a state that was. */
  recall(values: readonly SlotChange[]): void;
  /** What the record has touched so far, ascending by slot. */
  touched(): TouchedSlot[];
  /** What the record would change, in no order. */
  changes(): SlotChange[];
  /** Forgets the record: all that it wrote and touched. */
  finish(): void;
  /** Writes to the head. */
  apply(changes: readonly SlotChange[]): void;
}

export function createSlotStore(): SlotStore {
  const head = new Map<SlotKey, Uint8Array>();
  const before = new Map<SlotKey, Uint8Array | undefined>();
  const written = new Map<SlotKey, Uint8Array | undefined>();
  /** What `written` had, newest last. */
  const undo: { key: SlotKey; had: boolean; value: Uint8Array | undefined }[] = [];
  const marks: number[] = [];

  const original = (key: SlotKey): Uint8Array | undefined => {
    const known = before.get(key);
    if (known !== undefined || before.has(key)) return known;
    const value = head.get(key);
    before.set(key, value);
    return value;
  };

  return {
    head,
    get touchedCount() {
      return before.size;
    },
    get(key) {
      const value = original(key);
      if (written.size === 0) return value;
      const own = written.get(key);
      return own !== undefined || written.has(key) ? own : value;
    },
    original,
    set(key, value) {
      original(key);
      undo.push({ key, had: written.has(key), value: written.get(key) });
      written.set(key, isZero(value) ? undefined : toWord(value));
    },
    checkpoint() {
      marks.push(undo.length);
    },
    commit() {
      marks.pop();
    },
    revert() {
      const mark = marks.pop() ?? 0;
      while (undo.length > mark) {
        const last = undo.pop();
        if (last === undefined) break;
        if (last.had) written.set(last.key, last.value);
        else written.delete(last.key);
      }
    },
    recall(values) {
      for (const [key, value] of values) before.set(key, value);
    },
    touched() {
      return [...before.keys()].sort().map((key) => {
        const old = before.get(key);
        const now = written.has(key) ? written.get(key) : old;
        return { slot: slotOf(key), before: old ?? ZERO_WORD, after: now ?? ZERO_WORD };
      });
    },
    changes() {
      return [...written].filter(([key, value]) => !isSame(before.get(key), value));
    },
    finish() {
      before.clear();
      written.clear();
      undo.length = 0;
      marks.length = 0;
    },
    apply(changes) {
      for (const [key, value] of changes) {
        if (value === undefined) head.delete(key);
        else head.set(key, value);
      }
    },
  };
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}
