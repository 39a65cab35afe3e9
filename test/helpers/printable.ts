import { toHex } from "../../src/utils/bytes.ts";

/** As vectors in JSON have it: bytes as hex with 0x, whole numbers beyond JavaScript's as decimal strings; absent fields are left out. */
export function printable(value: unknown): unknown {
  if (value instanceof Uint8Array) return `0x${toHex(value)}`;
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return value.map(printable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name, printable(field)]),
  );
}
