import { asBuffer, toHex } from "../../utils/bytes.ts";
import { WORD_BYTES } from "../../utils/keccak.ts";
import { createWords } from "../../wire/channel/words.ts";

/** A value that is not there; never written to. */
export const ZERO_WORD = new Uint8Array(WORD_BYTES);

/**
 * A slot as a string with a character for each byte: half as long as hex, it sorts like the bytes, and maps find it by content.
 */
export type SlotKey = string;

/** The key of a slot of 32 bytes. */
export function toSlotKey(slot: Uint8Array): SlotKey {
  return asBuffer(slot).toString("latin1");
}

/** The 32 bytes of a key. */
export function slotOf(key: SlotKey): Uint8Array {
  const slot = new Uint8Array(WORD_BYTES);
  for (let index = 0; index < WORD_BYTES; index++) slot[index] = key.charCodeAt(index);
  return slot;
}

/** As many as there are busy slots in a large channel; a stranger cannot make it more. */
const MAX_KEPT = 4096;

/** A function that keeps what it gave, for as many arguments as are asked for often; beyond that it forgets them all. */
export function keepResults<T>(make: (argument: string) => T): (argument: string) => T {
  const kept = new Map<string, T>();
  return (argument) => {
    const known = kept.get(argument);
    if (known !== undefined) return known;
    if (kept.size >= MAX_KEPT) kept.clear();
    const made = make(argument);
    kept.set(argument, made);
    return made;
  };
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

const words = createWords(1);

/** The word of a number below 2^256. */
export function wordOf(value: bigint): Uint8Array {
  return words.begin().uint(value).bytes();
}

/** The number of a word. */
export function numberOf(word: Uint8Array): bigint {
  return BigInt(`0x${toHex(word) || "0"}`);
}
