import { keccak_256 } from "@noble/hashes/sha3.js";

/** Bytes of a hash, and of a word of the EVM. */
export const WORD_BYTES = 32;

/** keccak256, as the EVM has it. */
export function keccak256(bytes: Uint8Array): Uint8Array {
  return keccak_256(bytes);
}
