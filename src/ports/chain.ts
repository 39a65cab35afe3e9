import type { Disputes } from "./disputes.ts";

/** What one tester says of one worker for one epoch. */
export type Verdict = "ok" | "unreachable" | "wrong";

/** What an epoch means for one worker. */
export type Outcome = "pending" | "ok" | "unreachable" | "wrong" | "no-quorum" | "resigned";

export type AgreementStatus = "scheduled" | "running" | "reporting" | "due" | "finalized";

/** An identity: whoever knows it can encrypt to it, dial it and know that it is it. */
export interface Twin {
  readonly id: number;
  readonly account: string;
  /** 64 bytes, secp256k1. */
  readonly messageKey: Uint8Array;
  /** 32 bytes, ed25519. */
  readonly ledgerKey: Uint8Array;
}

export interface WorkerTerms {
  readonly pricePerBlockWei: bigint;
  readonly maxLengthBlocks: number;
  readonly slots: number;
  /** 32 bytes in hex with `0x`; zero is the general market. */
  readonly applicationType: string;
  /** 64 hex digits each. */
  readonly vettedDigests: readonly string[];
}

export interface WorkerEntry extends WorkerTerms {
  readonly workerId: number;
  readonly operator: string;
  readonly twinId: number;
  readonly status: "active" | "paused" | "unregistered";
  readonly listed: boolean;
  readonly slotsUsed: number;
  readonly stakeWei: bigint;
  readonly lockedWei: bigint;
  /** Number of the newest agreement that named the worker; absent when none did. */
  readonly lastAgreement?: number;
}

export interface PurchaseRequest {
  readonly redundancy: number;
  readonly lengthBlocks: number;
  readonly applicationType?: string;
  readonly maxPricePerBlockWei?: bigint;
  /** Basis points. */
  readonly minReputation?: number;
  readonly startAfterBlocks?: number;
  readonly testerCount?: 1 | 3 | 5 | 7;
  readonly testerFeePerEpochWei?: bigint;
}

export interface Purchase {
  readonly agreement: string;
  readonly paidWei: bigint;
  readonly transactionHash: string;
  readonly gasUsed: bigint;
}

/** The terms of an agreement, and where it ends as of now: extending and terminating it changes `endBlock` and `epochCount`. */
export interface Agreement {
  readonly address: string;
  /** Place among the market's agreements, counted from 1. */
  readonly number: number;
  readonly client: string;
  readonly workerIds: readonly number[];
  readonly workerTwinIds: readonly number[];
  readonly workerOperators: readonly string[];
  readonly pricesPerBlockWei: readonly bigint[];
  /** Number of each worker's agreement before this one, 0 when this is its first. */
  readonly previousAgreements: readonly number[];
  readonly startBlock: number;
  readonly epochLengthBlocks: number;
  /** First block after the work. */
  readonly endBlock: number;
  readonly testerCount: number;
  readonly testerFeePerEpochWei: bigint;
  readonly epochCount: number;
}

export interface AgreementState {
  readonly status: AgreementStatus;
  /** 32 bytes of the bound smart account's key; absent when none is bound. */
  readonly program?: Uint8Array;
  readonly settledEpochs: number;
}

/** Blocks of an epoch's phases, first and last included; a phase is empty when from > to. */
export interface EpochWindows {
  readonly from: number;
  readonly to: number;
  readonly commitFrom: number;
  readonly commitTo: number;
  readonly revealFrom: number;
  readonly revealTo: number;
  /** Appeals and challenges. */
  readonly appealFrom: number;
  readonly appealTo: number;
  /** First block in which the epoch is settled; later once it was appealed or challenged. */
  readonly finalFrom: number;
}

export interface TesterSeat {
  readonly tester: string;
  readonly testerId: number;
  readonly status: "drawn" | "committed" | "revealed";
  /** True when the tester was full when it was drawn: it owes nothing unless it commits. */
  readonly excused: boolean;
  /** True when it committed together with others. */
  readonly grouped: boolean;
  /** Empty until revealed. */
  readonly verdicts: readonly Verdict[];
}

/** What a tester committed to, for anybody to bring. */
export interface SeatReveal {
  /** Place among the testers of the epoch. */
  readonly seat: number;
  /** Whose commitment it is. */
  readonly tester: string;
  /** One for each worker, in the agreement's order. */
  readonly verdicts: readonly Verdict[];
  /** May be empty. */
  readonly evidenceCid: string;
  /** 32 bytes. */
  readonly salt: Uint8Array;
}

/** A tester's commitment that somebody else brings. */
export interface SignedCommit {
  readonly seat: number;
  /** 32 bytes. */
  readonly commitment: Uint8Array;
  /** 65 bytes, from {@link Chain.signCommit}. */
  readonly signature: Uint8Array;
}

/** What a tester revealed, as the chain recorded it. */
export type RevealedReport = Omit<SeatReveal, "seat">;

