import { DatabaseSync } from "node:sqlite";

import { xdr } from "@stellar/stellar-sdk";

import { messageOf, SprfError } from "../../../errors.ts";
import { changesToXdr, recordFromXdr, recordKeyToXdr, recordToXdr } from "../ledger/account-xdr.ts";
import type { ClosedLedger, LedgerEntryOfTransaction } from "../ledger/close-ledger.ts";
import type { LedgerHeader } from "../ledger/ledger-header.ts";
import { withHash } from "../ledger/ledger-header.ts";
import type { LedgerRecord } from "../ledger/ledger-state.ts";
import { isSuccess } from "../ledger/results.ts";
import { innerOf } from "../ledger/transaction.ts";
import { transactionMeta } from "./transaction-meta.ts";

/** A ledger as it is kept. */
export interface StoredLedger {
  readonly sequence: number;
  /** Seconds since 1970. */
  readonly closeTime: number;
  readonly hash: string;
  /** XDR of the header. */
  readonly header: Uint8Array;
}

/** A transaction as it is kept; all byte fields are XDR. */
export interface StoredTransaction {
  readonly ledger: number;
  readonly closeTime: number;
  /** Place in its ledger, from 1. */
  readonly position: number;
  readonly hash: string;
  readonly feeBump: boolean;
  readonly successful: boolean;
  readonly envelope: Uint8Array;
  readonly result: Uint8Array;
  readonly meta: Uint8Array;
  readonly feeMeta: Uint8Array;
}

/** The history of closed ledgers and the entries of the last one. */
export interface LedgerStore {
  /** Where an earlier run ended, or undefined for a new store. */
  restore(): { readonly header: LedgerHeader; readonly records: readonly LedgerRecord[] } | undefined;
  /** Writes everything that a close made, all or nothing. */
  save(closed: ClosedLedger): void;
  latest(): StoredLedger;
  oldest(): StoredLedger;
  ledgers(from: number, limit: number): StoredLedger[];
  /** By outer or inner hash. */
  transaction(hash: string): StoredTransaction | undefined;
  /** Transactions from a place on, in the order of application across ledgers. */
  transactions(fromLedger: number, fromPosition: number, limit: number): StoredTransaction[];
  /** All transactions of one ledger. */
  transactionsOf(ledger: number): StoredTransaction[];
  /** Fees charged for an operation in the last so many ledgers, ascending. */
  operationFees(ledgers: number): number[];
  close(): void;
}

