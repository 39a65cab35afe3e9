import type { xdr } from "@stellar/stellar-sdk";

import type { AccountId } from "./account.ts";
import { availableBalance } from "./account.ts";
import { billedOperations, divideUp, minimumFee } from "./fees.ts";
import { plainResult } from "./results.ts";
import { checkSubmission } from "./submission-check.ts";
import type { LedgerTransaction } from "./transaction.ts";
import { feeOperationCount, feeSourceOf, innerOf, waitsForAge } from "./transaction.ts";
import type { Moment } from "./validity.ts";

/**
 * How many transactions of one source account may wait at a time: `onePerSource` is the network's rule since stellar-core
 * 20, `chain` the one before it, where numbers could follow each other.
 */
export type QueueRule = "onePerSource" | "chain";

export type SubmissionStatus = "PENDING" | "DUPLICATE" | "ERROR" | "TRY_AGAIN_LATER";

export interface Submission {
  readonly status: SubmissionStatus;
  /** With `ERROR`: why. */
  readonly errorResult?: xdr.TransactionResult;
}

export interface TransactionQueue {
  submit(tx: LedgerTransaction, moment: Moment): Submission;
  /** Everything that waits, by source account and sequence number. */
  waiting(): LedgerTransaction[];
  /** Removes what a ledger applied, and refuses for a while what has waited for too long. */
  ledgerClosed(applied: readonly LedgerTransaction[]): void;
  /** Removes what can no longer be applied, with all behind it, and refuses it for a while. */
  ban(dropped: readonly LedgerTransaction[]): void;
}

/** Ledgers for which a dropped transaction is answered with `TRY_AGAIN_LATER` (stellar-core). */
const BAN_LEDGERS = 10;
/** Ledgers after which a transaction that found no room is dropped (stellar-core). */
const MAX_AGE_LEDGERS = 4;
/** The queue holds the operations of so many ledgers (stellar-core); beyond that it asks to try again later. */
const QUEUED_LEDGERS = 2;
/** How much more an operation must bid to replace a waiting transaction. */
const REPLACEMENT_FACTOR = 10n;

const PENDING: Submission = { status: "PENDING" };
const DUPLICATE: Submission = { status: "DUPLICATE" };
const TRY_AGAIN_LATER: Submission = { status: "TRY_AGAIN_LATER" };

interface Waiting {
  readonly transactions: LedgerTransaction[];
  age: number;
}

