import { fromHex, sha256 } from "./hashing.ts";
import type { LedgerTransaction } from "./transaction.ts";
import { innerOf } from "./transaction.ts";

/** Hash of the set of transactions of a ledger (stellar-core, `TransactionSet` before generalized sets). */
export function transactionSetHash(
  previousLedgerHash: Uint8Array,
  transactions: readonly LedgerTransaction[],
): Uint8Array {
  const sorted = [...transactions].sort((a, b) => (a.envelopeHash < b.envelopeHash ? -1 : 1));
  return sha256(previousLedgerHash, ...sorted.map(({ envelopeBytes }) => envelopeBytes));
}

/**
 * The order in which a ledger applies its transactions, as stellar-core has it: the first waiting transaction of every
 * account, then the second of every account, and so on; within a round by envelope hash xor set hash. So it is fixed by
 * the transactions and the previous ledger, and nobody can choose a place in it cheaply.
 */
export function applyOrder(transactions: readonly LedgerTransaction[], setHash: Uint8Array): LedgerTransaction[] {
  const byAccount = new Map<string, LedgerTransaction[]>();
  for (const tx of transactions) {
    const { sourceId } = innerOf(tx);
    const list = byAccount.get(sourceId);
    if (list === undefined) byAccount.set(sourceId, [tx]);
    else list.push(tx);
  }
  const rounds: { tx: LedgerTransaction; rank: Uint8Array }[][] = [];
  for (const list of byAccount.values()) {
    list.sort((a, b) => (innerOf(a).sequenceNumber < innerOf(b).sequenceNumber ? -1 : 1));
    for (const [i, tx] of list.entries()) (rounds[i] ??= []).push({ tx, rank: xor(fromHex(tx.envelopeHash), setHash) });
  }
  return rounds.flatMap((round) => round.sort((a, b) => Buffer.compare(a.rank, b.rank)).map(({ tx }) => tx));
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ (b[i] ?? 0));
}
