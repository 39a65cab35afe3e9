import type { ProgramReference, RunLimits } from "../../ports/engine.ts";
import type { Credit } from "../../wire/credits.ts";
import type { PastPrices } from "../program/past-prices.ts";
import type { SmartAccountWorker } from "../program/smart-account.ts";

/** What a smart account's entries and signers say, its state aside. */
export interface AccountTerms {
  readonly image: { readonly address: string; readonly digest?: string | undefined };
  readonly baseFeeStroops: bigint;
  readonly gasPriceStroops: bigint;
  readonly owner?: string | undefined;
  readonly workers: readonly SmartAccountWorker[];
}

/** What a history comes to after one of its records: all that checking the next one needs. */
export interface HistoryState {
  readonly recordCid: string;
  /** sha256 (hex) of what landed for the record. */
  readonly envelopeHash: string;
  /** How many records there are up to this one. */
  readonly count: number;
  /** How many of them ran something: transitions, and batches. */
  readonly transitions: number;
  readonly terms: AccountTerms;
  /** Prices that were changed since, at which payments may have been made that are not used yet. */
  readonly pastPrices: readonly PastPrices[];
  readonly state: string;
  /** `SPRF_TIME` of the last transition, seconds; 0 before the first. */
  readonly time: bigint;
  /** The ledger of the last transition's payment, than which it is not older; 0 before the first. */
  readonly lastLedger: number;
  /** What the program owes to users; absent when nothing. */
  readonly credits?: readonly Credit[] | undefined;
  /** The account's sequence after it; right after the account was made, only the ledger knows: it follows from its number. */
  readonly sequence?: bigint | undefined;
  /** The last record that ran something; absent before the first. */
  readonly lastRunCid?: string | undefined;
  /** How many claims of these records could not be confirmed any more (`UnconfirmedClaim` of the report). @default 0 */
  readonly unconfirmed?: number | undefined;
}

/** What all records of one history are checked against. */
export interface HistoryContext {
  readonly program: string;
  /** Passphrase of the Stellar network. */
  readonly network: string;
  /** The limits that runs on an engine ever had, the newest last; the seconds are the program's. */
  readonly limitTables: ReadonlyArray<Readonly<Record<ProgramReference["kind"], Omit<RunLimits, "timeoutMs">>>>;
}
