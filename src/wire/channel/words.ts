import { keccak256, WORD_BYTES } from "../../utils/keccak.ts";

const ADDRESS_START = 12;
const UINT64_START = 24;
const UINT32 = 2 ** 32;
const NIBBLES = 64;
const MAX_UINT64 = 2n ** 64n - 1n;

/**
 * Words of 32 bytes one after another in a buffer that is used again and again: ABI encoding by hand, several times faster than by a
 * coder that reads types. Addresses are hex with 0x.
 */
export interface Words {
  /** Forgets what was written. */
  begin(): Words;
  bytes32(value: Uint8Array): Words;
  /** At most 2^53 - 1. */
  number(value: number): Words;
  uint(value: bigint): Words;
  address(value: string): Words;
  /** keccak256 of all that was written. */
  hash(): Uint8Array;
  /** A copy of all that was written. */
  bytes(): Uint8Array;
  /** The same, into another array. */
  copyTo(target: Uint8Array, at: number): void;
}

/** For at most `capacity` words. */
export function createWords(capacity: number): Words {
  const buffer = new Uint8Array(capacity * WORD_BYTES);
  const view = new DataView(buffer.buffer);
  // The only way to write hex.
  const text = Buffer.from(buffer.buffer);
  let at = 0;
  const words: Words = {
    begin() {
      at = 0;
      return words;
    },
    bytes32(value) {
      buffer.set(value, at);
      at += WORD_BYTES;
      return words;
    },
    number(value) {
      buffer.fill(0, at, at + UINT64_START);
      view.setUint32(at + UINT64_START, value / UINT32);
      view.setUint32(at + UINT64_START + 4, value);
      at += WORD_BYTES;
      return words;
    },
    uint(value) {
      // Nearly all are small.
      if (value <= MAX_UINT64) {
        buffer.fill(0, at, at + UINT64_START);
        view.setBigUint64(at + UINT64_START, value);
      } else text.write(value.toString(16).padStart(NIBBLES, "0"), at, "hex");
      at += WORD_BYTES;
      return words;
    },
    address(value) {
      buffer.fill(0, at, at + ADDRESS_START);
      text.write(value.slice(2), at + ADDRESS_START, "hex");
      at += WORD_BYTES;
      return words;
    },
    hash: () => keccak256(buffer.subarray(0, at)),
    bytes: () => buffer.slice(0, at),
    copyTo: (target, offset) => target.set(buffer.subarray(0, at), offset),
  };
  return words;
}
