import type { AuditFault } from "../domain/audit/fault.ts";

/** A transaction of a history that is wrong, what is wrong with it, and who signed it. */
export interface WrongLink {
  /** The how-manieth record of the history it is, from 1; 0 when the records before it cannot be reached. */
  readonly number: number;
  readonly kind: string;
  /** Absent for a transaction without a record. */
  readonly recordCid?: string;
  /** Hash (hex) of its transaction, where that can be read. */
  readonly transactionHash?: string;
  /** Its sequence number, where its transaction can be read. */
  readonly sequence?: bigint;
  readonly faults: readonly AuditFault[];
  readonly signedBy: ReadonlyArray<{ readonly ledgerKey: string; readonly address?: string }>;
}

/** A record or transition that could not be checked, and why. */
export interface UncheckedLink {
  readonly number: number;
  readonly recordCid: string;
  /** A code of `src/errors.ts`: `PROGRAM_NOT_FOUND` when its image is gone, `CONTENT_NOT_FOUND` when something else is. */
  readonly code: string;
  readonly message: string;
}

/** What a record claims, nothing in the history proves, and the ledger no longer shows; it is taken as it stands. */
export interface UnconfirmedClaim {
  readonly number: number;
  readonly recordCid: string;
  readonly message: string;
}

/** What an audit came to. */
export interface AuditReport {
  readonly program: string;
  /**
   * `clean`: all of it was checked and is right. `wrong`: something is not. `incomplete`: what could be checked is right, but not
   * all of it could.
   */
  readonly outcome: "clean" | "wrong" | "incomplete";
  /** The ledger at which the account was read. */
  readonly ledger: number;
  /** The newest record. */
  readonly tip: string;
  /** Records of the history whose chain was followed, with those of earlier audits. */
  readonly records: number;
  /** Of these, transitions and batches. */
  readonly transitions: number;
  /** Of the transitions and batches, how many this audit ran again. */
  readonly ran: number;
  /** How many of them earlier audits had run again. */
  readonly known: number;
  /** How many were left out on request. */
  readonly leftOut: number;
  /** Payments of those that were run now that the ledger still holds. */
  readonly paymentsSeen: number;
  readonly wrong?: WrongLink;
  readonly uncheckedCount: number;
  /** Whether an image is among what is gone. */
  readonly imagesGone: boolean;
  /** The first of what could not be checked. */
  readonly unchecked: readonly UncheckedLink[];
  /** How many claims of these records could not be confirmed, with those of earlier audits. */
  readonly unconfirmedCount: number;
  /** The first of those that this audit came upon. */
  readonly unconfirmed: readonly UnconfirmedClaim[];
}

/** How far an audit has come. */
export type AuditProgress =
  | { readonly phase: "records"; readonly done: number }
  | { readonly phase: "runs"; readonly done: number; readonly total: number };
