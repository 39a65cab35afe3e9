import { WORD_BYTES } from "../utils/keccak.ts";

/** Hashes of records in order, 32 bytes each and nothing more: there may be a million between two settlements. */
export interface HashList {
  readonly length: number;
  push(hash: Uint8Array): void;
  /** Copies of the first `count`: the root of a single one is that hash itself, and stays when others are dropped. */
  first(count: number): Uint8Array[];
  /** Without the first `count`. */
  dropFirst(count: number): void;
  /** Only the first `count`. */
  truncate(count: number): void;
}

const FIRST_CAPACITY = 1_024;

export function createHashList(): HashList {
  let bytes = new Uint8Array(FIRST_CAPACITY * WORD_BYTES);
  let length = 0;
  return {
    get length() {
      return length;
    },
    push(hash) {
      if ((length + 1) * WORD_BYTES > bytes.length) {
        const larger = new Uint8Array(bytes.length * 2);
        larger.set(bytes);
        bytes = larger;
      }
      bytes.set(hash, length * WORD_BYTES);
      length += 1;
    },
    first(count) {
      const copy = bytes.slice(0, Math.min(count, length) * WORD_BYTES);
      return Array.from({ length: copy.length / WORD_BYTES }, (_, i) =>
        copy.subarray(i * WORD_BYTES, (i + 1) * WORD_BYTES),
      );
    },
    dropFirst(count) {
      const dropped = Math.min(count, length);
      bytes.copyWithin(0, dropped * WORD_BYTES, length * WORD_BYTES);
      length -= dropped;
    },
    truncate(count) {
      length = Math.min(length, count);
    },
  };
}
