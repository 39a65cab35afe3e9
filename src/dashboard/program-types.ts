/** What the dashboard shows of a program. Amounts are decimal digits in stroops, gas and sequence decimal digits. */

/** Bytes as people look at them. */
export interface BytesView {
  readonly bytes: number;
  /** The first of them, where they are text. */
  readonly text?: string | undefined;
  /** The text goes on. */
  readonly isCut: boolean;
}

/** What a run was given. */
export type InputView =
  | ({ readonly kind: "inline" } & BytesView)
  /** It travels by its CID; `GET /api/programs/<program>/content/<cid>` has it. */
  | { readonly kind: "cid"; readonly cid: string };

/** A transaction of the ledger. */
export interface TransactionView {
  /** Hex. */
  readonly hash: string;
  /** Of an explorer, where the network is a public one. */
  readonly url?: string | undefined;
}

/** One request that a step ran. */
export interface RunView {
  readonly user: string;
  readonly input: InputView;
  readonly outputCid: string;
  readonly status: "accepted" | "rejected" | "out-of-gas";
  readonly gas: string;
  /** Besides the base fee. */
  readonly feeStroops: string;
  readonly payment: TransactionView;
}

/** A worker that might have signed a step. */
export interface SignerView {
  readonly ledgerKey: string;
  readonly address: string;
  readonly signed: boolean;
}

/** One transaction of a program's history. */
export interface StepView {
  readonly recordCid: string;
  readonly kind: string;
  /** The smart account's sequence that it was made on; absent for the one that made the account. */
  readonly sequence?: string | undefined;
  /** `SPRF_TIME` of its last run; 0 before the first. */
  readonly timeSeconds: number;
  /** CID of the state after it. */
  readonly state: string;
  /** Of the state before it, where it ran something. */
  readonly previousState?: string | undefined;
  readonly runs: readonly RunView[];
  readonly transaction: TransactionView;
  /** The workers of that time; empty where they are not known. */
  readonly signers: readonly SignerView[];
  /** How many of them have to sign. */
  readonly majority: number;
  /** Signatures of others: who pays, or its owner. */
  readonly otherSignatures: number;
  /** Whether it ran something, which can be run again. */
  readonly isRun: boolean;
}

/** Steps from one on back to the creation. */
export interface StepPage {
  /** The newest first. */
  readonly steps: readonly StepView[];
  /** What `after` of the next page is; absent when the history ends here. */
  readonly next?: string | undefined;
}

/** A program as its account says it now, with its newest steps. */
export interface ProgramView extends StepPage {
  readonly program: string;
  readonly network: { readonly passphrase: string; readonly isPublic: boolean };
  readonly accountUrl?: string | undefined;
  readonly engine: "wasi" | "docker";
  readonly image: string;
  readonly state: string;
  readonly sequence: string;
  readonly ledger: number;
  readonly baseFeeStroops: string;
  readonly gasPriceStroops: string;
  readonly spendableStroops: string;
  readonly owner?: string | undefined;
  readonly workers: readonly { readonly address: string; readonly ledgerKey: string }[];
  readonly majority: number;
}

/** What a run came to. */
export interface ResultView {
  readonly status: string;
  readonly state: string;
  readonly outputCid: string;
  readonly gas: string;
}

/** What came of running a step again. */
export interface RerunView {
  readonly recordCid: string;
  /** `failed`: it could not be run here, which says nothing about the record. */
  readonly outcome: "equal" | "differs" | "failed";
  readonly tookMs: number;
  /** How many of its runs were made again; the one that is shown is the last of them. */
  readonly ran: number;
  readonly runs: number;
  readonly landed?: ResultView | undefined;
  readonly own?: ResultView | undefined;
  /** A code of `src/errors.ts`, and one line. */
  readonly problem?: { readonly code: string; readonly message: string } | undefined;
}
