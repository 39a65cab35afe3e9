import type { AccountId } from "./account.ts";
import { availableBalance } from "./account.ts";
import { compareBids } from "./fees.ts";
import { checkSubmission } from "./submission-check.ts";
import type { LedgerTransaction } from "./transaction.ts";
import { feeOperationCount, feeSourceOf, innerOf, waitsForAge } from "./transaction.ts";
import type { Moment } from "./validity.ts";

/** What goes into the next ledger, and what can no longer go into any. */
export interface LedgerSelection {
  readonly included: readonly LedgerTransaction[];
  readonly invalid: readonly LedgerTransaction[];
}

/**
 * Chooses the transactions of the next ledger: those still valid at its close time whose payers can pay all their bids, and
 * when they do not all fit, those that bid most for an operation, each account's in the order of its numbers.
 */
export function selectForLedger(waiting: readonly LedgerTransaction[], moment: Moment): LedgerSelection {
  const invalid: LedgerTransaction[] = [];
  const chains = new Map<AccountId, LedgerTransaction[]>();
  const fees = new Map<AccountId, bigint>();
  for (const tx of waiting) {
    const { sourceId } = innerOf(tx);
    const chain = chains.get(sourceId) ?? [];
    const last = chain.at(-1);
    const afterSequence = last === undefined ? undefined : innerOf(last).sequenceNumber;
    // Only the first of an account can wait for the age of its number.
    if ((last !== undefined && waitsForAge(tx)) || !checkSubmission(tx, moment, afterSequence).valid) {
      invalid.push(tx);
      continue;
    }
    chain.push(tx);
    chains.set(sourceId, chain);
    fees.set(feeSourceOf(tx), (fees.get(feeSourceOf(tx)) ?? 0n) + tx.feeBidStroops);
  }
  for (const chain of chains.values()) {
    const broke = chain.findIndex((tx) => {
      const payer = moment.state.account(feeSourceOf(tx));
      return payer === undefined || availableBalance(payer, moment.parameters) < (fees.get(feeSourceOf(tx)) ?? 0n);
    });
    if (broke < 0) continue;
    for (const tx of chain.splice(broke)) {
      invalid.push(tx);
      fees.set(feeSourceOf(tx), (fees.get(feeSourceOf(tx)) ?? 0n) - tx.feeBidStroops);
    }
  }
  return { included: fit([...chains.values()], moment.parameters.maxOperationsPerLedger), invalid };
}

/** Takes heads of chains by bid until the next would not fit; ties go to the lower envelope hash, so it is repeatable. */
function fit(chains: readonly LedgerTransaction[][], maxOperations: number): LedgerTransaction[] {
  const every = chains.flat();
  let room = maxOperations;
  if (every.reduce((sum, tx) => sum + feeOperationCount(tx), 0) <= room) return every;
  const rest = chains.filter((chain) => chain.length > 0).map((chain) => [...chain]);
  const included: LedgerTransaction[] = [];
  for (;;) {
    let best: LedgerTransaction[] | undefined;
    for (const chain of rest) if (chain[0] !== undefined && isBetter(chain[0], best?.[0])) best = chain;
    const tx = best?.shift();
    if (tx === undefined || feeOperationCount(tx) > room) return included;
    room -= feeOperationCount(tx);
    included.push(tx);
  }
}

function isBetter(tx: LedgerTransaction, other: LedgerTransaction | undefined): boolean {
  if (other === undefined) return true;
  const order = compareBids(tx, other);
  return order > 0 || (order === 0 && tx.envelopeHash < other.envelopeHash);
}
