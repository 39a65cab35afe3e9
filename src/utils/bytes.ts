import { SprfError } from "../errors.ts";

/** Arrays of up to so many bytes lie among V8's own objects until somebody asks for their `buffer`. */
const SMALL_BYTES = 64;
const shared = Buffer.alloc(SMALL_BYTES);

/**
 * The same bytes as a `Buffer`, to be read at once: those of small arrays are copied to one that is used again and again, which is
 * several times faster than to have each moved to a buffer of its own.
 */
export function asBuffer(bytes: Uint8Array): Buffer {
  if (bytes.length > SMALL_BYTES) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  shared.set(bytes);
  return shared.subarray(0, bytes.length);
}

/** Lower-case hex without prefix. */
export function toHex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString("hex");
}

/** Bytes of a hex string, with or without `0x`. @throws SprfError `INVALID_INPUT` when it is not hex of whole bytes */
export function fromHex(hex: string): Uint8Array {
  const digits = hex.startsWith("0x") ? hex.slice(2) : hex;
  // Buffer would stop at the first wrong digit without a word.
  if (!/^([0-9a-fA-F]{2})*$/.test(digits))
    throw new SprfError("INVALID_INPUT", "expected hex digits, two for each byte");
  return new Uint8Array(Buffer.from(digits, "hex"));
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && Buffer.compare(a, b) === 0);
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** Bytes of what a schema has taken for base64. */
export function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}
