/** A place in history. */
export interface TransactionPlace {
  readonly ledger: number;
  readonly position: number;
}

const POSITION_BITS = 20n;
const OPERATION_BITS = 12n;
const INT64_MAX = 9_223_372_036_854_775_807n;

/** The cursor behind a transaction: ledger, position and operation 1 packed into 64 bits (SEP-35). */
export function formatCursor(ledger: number, position: number): string {
  return String((((BigInt(ledger) << POSITION_BITS) | BigInt(position)) << OPERATION_BITS) | 1n);
}

/** Reads a cursor; undefined when it is no number of 64 bits. */
export function parseCursor(cursor: string): TransactionPlace | undefined {
  if (!/^\d{1,19}$/.test(cursor)) return undefined;
  const value = BigInt(cursor);
  if (value > INT64_MAX) return undefined;
  return {
    ledger: Number(value >> (POSITION_BITS + OPERATION_BITS)),
    position: Number((value >> OPERATION_BITS) & ((1n << POSITION_BITS) - 1n)),
  };
}
