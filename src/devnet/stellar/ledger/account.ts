import type { LedgerParameters } from "./parameters.ts";
import { INT64_MAX } from "./parameters.ts";
import type { SignerKey } from "./signer-key.ts";

/** Raw ed25519 public key of an account, as lower-case hex. */
export type AccountId = string;

export interface AccountSigner {
  readonly key: SignerKey;
  readonly weight: number;
  /** The account whose reserve holds this signer, or null when the account itself does. */
  readonly sponsor: AccountId | null;
}

export interface Thresholds {
  readonly master: number;
  readonly low: number;
  readonly medium: number;
  readonly high: number;
}

/** An account entry; records are immutable and replaced as a whole, so that undo keeps only references. */
export interface Account {
  readonly kind: "account";
  readonly id: AccountId;
  readonly balanceStroops: bigint;
  readonly sequenceNumber: bigint;
  readonly subentryCount: number;
  readonly inflationDestination: AccountId | null;
  readonly flags: number;
  /** Bytes as latin1; the ledger admits printable ASCII only. */
  readonly homeDomain: string;
  readonly thresholds: Thresholds;
  /** Sorted by signer key. */
  readonly signers: readonly AccountSigner[];
  readonly sponsoringCount: number;
  readonly sponsoredCount: number;
  readonly sponsor: AccountId | null;
  /** Ledger and close time (seconds) of the last change of the sequence number; 0 before the first. */
  readonly sequenceLedger: number;
  readonly sequenceTime: bigint;
  /** Highest XDR extension the entry carries: 2 since its first sponsorship, 3 since its first transaction. */
  readonly extension: 0 | 2 | 3;
  readonly lastModifiedLedger: number;
}

/** A data entry of an account. */
export interface DataEntry {
  readonly kind: "data";
  readonly accountId: AccountId;
  /** Bytes as latin1. */
  readonly name: string;
  readonly value: Uint8Array;
  readonly sponsor: AccountId | null;
  readonly lastModifiedLedger: number;
}

/** Account authorisation flags (Stellar XDR, `AccountFlags`). */
export const AUTH_REVOCABLE = 0x2;
export const AUTH_IMMUTABLE = 0x4;
export const AUTH_CLAWBACK_ENABLED = 0x8;
export const ALL_ACCOUNT_FLAGS = 0xf;

/** A fresh account as `createAccount` makes it: master weight 1, thresholds 0. */
export function newAccount(id: AccountId, balanceStroops: bigint, sequenceNumber: bigint): Account {
  return {
    kind: "account",
    id,
    balanceStroops,
    sequenceNumber,
    subentryCount: 0,
    inflationDestination: null,
    flags: 0,
    homeDomain: "",
    thresholds: { master: 1, low: 0, medium: 0, high: 0 },
    signers: [],
    sponsoringCount: 0,
    sponsoredCount: 0,
    sponsor: null,
    sequenceLedger: 0,
    sequenceTime: 0n,
    extension: 0,
    lastModifiedLedger: 0,
  };
}

/** Balance that the account must keep for its entries and for those it sponsors. */
function minimumBalance(account: Account, parameters: LedgerParameters): bigint {
  const entries = 2 + account.subentryCount + account.sponsoringCount - account.sponsoredCount;
  return BigInt(entries) * parameters.baseReserveStroops;
}

/** What the account may spend above its reserve; negative when it is below. */
export function availableBalance(account: Account, parameters: LedgerParameters): bigint {
  return account.balanceStroops - minimumBalance(account, parameters);
}

/** The account with the amount added, or undefined when the sum leaves int64. */
export function credited(account: Account, amountStroops: bigint): Account | undefined {
  const balanceStroops = account.balanceStroops + amountStroops;
  return balanceStroops > INT64_MAX ? undefined : { ...account, balanceStroops };
}

/** The account after its sequence number was touched in a ledger (CAP-21: the change is dated). */
export function withSequence(account: Account, sequenceNumber: bigint, ledger: number, closeTime: bigint): Account {
  return { ...account, sequenceNumber, sequenceLedger: ledger, sequenceTime: closeTime, extension: 3 };
}
