import type { ChainOptions, RevealedReport, TesterSeat } from "./chain.ts";

/** Blocks of an appeal panel's phases, first and last included. */
export interface PanelWindows {
  readonly seedBlock: number;
  readonly commitFrom: number;
  readonly commitTo: number;
  readonly revealFrom: number;
  readonly revealTo: number;
  /** First block in which the epoch is final. */
  readonly finalFrom: number;
}

/** Somebody doubts the `ok` of a tester for one worker. */
export interface Challenge {
  readonly challenger: string;
  readonly answered: boolean;
}

/** The request of a tester's probe (wire/execution-request.ts) but for its version, nonce and program, which the contract adds. */
export interface ProbeRequest {
  readonly network: string;
  readonly user: string;
  /** Empty when it has a CID. */
  readonly input: Uint8Array;
  readonly inputCid: string;
  readonly maxGas: bigint;
  readonly validUntil: bigint;
  /** Empty when it asks for no state. */
  readonly ifState: string;
}

/**
 * A worker's signed answer to a tester's probe (wire/execution-answer.ts). The contract writes the request itself, with the nonce that
 * the salt gives and the program that the agreement is bound to.
 */
export interface AnswerProof {
  /** 32 bytes. */
  readonly salt: Uint8Array;
  readonly request: ProbeRequest;
  readonly sequence: bigint;
  readonly previousState: string;
  readonly status: string;
  readonly outputCid: string;
  readonly newState: string;
  readonly gas: bigint;
  readonly recordCid: string;
  /** By the worker's message key, 65 bytes. */
  readonly signature: Uint8Array;
}

/** Appeals against outcomes, and challenges of reports; errors as {@link Chain} has them. */
export interface Disputes {
  /** What an appeal has to put up, in wei. */
  bondWei(agreement: string, options?: ChainOptions): Promise<bigint>;
  /** Appeals an epoch's outcome for one worker, as client, operator of the worker, or tester who said otherwise. */
  appeal(agreement: string, epoch: number, workerIndex: number, bondWei: bigint, options?: ChainOptions): Promise<void>;
  /** Indexes of the workers whose outcome was appealed. */
  appealedWorkers(agreement: string, epoch: number, options?: ChainOptions): Promise<readonly number[]>;
  /** A panel's phases, whether or not there is an appeal. */
  panelWindowsOf(agreement: string, epoch: number, options?: ChainOptions): Promise<PanelWindows>;
  /** The panel's testers with what they did; empty when it was not opened. */
  panelOf(agreement: string, epoch: number, options?: ChainOptions): Promise<readonly TesterSeat[]>;
  /** Accounts that `openPanel` would draw now; once opened, those drawn. Empty when it cannot be opened now. */
  previewPanel(agreement: string, epoch: number, options?: ChainOptions): Promise<readonly string[]>;
  openPanel(agreement: string, epoch: number, options?: ChainOptions): Promise<void>;
  /** Opens the panel, too, when nobody did. */
  commitToPanel(agreement: string, epoch: number, commitment: Uint8Array, options?: ChainOptions): Promise<void>;
  /** Brings what a tester of the panel committed to. */
  revealToPanel(agreement: string, epoch: number, report: RevealedReport, options?: ChainOptions): Promise<void>;
  /** Asks the tester of a seat to show the answer on which its `ok` for a worker rests; the bond is `missPenaltyWei`. */
  challenge(
    agreement: string,
    epoch: number,
    seat: number,
    workerIndex: number,
    bondWei: bigint,
    options?: ChainOptions,
  ): Promise<void>;
  challengeOf(
    agreement: string,
    epoch: number,
    seat: number,
    workerIndex: number,
    options?: ChainOptions,
  ): Promise<Challenge | undefined>;
  /** Indexes of the workers for whom a seat's report was challenged and nothing shown. */
  openChallenges(agreement: string, epoch: number, seat: number, options?: ChainOptions): Promise<readonly number[]>;
  /** Shows what the `ok` of a seat for a worker rests on. */
  answerChallenge(
    agreement: string,
    epoch: number,
    seat: number,
    workerIndex: number,
    proof: AnswerProof,
    options?: ChainOptions,
  ): Promise<void>;
  /** Bonds and rewards that an account can pull, in wei. */
  bondCreditWei(account: string, options?: ChainOptions): Promise<bigint>;
  /** Pulls this account's bonds and rewards; resolves with its wei. */
  withdrawBonds(options?: ChainOptions): Promise<bigint>;
}