export interface TesterEntry {
  readonly testerId: number;
  readonly account: string;
  readonly twinId: number;
  /** Registered and not paused. */
  readonly active: boolean;
  readonly feePerEpochWei: bigint;
  readonly capacity: number;
  readonly duties: number;
  /** All that lies in the registry for it; `setAsideWei` backs duties, `unbondingWei` is leaving. */
  readonly stakeWei: bigint;
  readonly setAsideWei: bigint;
  readonly unbondingWei: bigint;
  readonly releaseBlock: number;
  /** Fees earned and not yet withdrawn. */
  readonly creditWei: bigint;
  readonly revealed: number;
  readonly missed: number;
  readonly overturned: number;
}

export interface Reputation {
  /** Basis points. */
  readonly reputation: number;
  readonly uptime: number;
  readonly epochsOk: number;
  readonly epochsUnreachable: number;
  readonly epochsWrong: number;
  readonly agreementsCompleted: number;
  /** Taken from the worker's locks so far, in wei. */
  readonly slashedWei: bigint;
}

export interface ChainOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * The market's contracts on Ethereum, as seen by one account. Every call fails with `CHAIN_UNREACHABLE` when the node cannot
 * be reached and `CHAIN_REVERTED` (message: the contract's own error and its values) when a contract refuses; a sent
 * transaction resolves once it is mined.
 */
export interface Chain extends Disputes {
  /** The account that signs; checksummed. */
  readonly account: string;
  /** EIP-155. */
  readonly chainId: bigint;
  blockNumber(options?: ChainOptions): Promise<number>;
  balanceWei(account: string, options?: ChainOptions): Promise<bigint>;
  /** What a unit of gas costs now, in wei: base fee and tip of the next block. */
  gasPriceWei(options?: ChainOptions): Promise<bigint>;
  /** Yields the latest block number whenever it grows; ends when `signal` aborts. Survives a node that comes back. */
  blocks(options?: ChainOptions): AsyncIterable<number>;

  /** Registers this account with its keys, or rotates them when they differ; proves possession of the message key. */
  ensureTwin(
    keys: { readonly messagePrivateKey: Uint8Array; readonly ledgerKey: Uint8Array },
    options?: ChainOptions,
  ): Promise<Twin>;
  twin(twinId: number, options?: ChainOptions): Promise<Twin>;
  twinOf(account: string, options?: ChainOptions): Promise<Twin | undefined>;
  /** Whose message key (64 bytes) this is. */
  twinOfKey(messageKey: Uint8Array, options?: ChainOptions): Promise<Twin | undefined>;

  registerWorker(terms: WorkerTerms, stakeWei: bigint, options?: ChainOptions): Promise<number>;
  updateWorker(workerId: number, terms: WorkerTerms, addStakeWei: bigint, options?: ChainOptions): Promise<void>;
  pauseWorker(workerId: number, options?: ChainOptions): Promise<void>;
  unpauseWorker(workerId: number, options?: ChainOptions): Promise<void>;
  worker(workerId: number, options?: ChainOptions): Promise<WorkerEntry | undefined>;
  /** The account's entry for an application type. */
  workerOf(account: string, applicationType: string, options?: ChainOptions): Promise<number | undefined>;
  workers(fromId: number, count: number, options?: ChainOptions): Promise<readonly WorkerEntry[]>;
  /** Least stake for these terms. */
  requiredStakeWei(terms: WorkerTerms, options?: ChainOptions): Promise<bigint>;
  reputationOf(workerId: number, options?: ChainOptions): Promise<Reputation>;
  /** What one epoch in which the worker is found wrong takes of the stake that the agreement locks, in wei. */
  slashWei(agreement: Agreement, workerIndex: number, options?: ChainOptions): Promise<bigint>;

  registerTester(
    terms: { readonly feePerEpochWei: bigint; readonly capacity: number },
    stakeWei: bigint,
    options?: ChainOptions,
  ): Promise<number>;
  testerOf(account: string, options?: ChainOptions): Promise<number | undefined>;
  tester(testerId: number, options?: ChainOptions): Promise<TesterEntry | undefined>;
  /** Least stake for this capacity. */
  requiredTesterStakeWei(capacity: number, options?: ChainOptions): Promise<bigint>;
  /** What a missed duty costs, and what challenging a report has to put up. */
  missPenaltyWei(options?: ChainOptions): Promise<bigint>;
  /** Pulls the fees that this account earned as a tester, of whatever agreements; resolves with its wei. */
  withdrawFees(options?: ChainOptions): Promise<bigint>;

  /** The most that the purchase can cost now, in wei. */
  quote(request: PurchaseRequest, options?: ChainOptions): Promise<bigint>;
  quoteWith(workerIds: readonly number[], lengthBlocks: number, options?: ChainOptions): Promise<bigint>;
  /** @throws SprfError `PURCHASE_REJECTED` when `valueWei` was too low: nothing was bought and all of it came back */
  buy(request: PurchaseRequest, valueWei: bigint, options?: ChainOptions): Promise<Purchase>;
  buyWith(
    workerIds: readonly number[],
    lengthBlocks: number,
    valueWei: bigint,
    options?: ChainOptions,
  ): Promise<Purchase>;

  /** How many agreements were made; they are numbered from 1. */
  agreementCount(options?: ChainOptions): Promise<number>;
  /** The address of an agreement, made or to be made. */
  agreementAt(number: number, options?: ChainOptions): Promise<string>;
  /** Agreements by number, from `fromNumber` on. */
  agreements(fromNumber: number, count: number, options?: ChainOptions): Promise<readonly string[]>;
  /** Undefined for an address that this market's dispatcher did not make. */
  agreement(address: string, options?: ChainOptions): Promise<Agreement | undefined>;
  agreementState(address: string, options?: ChainOptions): Promise<AgreementState>;
  /** First epoch in which an `ok` needs the worker's signed answer; undefined while no program is bound. */
  boundFrom(agreement: string, options?: ChainOptions): Promise<number | undefined>;

  bindProgram(agreement: string, ledgerKey: Uint8Array, options?: ChainOptions): Promise<void>;
  windowsOf(agreement: string, epoch: number, options?: ChainOptions): Promise<EpochWindows>;
  isOpen(agreement: string, epoch: number, options?: ChainOptions): Promise<boolean>;
  /** Accounts that `openEpoch` would draw; once opened, those drawn. Empty when it cannot be opened now. */
  previewTesters(agreement: string, epoch: number, options?: ChainOptions): Promise<readonly string[]>;
  seatsOf(agreement: string, epoch: number, options?: ChainOptions): Promise<readonly TesterSeat[]>;
  outcomesOf(agreement: string, epoch: number, options?: ChainOptions): Promise<readonly Outcome[]>;
  /** Outcomes as the reveals so far would make them, final or not. */
  tallyOf(agreement: string, epoch: number, options?: ChainOptions): Promise<readonly Outcome[]>;
  /** First epoch without the worker at this place of the agreement; absent while it has not resigned. */
  resignedFrom(agreement: string, workerIndex: number, options?: ChainOptions): Promise<number | undefined>;
  /** What the testers of an epoch have revealed so far, with their evidence. */
  reportsOf(agreement: string, epoch: number, options?: ChainOptions): Promise<readonly RevealedReport[]>;
  /** What the testers of an epoch have committed to so far, alone or together. */
  commitmentsOf(
    agreement: string,
    epoch: number,
    options?: ChainOptions,
  ): Promise<ReadonlyArray<{ readonly tester: string; readonly commitment: Uint8Array }>>;
  /** 32 bytes: hash of the block that the epoch's testers were drawn by. Undefined while it is not open. */
  epochSeed(agreement: string, epoch: number, options?: ChainOptions): Promise<Uint8Array | undefined>;
  openEpoch(agreement: string, epoch: number, options?: ChainOptions): Promise<void>;
  /** Opens the epoch, too, when nobody did. */
  commit(agreement: string, epoch: number, commitment: Uint8Array, options?: ChainOptions): Promise<void>;
  /** This account's EIP-712 signature under its commitment, 65 bytes, with which somebody else brings it. */
  signCommit(agreement: string, epoch: number, commitment: Uint8Array, options?: ChainOptions): Promise<Uint8Array>;
  /** Brings commitments of several testers at once, in ascending order of seats; once an epoch. */
  commitMany(agreement: string, epoch: number, commits: readonly SignedCommit[], options?: ChainOptions): Promise<void>;
  /** Reveals a seat that committed alone. */
  reveal(agreement: string, epoch: number, report: SeatReveal, options?: ChainOptions): Promise<void>;
  /**
   * Reveals several seats at once.
   *
   * @param group - all commitments of `commitMany` in their order; empty when no seat of `reports` was in it
   */
  revealMany(
    agreement: string,
    epoch: number,
    group: readonly Uint8Array[],
    reports: readonly SeatReveal[],
    options?: ChainOptions,
  ): Promise<void>;
  /** Adds blocks of work to this account's agreement. */
  extend(agreement: string, lengthBlocks: number, valueWei: bigint, options?: ChainOptions): Promise<void>;
  /** Ends this account's agreement after the epoch that follows the running one; what it does not use is credited at once. */
  terminate(agreement: string, options?: ChainOptions): Promise<void>;
  /** Takes this account's worker out: it is paid neither for the running epoch nor for those to come. */
  resign(agreement: string, workerIndex: number, options?: ChainOptions): Promise<void>;
  /** Takes at most `maxEpochs` final epochs and credits their shares. */
  settle(agreement: string, maxEpochs: number, options?: ChainOptions): Promise<void>;
  /** Settles what is left, at most 64 epochs, and reports to the dispatcher. */
  finalize(agreement: string, options?: ChainOptions): Promise<void>;
  creditWei(agreement: string, account: string, options?: ChainOptions): Promise<bigint>;
  /** Pulls this account's credit as client or worker; resolves with its wei. */
  withdraw(agreement: string, options?: ChainOptions): Promise<bigint>;
}
