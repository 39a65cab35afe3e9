import { WORD_BYTES } from "../../utils/keccak.ts";

/** A value that is not there; never written to. */
export const ZERO_WORD = new Uint8Array(WORD_BYTES);

/**
 * A slot as a string with a character for each byte: half as long as hex, it sorts like the bytes, and maps find it by content.
 */
export type SlotKey = string;

/** The key of a slot of 32 bytes. */
export function toSlotKey(slot: Uint8Array): SlotKey {
  return Buffer.from(slot.buffer, slot.byteOffset, slot.byteLength).toString("latin1");
}

/** The 32 bytes of a key. */
export function slotOf(key: SlotKey): Uint8Array {
  return new Uint8Array(Buffer.from(key, "latin1"));
}

/** Whether all bytes are zero, which is how the EVM says that a slot holds nothing. */
export function isZero(word: Uint8Array): boolean {
  for (const byte of word) if (byte !== 0) return false;
  return true;
}

/** A word of 32 bytes with the given bytes at its end. */
export function toWord(bytes: Uint8Array): Uint8Array {
  if (bytes.length === WORD_BYTES) return bytes;
  const word = new Uint8Array(WORD_BYTES);
  word.set(bytes, WORD_BYTES - bytes.length);
  return word;
}

/** The word of a number below 2^256. */
export function wordOf(value: bigint): Uint8Array {
  return new Uint8Array(Buffer.from(value.toString(16).padStart(2 * WORD_BYTES, "0"), "hex"));
}

/** The number of a word. */
export function numberOf(word: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(word.buffer, word.byteOffset, word.byteLength).toString("hex") || "0"}`);
}
