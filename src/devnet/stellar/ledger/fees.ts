import type { LedgerParameters } from "./parameters.ts";
import { MAX_OPERATIONS_PER_TRANSACTION } from "./parameters.ts";
import type { LedgerTransaction } from "./transaction.ts";
import { feeOperationCount } from "./transaction.ts";

/** Quotient of non-negative numbers, rounded up. */
export function divideUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}

/** Operations that the fee is reckoned by: never fewer than one. */
export function billedOperations(tx: LedgerTransaction): bigint {
  return BigInt(Math.max(1, feeOperationCount(tx)));
}

/** What the transaction must bid at least. */
export function minimumFee(tx: LedgerTransaction, parameters: LedgerParameters): bigint {
  return parameters.baseFeeStroops * billedOperations(tx);
}

/** What a transaction is charged at the given base fee: never more than its bid. */
export function feeCharged(tx: LedgerTransaction, baseFeeStroops: bigint): bigint {
  const fee = baseFeeStroops * billedOperations(tx);
  return fee < tx.feeBidStroops ? fee : tx.feeBidStroops;
}

/**
 * Base fee of a ledger: that of the network, or in surge pricing (fewer than 100 operations left free) the lowest bid of
 * an operation in it.
 */
export function ledgerBaseFee(transactions: readonly LedgerTransaction[], parameters: LedgerParameters): bigint {
  const operations = transactions.reduce((sum, tx) => sum + feeOperationCount(tx), 0);
  const cutoff = Math.max(0, parameters.maxOperationsPerLedger - MAX_OPERATIONS_PER_TRANSACTION);
  if (operations <= cutoff) return parameters.baseFeeStroops;
  const bids = transactions.map((tx) => divideUp(tx.feeBidStroops, billedOperations(tx)));
  return bids.reduce((lowest, bid) => (bid < lowest ? bid : lowest));
}

/** Compares what two transactions bid for an operation; positive when the first bids more. */
export function compareBids(a: LedgerTransaction, b: LedgerTransaction): number {
  const left = a.feeBidStroops * billedOperations(b);
  const right = b.feeBidStroops * billedOperations(a);
  return left === right ? 0 : left > right ? 1 : -1;
}
