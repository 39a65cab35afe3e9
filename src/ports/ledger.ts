export interface LedgerSigner {
  /** `G...` of an ed25519 signer; other kinds as their StrKey. */
  readonly key: string;
  readonly weight: number;
}

export interface LedgerThresholds {
  readonly master: number;
  readonly low: number;
  readonly medium: number;
  readonly high: number;
}

export interface LedgerAccount {
  readonly id: string;
  readonly sequence: bigint;
  /** When the sequence moved last, in seconds since the Unix epoch; undefined when it did not since the account was made. */
  readonly sequenceTime?: number;
  readonly balanceStroops: bigint;
  /** Balance less reserve and selling liabilities. */
  readonly spendableStroops: bigint;
  readonly thresholds: LedgerThresholds;
  readonly signers: readonly LedgerSigner[];
}

/** One data entry and the ledger that changed it last. */
export interface LedgerDataEntry {
  readonly value: Uint8Array;
  readonly lastModifiedLedger: number;
}

/** An account and the named data entries, read at one ledger. */
export interface AccountSnapshot {
  readonly account: LedgerAccount;
  readonly data: ReadonlyMap<string, LedgerDataEntry>;
  readonly ledger: number;
}

export interface LedgerHeader {
  readonly sequence: number;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** Seconds since the Unix epoch. */
  readonly closeTime: number;
}

/** A transaction that a ledger holds. */
export interface LandedTransaction {
  /** Hex; of the fee bump where there is one. */
  readonly hash: string;
  readonly successful: boolean;
  readonly ledger: number;
  readonly closeTime: number;
  /** Base64, as it landed, with its signatures. */
  readonly envelopeXdr: string;
  readonly resultXdr: string;
}

export type SubmitResult =
  | { readonly status: "pending" | "duplicate"; readonly hash: string }
  | { readonly status: "try-again-later"; readonly hash: string }
  /** `code` as the ledger names it: `tx_bad_seq`, `tx_bad_auth_extra`, ... */
  | { readonly status: "refused"; readonly hash: string; readonly code: string; readonly resultXdr: string };

export interface LedgerOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * The Stellar network. Every call fails with `LEDGER_UNREACHABLE` when the service cannot be reached or answers nonsense;
 * absence is `undefined`, never an error.
 */
export interface Ledger {
  readonly networkPassphrase: string;
  latest(options?: LedgerOptions): Promise<{ readonly sequence: number }>;
  account(id: string, dataNames: readonly string[], options?: LedgerOptions): Promise<AccountSnapshot | undefined>;
  transaction(hash: string, options?: LedgerOptions): Promise<LandedTransaction | undefined>;
  header(sequence: number, options?: LedgerOptions): Promise<LedgerHeader | undefined>;
  /** All transactions of ledgers `from` to `to`, in order of application, page by page. */
  transactions(from: number, to: number, options?: LedgerOptions): AsyncIterable<LandedTransaction>;
  submit(envelopeXdr: string, options?: LedgerOptions): Promise<SubmitResult>;
}
