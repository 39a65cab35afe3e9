import { z } from "zod";

/** How XDR is answered: as base64, or as JSON (SEP-51). */
export type XdrFormat = "base64" | "json";

/** The optional parameter `xdrFormat`; {@link checkFormat} looks at its value. */
export const xdrFormat = z.string().max(64).nullish();

/** What is wrong with a format, in the service's words, or undefined. */
export function checkFormat(format: string | null | undefined): string | undefined {
  if (!format || format === "base64" || format === "json") return undefined;
  return `got '${format}': expected base64, json for optional 'xdrFormat'`;
}

/** The format that a checked parameter asks for. */
export function formatOf(format: string | null | undefined): XdrFormat {
  return format === "json" ? "json" : "base64";
}

/** A type of the SDK's XDR. */
interface XdrType {
  fromXdr(bytes: Uint8Array): { toJson(): unknown };
}

/** One value under its name in the service's answer: `resultXdr` or `resultJson` for `result`. */
export function xdrField(name: string, type: XdrType, bytes: Uint8Array, format: XdrFormat): Record<string, unknown> {
  if (format === "json") return { [`${name}Json`]: type.fromXdr(bytes).toJson() };
  return { [`${name}Xdr`]: toBase64(bytes) };
}

/** Standard base64. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/**
 * Bytes of standard base64 with its padding, line breaks allowed, or undefined: Node would read nearly anything, the service
 * does not.
 */
export function fromBase64(text: string): Uint8Array | undefined {
  const digits = text.replaceAll(/[\r\n]/g, "");
  if (digits.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(digits)) return undefined;
  return new Uint8Array(Buffer.from(digits, "base64"));
}