/** Ledgers of which the history is kept: seven days of five seconds each, as a Stellar RPC server keeps by default. */
export const RETAINED_LEDGERS = 120_960;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS network (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS ledgers (
    sequence INTEGER PRIMARY KEY, close_time INTEGER NOT NULL, hash TEXT NOT NULL, header BLOB NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS transactions (
    ledger INTEGER NOT NULL, position INTEGER NOT NULL, hash TEXT NOT NULL, inner_hash TEXT,
    fee_bump INTEGER NOT NULL, successful INTEGER NOT NULL, operation_fee INTEGER NOT NULL,
    envelope BLOB NOT NULL, result BLOB NOT NULL, meta BLOB NOT NULL, fee_meta BLOB NOT NULL,
    PRIMARY KEY (ledger, position)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS transactions_by_hash ON transactions (hash);
  CREATE INDEX IF NOT EXISTS transactions_by_inner_hash ON transactions (inner_hash) WHERE inner_hash IS NOT NULL;
  CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, entry BLOB NOT NULL) STRICT;
`;

const TRANSACTION_COLUMNS = `ledger, close_time AS closeTime, position, transactions.hash AS hash,
  fee_bump AS feeBump, successful, envelope, result, meta, fee_meta AS feeMeta`;

/**
 * Opens a store in a SQLite file, or in memory without path. A close is one transaction that is on the disk before anybody is
 * told of it, so a process that is killed at any instant, or a machine that loses its power, leaves the last whole ledger
 * behind.
 *
 * @throws SprfError `CONFIG_INVALID` when the file cannot be opened, another process has it, it is something else, or it
 * belongs to a network with another passphrase.
 */
export function openLedgerStore(path: string | undefined, networkPassphrase: string): LedgerStore {
  let db: DatabaseSync | undefined;
  try {
    db = openDatabase(path);
    checkNetwork(db, networkPassphrase);
    return storeOn(db);
  } catch (error) {
    db?.close();
    if (error instanceof SprfError) throw error;
    const what = `cannot keep the development ledger in ${String(path)}: ${messageOf(error)}`;
    throw new SprfError("CONFIG_INVALID", what, { cause: error });
  }
}

function openDatabase(path: string | undefined): DatabaseSync {
  const db = new DatabaseSync(path ?? ":memory:");
  try {
    // FULL costs a few milliseconds a close (docs/adr/0015): what a client was told had landed survives a power cut too.
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    db.exec(SCHEMA);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function checkNetwork(db: DatabaseSync, networkPassphrase: string): void {
  db.prepare("INSERT OR IGNORE INTO network (key, value) VALUES ('passphrase', ?)").run(networkPassphrase);
  const row = db.prepare("SELECT value FROM network WHERE key = 'passphrase'").get();
  if (row?.["value"] !== networkPassphrase) {
    throw new SprfError("CONFIG_INVALID", `the stored ledger belongs to the network "${String(row?.["value"])}"`);
  }
}

function storeOn(db: DatabaseSync): LedgerStore {
  const insertLedger = db.prepare("INSERT INTO ledgers (sequence, close_time, hash, header) VALUES (?, ?, ?, ?)");
  const insertTransaction = db.prepare(`INSERT INTO transactions
    (ledger, position, hash, inner_hash, fee_bump, successful, operation_fee, envelope, result, meta, fee_meta)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const putEntry = db.prepare("INSERT OR REPLACE INTO entries (key, entry) VALUES (?, ?)");
  const deleteEntry = db.prepare("DELETE FROM entries WHERE key = ?");
  const forgetLedgers = db.prepare("DELETE FROM ledgers WHERE sequence <= ?");
  const forgetTransactions = db.prepare("DELETE FROM transactions WHERE ledger <= ?");
  const ledgerColumns = "SELECT sequence, close_time AS closeTime, hash, header FROM ledgers";
  const selectLatest = db.prepare(`${ledgerColumns} ORDER BY sequence DESC LIMIT 1`);
  const selectOldest = db.prepare(`${ledgerColumns} ORDER BY sequence LIMIT 1`);
  const selectLedgers = db.prepare(`${ledgerColumns} WHERE sequence >= ? ORDER BY sequence LIMIT ?`);
  const fromTransactions = `SELECT ${TRANSACTION_COLUMNS} FROM transactions JOIN ledgers ON sequence = ledger`;
  const selectByHash = db.prepare(
    `${fromTransactions} WHERE transactions.hash = ?1 OR inner_hash = ?1 ORDER BY ledger DESC, position DESC LIMIT 1`,
  );
  const selectTransactions = db.prepare(
    `${fromTransactions} WHERE (ledger, position) >= (?, ?) ORDER BY ledger, position LIMIT ?`,
  );
  const selectOfLedger = db.prepare(`${fromTransactions} WHERE ledger = ? ORDER BY position`);
  const selectFees = db.prepare(
    "SELECT operation_fee AS fee FROM transactions WHERE ledger > (SELECT max(sequence) FROM ledgers) - ? ORDER BY fee",
  );

  const writeTransaction = (ledger: number, position: number, entry: LedgerEntryOfTransaction): void => {
    const { tx, result } = entry;
    insertTransaction.run(
      ledger,
      position,
      tx.hash,
      tx.kind === "feeBump" ? tx.inner.hash : null,
      tx.kind === "feeBump" ? 1 : 0,
      isSuccess(result) ? 1 : 0,
      result.feeCharged / BigInt(Math.max(1, innerOf(tx).operations.length)),
      tx.envelopeBytes,
      result.toXdr(),
      transactionMeta(entry).toXdr(),
      xdr.encodeArray(xdr.LedgerEntryChange, changesToXdr(entry.feeChanges)),
    );
  };

  const write = ({ header, transactions, changes }: ClosedLedger): void => {
    insertLedger.run(header.sequence, header.closeTime, header.hash, header.header.toXdr());
    for (const [i, entry] of transactions.entries()) writeTransaction(header.sequence, i + 1, entry);
    for (const { before, after } of changes) {
      if (after !== undefined) putEntry.run(recordKeyToXdr(after).toXdr(), recordToXdr(after).toXdr());
      else if (before !== undefined) deleteEntry.run(recordKeyToXdr(before).toXdr());
    }
    forgetLedgers.run(header.sequence - RETAINED_LEDGERS);
    forgetTransactions.run(header.sequence - RETAINED_LEDGERS);
  };

  const one = (row: Row | undefined): StoredLedger => {
    if (row === undefined) throw new SprfError("INTERNAL", "the development ledger has no ledger yet");
    return ledgerOf(row);
  };

  return {
    restore() {
      const row = selectLatest.get();
      if (row === undefined) return undefined;
      try {
        const entries = db.prepare("SELECT entry FROM entries").all();
        const records = entries.map(({ entry }) => recordFromXdr(xdr.LedgerEntry.fromXdr(bytes(entry))));
        return {
          header: withHash(xdr.LedgerHeader.fromXdr(ledgerOf(row).header)),
          records: records.filter((record) => record !== undefined),
        };
      } catch (error) {
        const what = `the development ledger's file is damaged: ${messageOf(error)}`;
        throw new SprfError("CONFIG_INVALID", what, { cause: error });
      }
    },
    save(closed) {
      db.exec("BEGIN IMMEDIATE");
      try {
        write(closed);
        db.exec("COMMIT");
      } catch (error) {
        db.exec("ROLLBACK");
        throw error;
      }
    },
    latest: () => one(selectLatest.get()),
    oldest: () => one(selectOldest.get()),
    ledgers: (from, limit) => selectLedgers.all(from, limit).map(ledgerOf),
    transaction(hash) {
      const row = selectByHash.get(hash);
      return row === undefined ? undefined : transactionOf(row);
    },
    transactions: (fromLedger, fromPosition, limit) =>
      selectTransactions.all(fromLedger, fromPosition, limit).map(transactionOf),
    transactionsOf: (ledger) => selectOfLedger.all(ledger).map(transactionOf),
    operationFees: (ledgers) => selectFees.all(ledgers).map(({ fee }) => Number(fee)),
    close: () => db.close(),
  };
}

type Row = Record<string, unknown>;

function ledgerOf(row: Row): StoredLedger {
  return {
    sequence: Number(row["sequence"]),
    closeTime: Number(row["closeTime"]),
    hash: String(row["hash"]),
    header: bytes(row["header"]),
  };
}

function transactionOf(row: Row): StoredTransaction {
  return {
    ledger: Number(row["ledger"]),
    closeTime: Number(row["closeTime"]),
    position: Number(row["position"]),
    hash: String(row["hash"]),
    feeBump: row["feeBump"] === 1,
    successful: row["successful"] === 1,
    envelope: bytes(row["envelope"]),
    result: bytes(row["result"]),
    meta: bytes(row["meta"]),
    feeMeta: bytes(row["feeMeta"]),
  };
}

function bytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new SprfError("INTERNAL", "the development ledger's file is damaged");
  return value;
}