/** The queue of transactions that wait for a ledger (stellar-core, `TransactionQueue`). */
export function createTransactionQueue(rule: QueueRule): TransactionQueue {
  const bySource = new Map<AccountId, Waiting>();
  const bans: Set<string>[] = [new Set()];

  const all = (): LedgerTransaction[] => [...bySource.values()].flatMap(({ transactions }) => transactions);

  // Kept along: a submission must not cost what everything that waits costs.
  const bids = new Map<AccountId, bigint>();
  let operationCount = 0;

  const count = (tx: LedgerTransaction, sign: 1 | -1): void => {
    operationCount += sign * feeOperationCount(tx);
    const payer = feeSourceOf(tx);
    const sum = (bids.get(payer) ?? 0n) + BigInt(sign) * tx.feeBidStroops;
    if (sum === 0n) bids.delete(payer);
    else bids.set(payer, sum);
  };

  const submit = (tx: LedgerTransaction, moment: Moment): Submission => {
    if (bans.some((ban) => ban.has(tx.envelopeHash))) return TRY_AGAIN_LATER;
    const { sourceId, sequenceNumber } = innerOf(tx);
    const chain = bySource.get(sourceId)?.transactions ?? [];
    const rivalIndex = chain.findIndex((other) => innerOf(other).sequenceNumber === sequenceNumber);
    const rival = chain[rivalIndex];
    if (rival !== undefined && isDuplicate(rival, tx)) return DUPLICATE;

    let replaced: LedgerTransaction | undefined;
    if (rule === "onePerSource" && chain[0] !== undefined) {
      if (sequenceNumber < innerOf(chain[0]).sequenceNumber) return error(plainResult(0n, { code: "txBadSeq" }));
      if (tx.kind === "plain" || rival === undefined) return TRY_AGAIN_LATER;
    }
    if (tx.kind === "feeBump" && rival === undefined && !continues(tx, chain)) {
      return error(plainResult(0n, { code: "txBadSeq" }));
    }
    if (tx.kind === "feeBump" && rival !== undefined) {
      const needed = replacementFee(tx, rival);
      if (needed !== undefined) return error(plainResult(needed, { code: "txInsufficientFee" }));
      replaced = rival;
    }
    const before = replaced === undefined ? chain.at(-1) : chain[rivalIndex - 1];
    if (before !== undefined && waitsForAge(tx)) return TRY_AGAIN_LATER;

    const afterSequence = before === undefined ? undefined : innerOf(before).sequenceNumber;
    const check = checkSubmission(tx, moment, afterSequence);
    if (!check.valid) return error(check.result);

    const payer = feeSourceOf(tx);
    const freed = replaced !== undefined && feeSourceOf(replaced) === payer ? replaced.feeBidStroops : 0n;
    const account = moment.state.account(payer);
    if (
      account === undefined ||
      availableBalance(account, moment.parameters) - tx.feeBidStroops + freed < (bids.get(payer) ?? 0n)
    ) {
      return error(plainResult(minimumFee(tx, moment.parameters), { code: "txInsufficientBalance" }));
    }
    const limit = QUEUED_LEDGERS * moment.parameters.maxOperationsPerLedger;
    if (operationCount + feeOperationCount(tx) > limit) return TRY_AGAIN_LATER;

    const entry = bySource.get(sourceId) ?? { transactions: [], age: 0 };
    if (replaced === undefined) entry.transactions.push(tx);
    else entry.transactions[rivalIndex] = tx;
    bySource.set(sourceId, entry);
    if (replaced !== undefined) count(replaced, -1);
    count(tx, 1);
    return PENDING;
  };

  const ban = (dropped: readonly LedgerTransaction[]): void => {
    for (const tx of dropped) {
      const { sourceId, sequenceNumber } = innerOf(tx);
      remove(sourceId, (other) => innerOf(other).sequenceNumber >= sequenceNumber, true);
    }
  };

  const ledgerClosed = (applied: readonly LedgerTransaction[]): void => {
    for (const tx of applied) {
      const { sourceId, sequenceNumber } = innerOf(tx);
      remove(sourceId, (other) => innerOf(other).sequenceNumber <= sequenceNumber, false);
      // Today's nodes do not look at an applied envelope again for a while; older ones found its number used.
      if (rule === "onePerSource") bans[0]?.add(tx.envelopeHash);
      const entry = bySource.get(sourceId);
      if (entry !== undefined) entry.age = 0;
    }
    bans.unshift(new Set());
    bans.length = Math.min(bans.length, BAN_LEDGERS);
    for (const [sourceId, entry] of bySource) {
      entry.age += 1;
      if (entry.age >= MAX_AGE_LEDGERS) remove(sourceId, () => true, true);
    }
  };

  const remove = (sourceId: AccountId, isGone: (tx: LedgerTransaction) => boolean, ban: boolean): void => {
    const entry = bySource.get(sourceId);
    if (entry === undefined) return;
    const kept: LedgerTransaction[] = [];
    for (const tx of entry.transactions) {
      if (!isGone(tx)) {
        kept.push(tx);
        continue;
      }
      count(tx, -1);
      if (ban) bans[0]?.add(tx.envelopeHash);
    }
    if (kept.length === 0) bySource.delete(sourceId);
    else bySource.set(sourceId, { transactions: kept, age: entry.age });
  };

  return {
    submit,
    waiting: all,
    ledgerClosed,
    ban,
  };
}

function error(errorResult: xdr.TransactionResult): Submission {
  return { status: "ERROR", errorResult };
}

/** The same envelope again, or the inner transaction of a waiting fee bump. */
function isDuplicate(waiting: LedgerTransaction, tx: LedgerTransaction): boolean {
  if (waiting.kind === tx.kind) return waiting.envelopeHash === tx.envelopeHash;
  return waiting.kind === "feeBump" && waiting.inner.envelopeHash === tx.envelopeHash;
}

/** Whether a fee bump could come behind what waits for its account; a plain transaction is told by its validity. */
function continues(tx: LedgerTransaction, chain: readonly LedgerTransaction[]): boolean {
  const last = chain.at(-1);
  if (last === undefined) return true;
  const { sequenceNumber, preconditions } = innerOf(tx);
  const lastNumber = innerOf(last).sequenceNumber;
  if (sequenceNumber < lastNumber) return false;
  const { minSequenceNumber } = preconditions;
  return minSequenceNumber === undefined ? sequenceNumber === lastNumber + 1n : minSequenceNumber <= lastNumber;
}

/** The bid that a replacement would have needed, or undefined when its bid is enough. */
function replacementFee(tx: LedgerTransaction, waiting: LedgerTransaction): bigint | undefined {
  const needed = waiting.feeBidStroops * billedOperations(tx) * REPLACEMENT_FACTOR;
  if (tx.feeBidStroops * billedOperations(waiting) >= needed) return undefined;
  return divideUp(needed, billedOperations(waiting));
}
