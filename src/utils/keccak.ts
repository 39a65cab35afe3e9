import { createKeccak } from "hash-wasm";

import { asBuffer } from "./bytes.ts";

/** Bytes of a hash, and of a word of the EVM. */
export const WORD_BYTES = 32;

// Compiled once. In WebAssembly a hash of 64 bytes takes a fifth of what it takes in JavaScript, and channels spend much of
// their time on hashes.
const hasher = await createKeccak(256);

/** keccak256, as the EVM has it. */
export function keccak256(bytes: Uint8Array): Uint8Array {
  return hasher.init().update(asBuffer(bytes)).digest("binary");
}
