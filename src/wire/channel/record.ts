import { concatBytes, equalBytes } from "../../utils/bytes.ts";
import { keccak256, WORD_BYTES } from "../../utils/keccak.ts";
import { createWords } from "./words.ts";

/** What a record does; the numbers are part of the protocol. */
export const RECORD_KINDS = { initialize: 0, call: 1, tick: 2, inbox: 3, session: 4, term: 5 } as const;

/** How a record ended. */
export const RECORD_STATUS = { failed: 0, success: 1, overLimit: 2 } as const;

/** What stands of a record in its hash. Hashes have 32 bytes. */
export interface RecordHeader {
  readonly channel: bigint;
  readonly term: number;
  readonly height: number;
  /** One of {@link RECORD_KINDS}. */
  readonly kind: number;
  readonly timeMs: number;
  /** Hash of the record before; zeros for record 0. */
  readonly previous: Uint8Array;
  readonly inputHash: Uint8Array;
  readonly touchedHash: Uint8Array;
  readonly writesHash: Uint8Array;
  /** One of {@link RECORD_STATUS}. */
  readonly status: number;
  readonly gasUsed: number;
  readonly returnHash: Uint8Array;
  readonly stateRoot: Uint8Array;
  /** How many entries of the inbox have been taken, with this record. */
  readonly inboxCursor: number;
}

/** A slot that a record read or wrote. */
export interface TouchedSlot {
  /** 32 bytes each. */
  readonly slot: Uint8Array;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** A hash of zeros: what is before record 0, and the root of an empty state. */
export const ZERO_HASH: Uint8Array = new Uint8Array(WORD_BYTES);

/** keccak256 of nothing: the input of a tick, an empty set, no data. */
export const EMPTY_HASH: Uint8Array = keccak256(new Uint8Array());

const HEADER_WORDS = 14;
const words = createWords(HEADER_WORDS);

/** keccak256(abi.encode(RecordHeader)) */
export function hashRecord(header: RecordHeader): Uint8Array {
  return words
    .begin()
    .uint(header.channel)
    .number(header.term)
    .number(header.height)
    .number(header.kind)
    .number(header.timeMs)
    .bytes32(header.previous)
    .bytes32(header.inputHash)
    .bytes32(header.touchedHash)
    .bytes32(header.writesHash)
    .number(header.status)
    .number(header.gasUsed)
    .bytes32(header.returnHash)
    .bytes32(header.stateRoot)
    .number(header.inboxCursor)
    .hash();
}

/** keccak256 of packed (slot, value before), of slots sorted ascending. */
export function hashTouched(touched: readonly TouchedSlot[]): Uint8Array {
  return hashPairs(touched, (slot) => slot.before);
}

/** keccak256 of packed (slot, new value), of those of the touched slots that changed. */
export function hashWrites(touched: readonly TouchedSlot[]): Uint8Array {
  return hashPairs(
    touched.filter(({ before, after }) => !equalBytes(before, after)),
    (slot) => slot.after,
  );
}

/** What {@link hashTouched} is the hash of. */
export function packTouched(touched: readonly TouchedSlot[]): Uint8Array {
  return concatBytes(...touched.flatMap(({ slot, before }) => [slot, before]));
}

/** What {@link hashWrites} is the hash of. */
export function packWrites(touched: readonly TouchedSlot[]): Uint8Array {
  const changed = touched.filter(({ before, after }) => !equalBytes(before, after));
  return concatBytes(...changed.flatMap(({ slot, after }) => [slot, after]));
}

/** Ascending by slot: the order of both hashes. */
export function compareSlots(a: { readonly slot: Uint8Array }, b: { readonly slot: Uint8Array }): number {
  return Buffer.compare(a.slot, b.slot);
}

const PAIR_BYTES = 2 * WORD_BYTES;
/** Where pairs are packed; grows with the largest set so far. */
let packed = new Uint8Array(16 * PAIR_BYTES);

function hashPairs(slots: readonly TouchedSlot[], valueOf: (slot: TouchedSlot) => Uint8Array): Uint8Array {
  const length = slots.length * PAIR_BYTES;
  if (length > packed.length) packed = new Uint8Array(length);
  for (const [index, slot] of slots.entries()) {
    packed.set(slot.slot, index * PAIR_BYTES);
    packed.set(valueOf(slot), index * PAIR_BYTES + WORD_BYTES);
  }
  return keccak256(packed.subarray(0, length));
}
