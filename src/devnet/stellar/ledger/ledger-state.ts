import type { Account, AccountId, DataEntry } from "./account.ts";

/** Any entry of the ledger. */
export type LedgerRecord = Account | DataEntry;

/** One entry before and after a stretch of changes; undefined means that it did not exist. */
export interface RecordChange {
  readonly before: LedgerRecord | undefined;
  readonly after: LedgerRecord | undefined;
}

interface JournalEntry {
  readonly accountId: AccountId;
  /** Undefined for the account itself. */
  readonly dataName: string | undefined;
  readonly before: LedgerRecord | undefined;
}

/**
 * All entries of the ledger in memory with an undo log: a transaction that fails costs what it touched, not a copy of the
 * state. Every write dates the entry with the ledger being built.
 */
export interface LedgerState {
  /** Sequence of the ledger being built, or of the last one closed between closes. */
  ledgerSequence: number;
  /** Close time of that ledger, seconds since 1970. */
  closeTime: bigint;
  feePoolStroops: bigint;
  /** Highest sequence number of each source account among the transactions of that ledger. */
  highestNumbers: ReadonlyMap<AccountId, bigint>;
  account(id: AccountId): Account | undefined;
  data(id: AccountId, name: string): DataEntry | undefined;
  dataOf(id: AccountId): Iterable<DataEntry>;
  accounts(): Iterable<Account>;
  put(record: LedgerRecord): void;
  removeAccount(id: AccountId): void;
  removeData(id: AccountId, name: string): void;
  /** A point to which {@link LedgerState.rollback} can return. */
  mark(): number;
  rollback(mark: number): void;
  /** Net changes since a mark, in the order of first touch. */
  changesSince(mark: number): RecordChange[];
  /** Forgets the undo log: nothing before this can be rolled back. */
  forgetUndo(): void;
}

/** An empty ledger state. */
export function createLedgerState(): LedgerState {
  const accounts = new Map<AccountId, Account>();
  const dataByAccount = new Map<AccountId, Map<string, DataEntry>>();
  let journal: JournalEntry[] = [];

  const read = (accountId: AccountId, dataName: string | undefined): LedgerRecord | undefined =>
    dataName === undefined ? accounts.get(accountId) : dataByAccount.get(accountId)?.get(dataName);

  const write = (accountId: AccountId, dataName: string | undefined, record: LedgerRecord | undefined): void => {
    if (dataName === undefined) {
      if (record?.kind === "account") accounts.set(accountId, record);
      else accounts.delete(accountId);
      return;
    }
    let entries = dataByAccount.get(accountId);
    if (record?.kind === "data") {
      if (entries === undefined) {
        entries = new Map<string, DataEntry>();
        dataByAccount.set(accountId, entries);
      }
      entries.set(dataName, record);
    } else if (entries !== undefined) {
      entries.delete(dataName);
      if (entries.size === 0) dataByAccount.delete(accountId);
    }
  };

  const change = (accountId: AccountId, dataName: string | undefined, record: LedgerRecord | undefined): void => {
    journal.push({ accountId, dataName, before: read(accountId, dataName) });
    write(accountId, dataName, record);
  };

  const state: LedgerState = {
    ledgerSequence: 0,
    closeTime: 0n,
    feePoolStroops: 0n,
    highestNumbers: new Map(),
    account: (id) => accounts.get(id),
    data: (id, name) => dataByAccount.get(id)?.get(name),
    dataOf: (id) => dataByAccount.get(id)?.values() ?? [],
    accounts: () => accounts.values(),
    put(record) {
      const dated = { ...record, lastModifiedLedger: state.ledgerSequence };
      if (dated.kind === "account") change(dated.id, undefined, dated);
      else change(dated.accountId, dated.name, dated);
    },
    removeAccount: (id) => change(id, undefined, undefined),
    removeData: (id, name) => change(id, name, undefined),
    mark: () => journal.length,
    rollback(mark) {
      for (let entry = journal.length > mark ? journal.pop() : undefined; entry !== undefined;) {
        write(entry.accountId, entry.dataName, entry.before);
        entry = journal.length > mark ? journal.pop() : undefined;
      }
    },
    changesSince(mark) {
      const first = new Map<string, JournalEntry>();
      for (const entry of journal.slice(mark)) {
        const key = entry.dataName === undefined ? entry.accountId : `${entry.accountId}/${entry.dataName}`;
        if (!first.has(key)) first.set(key, entry);
      }
      const changes: RecordChange[] = [];
      for (const { accountId, dataName, before } of first.values()) {
        const after = read(accountId, dataName);
        if (before !== undefined || after !== undefined) changes.push({ before, after });
      }
      return changes;
    },
    forgetUndo() {
      journal = [];
    },
  };
  return state;
}

/**
 * Puts an entry back as it was stored, with its own date and outside the undo log; for loading a persisted ledger.
 */
export function restoreRecord(state: LedgerState, record: LedgerRecord): void {
  const sequence = state.ledgerSequence;
  state.ledgerSequence = record.lastModifiedLedger;
  state.put(record);
  state.ledgerSequence = sequence;
  state.forgetUndo();
}
