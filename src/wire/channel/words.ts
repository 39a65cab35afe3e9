import { keccak256, WORD_BYTES } from "../../utils/keccak.ts";

const ADDRESS_START = 12;
const UINT64_START = 24;
const UINT32 = 2 ** 32;
const NIBBLES = 64;

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
}

/** For at most `capacity` words. */
export function createWords(capacity: number): Words {
  const buffer = Buffer.alloc(capacity * WORD_BYTES);
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
      buffer.writeUInt32BE(Math.floor(value / UINT32), at + UINT64_START);
      buffer.writeUInt32BE(value % UINT32, at + UINT64_START + 4);
      at += WORD_BYTES;
      return words;
    },
    uint(value) {
      buffer.write(value.toString(16).padStart(NIBBLES, "0"), at, "hex");
      at += WORD_BYTES;
      return words;
    },
    address(value) {
      buffer.fill(0, at, at + ADDRESS_START);
      buffer.write(value.slice(2), at + ADDRESS_START, "hex");
      at += WORD_BYTES;
      return words;
    },
    hash: () => keccak256(buffer.subarray(0, at)),
    bytes: () => new Uint8Array(buffer.subarray(0, at)),
  };
  return words;
}
