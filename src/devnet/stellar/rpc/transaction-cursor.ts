import { parseInt64 } from "./go-integers.ts";

/** A place in history. */
export interface TransactionPlace {
  readonly ledger: number;
  readonly position: number;
}

const POSITION_BITS = 20n;
const OPERATION_BITS = 12n;

/** The cursor behind a transaction: ledger, position and operation 1 packed into 64 bits (SEP-35). */
export function formatCursor(ledger: number, position: number): string {
  return String((((BigInt(ledger) << POSITION_BITS) | BigInt(position)) << OPERATION_BITS) | 1n);
}

/** Reads a cursor, or says what is wrong with it. */
export function parseCursor(cursor: string): TransactionPlace | { readonly problem: string } {
  const parsed = parseInt64(cursor);
  if ("problem" in parsed) return parsed;
  const { value } = parsed;
  if (value < 0n) return { problem: "cursor ledger sequence cannot be negative" };
  return {
    ledger: Number(value >> (POSITION_BITS + OPERATION_BITS)),
    position: Number((value >> OPERATION_BITS) & ((1n << POSITION_BITS) - 1n)),
  };
}
