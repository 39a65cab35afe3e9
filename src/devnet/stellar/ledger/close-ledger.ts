import type { xdr } from "@stellar/stellar-sdk";

import type { AccountId } from "./account.ts";
import type { AppliedTransaction } from "./apply-transaction.ts";
import { applyTransaction, chargeFee } from "./apply-transaction.ts";
import { ledgerBaseFee } from "./fees.ts";
import type { LedgerHeader } from "./ledger-header.ts";
import { buildHeader } from "./ledger-header.ts";
import type { LedgerState, RecordChange } from "./ledger-state.ts";
import { applyOrder, transactionSetHash } from "./order.ts";
import type { LedgerParameters } from "./parameters.ts";
import type { LedgerTransaction } from "./transaction.ts";
import { innerOf } from "./transaction.ts";

/** A transaction in the ledger that applied it. */
export interface LedgerEntryOfTransaction extends AppliedTransaction {
  readonly tx: LedgerTransaction;
  readonly feeChanges: readonly RecordChange[];
}

/** Everything that one close made. */
export interface ClosedLedger {
  readonly header: LedgerHeader;
  /** In the order of application. */
  readonly transactions: readonly LedgerEntryOfTransaction[];
  /** Net changes of the whole ledger. */
  readonly changes: readonly RecordChange[];
  readonly baseFeeStroops: bigint;
}

export interface CloseInput {
  readonly previous: LedgerHeader;
  readonly closeTime: bigint;
  /** Valid transactions; see `selectForLedger`. */
  readonly transactions: readonly LedgerTransaction[];
  /** Hashes in the order of application, to follow a recorded ledger instead of the ledger's own order. */
  readonly order?: readonly string[] | undefined;
}

/** Closes a ledger: takes all fees, applies all transactions in order, and seals the header. */
export function closeLedger(state: LedgerState, parameters: LedgerParameters, input: CloseInput): ClosedLedger {
  state.forgetUndo();
  state.ledgerSequence = input.previous.sequence + 1;
  state.closeTime = input.closeTime;
  const setHash = transactionSetHash(Buffer.from(input.previous.hash, "hex"), input.transactions);
  const ordered =
    input.order === undefined ? applyOrder(input.transactions, setHash) : inGivenOrder(input.transactions, input.order);
  state.highestNumbers = highestNumbers(ordered);
  const baseFeeStroops = ordered.length === 0 ? parameters.baseFeeStroops : ledgerBaseFee(ordered, parameters);

  const charged = ordered.map((tx) => {
    const mark = state.mark();
    const chargedStroops = chargeFee(state, tx, baseFeeStroops);
    return { tx, chargedStroops, feeChanges: state.changesSince(mark) };
  });
  const transactions = charged.map(({ tx, chargedStroops, feeChanges }) => ({
    ...applyTransaction(state, parameters, tx, { chargedStroops, baseFeeStroops }),
    tx,
    feeChanges,
  }));
  const changes = state.changesSince(0);
  const results = transactions.map(({ tx, result }): { hash: Uint8Array; result: xdr.TransactionResult } => ({
    hash: tx.contentsHash,
    result,
  }));
  const header = buildHeader(
    {
      sequence: state.ledgerSequence,
      closeTime: state.closeTime,
      previous: input.previous,
      transactionSetHash: setHash,
      results,
      changes,
      feePoolStroops: state.feePoolStroops,
    },
    parameters,
  );
  state.forgetUndo();
  return { header, transactions, changes, baseFeeStroops };
}

function inGivenOrder(transactions: readonly LedgerTransaction[], order: readonly string[]): LedgerTransaction[] {
  const byHash = new Map(transactions.map((tx) => [tx.hash, tx]));
  return order.flatMap((hash) => byHash.get(hash) ?? []);
}

function highestNumbers(transactions: readonly LedgerTransaction[]): ReadonlyMap<AccountId, bigint> {
  const highest = new Map<AccountId, bigint>();
  for (const tx of transactions) {
    const { sourceId, sequenceNumber } = innerOf(tx);
    if (sequenceNumber > (highest.get(sourceId) ?? -1n)) highest.set(sourceId, sequenceNumber);
  }
  return highest;
}
