import { deflateRawSync, inflateRawSync } from "node:zlib";

/** The bytes compressed as well as it goes (RFC 1951, without a header). */
export function deflate(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(deflateRawSync(bytes, { level: 9 }));
}

/** What {@link deflate} had; undefined when it is no such thing or more than `maxBytes`, of which no more are made. */
export function inflateUpTo(bytes: Uint8Array, maxBytes: number): Uint8Array | undefined {
  try {
    return new Uint8Array(inflateRawSync(bytes, { maxOutputLength: maxBytes }));
  } catch {
    return undefined;
  }
}
