/**
 * What the dashboard's server tells its app: both import this module and nothing else of each other. Amounts are decimal
 * digits in wei, since JSON has no integers of their size; rates are basis points.
 */

import type { ChannelView } from "./channel-types.ts";
import type { NodeView, NodesView } from "./node-types.ts";
import type { ProgramView } from "./program-types.ts";

/** Wei as decimal digits. */
export type Wei = string;

/** Where the index stands; changes with every block. */
export interface StatusView {
  readonly chainId: number;
  readonly block: number;
  /** The chain's own head when the index was brought there. */
  readonly head: number;
  readonly reorgs: number;
  /** The chain's node does not answer: what is shown is what it said last. */
  readonly isChainAway: boolean;
}

/** Addresses that a wallet's transactions go to. */
export interface ContractsView {
  readonly chainId: number;
  readonly dispatcher: string;
  readonly testers: string;
  readonly disputes: string;
  readonly twins: string;
}

/** A worker as one row of the market. */
export interface WorkerSummary {
  readonly workerId: number;
  readonly operator: string;
  readonly status: "active" | "paused" | "unregistered";
  readonly pricePerBlockWei: Wei;
  readonly maxLengthBlocks: number;
  readonly slots: number;
  readonly slotsUsed: number;
  /** Basis points. */
  readonly reputation: number;
  /** Basis points. */
  readonly uptime: number;
  readonly stakeWei: Wei;
  readonly earnedWei: Wei;
  readonly agreementsCompleted: number;
  /** Reputation after each of its latest records, oldest first. */
  readonly trend: readonly number[];
}

export type AgreementPhase = "running" | "ended" | "finalized";

/** An agreement as one row of a list; whether it runs still is for who knows the block ({@link phaseOf}). */
export interface AgreementSummary {
  readonly number: number;
  readonly address: string;
  readonly client: string;
  readonly workerIds: readonly number[];
  readonly startBlock: number;
  /** First block after the work. */
  readonly endBlock: number;
  readonly epochLength: number;
  readonly settledEpochs: number;
  readonly paidWei: Wei;
  readonly finalized: boolean;
}

export interface MarketView {
  readonly workers: readonly WorkerSummary[];
  /** Newest first. */
  readonly agreements: readonly AgreementSummary[];
  readonly contracts: ContractsView;
}

/** One thing that happened to a worker. */
export interface HistoryEntryView {
  readonly block: number;
  readonly timeSeconds: number;
  readonly transaction: string;
  readonly kind: string;
  /** Its number. */
  readonly agreement?: number | undefined;
  readonly epoch?: number | undefined;
  readonly outcome?: string | undefined;
  readonly amountWei?: Wei | undefined;
  /** After a record, in basis points. */
  readonly reputation?: number | undefined;
}

/** A reputation from a block on. */
export interface ReputationPoint {
  readonly block: number;
  readonly timeSeconds: number;
  /** Basis points. */
  readonly reputation: number;
}

export interface WorkerView {
  readonly worker: WorkerSummary & {
    readonly twinId: number;
    readonly lockedWei: Wei;
    readonly slashedWei: Wei;
    readonly unbondingWei: Wei;
    readonly epochsOk: number;
    readonly epochsUnreachable: number;
    readonly epochsWrong: number;
  };
  /** Oldest first. */
  readonly reputation: readonly ReputationPoint[];
  /** Newest first. */
  readonly history: readonly HistoryEntryView[];
  /** Newest first. */
  readonly agreements: readonly AgreementSummary[];
  readonly contracts: ContractsView;
}

export type OutcomeView = "pending" | "ok" | "unreachable" | "wrong" | "no-quorum" | "resigned";

export interface EpochView {
  readonly epoch: number;
  readonly fromBlock: number;
  /** First block after it. */
  readonly toBlock: number;
  readonly testers: readonly string[];
  /** Of each worker, in the order of the agreement's seats. */
  readonly outcomes: readonly OutcomeView[];
  readonly reports: number;
  readonly settledBlock?: number | undefined;
}

export interface SeatView {
  readonly workerId: number;
  readonly operator: string;
  readonly pricePerBlockWei: Wei;
  readonly resignedFrom?: number | undefined;
  /** By the settled epochs. */
  readonly paidWei: Wei;
  readonly epochsOk: number;
  readonly epochsUnreachable: number;
  readonly epochsWrong: number;
}

/** What a block moves in one span: all blocks of an epoch move the same. */
export interface FlowView {
  readonly fromBlock: number;
  /** First block after it. */
  readonly toBlock: number;
  readonly isSettled: boolean;
  /** To workers in each block; what is expected where it is not settled. */
  readonly toWorkersWei: Wei;
  readonly toTestersWei: Wei;
  /** Back to the client in each block. */
  readonly toClientWei: Wei;
}

/** What an agreement has credited an account with so far. */
export interface PayeeView {
  readonly account: string;
  readonly role: "worker" | "tester" | "client";
  readonly name: string;
  readonly paidWei: Wei;
}

export interface AgreementView extends AgreementSummary {
  readonly seats: readonly SeatView[];
  readonly testerCount: number;
  readonly testerFeePerEpochWei: Wei;
  readonly unsettledWei: Wei;
  readonly terminated: boolean;
  readonly createdBlock: number;
  /** The smart account it serves, as the ledger writes it. */
  readonly program?: string | undefined;
  readonly epochCount: number;
  /** Those that were opened or settled, oldest first. */
  readonly epochs: readonly EpochView[];
  readonly flow: readonly FlowView[];
  readonly payees: readonly PayeeView[];
}

/** Something that an account can take out with one transaction. */
export interface ClaimView {
  readonly from: "agreement" | "tester-fees" | "bonds" | "worker-stake" | "tester-stake";
  /** The contract that the transaction goes to. */
  readonly contract: string;
  /** Of the agreement, worker or tester. */
  readonly number?: number | undefined;
  readonly amountWei: Wei;
  /** First block in which it can be taken; 0 when it always can. */
  readonly releaseBlock: number;
}

export interface StatementLineView {
  readonly block: number;
  readonly timeSeconds: number;
  readonly transaction: string;
  readonly kind: string;
  readonly agreement?: number | undefined;
  readonly epoch?: number | undefined;
  readonly inWei: Wei;
  readonly outWei: Wei;
  readonly walletWei: Wei;
  readonly balanceWei: Wei;
  readonly heldWei: Wei;
}

export interface PaymentsView {
  readonly account: string;
  readonly twinId?: number | undefined;
  readonly nowWei: Wei;
  readonly claims: readonly ClaimView[];
  /** Newest first, at most {@link MAX_STATEMENT_LINES}. */
  readonly lines: readonly StatementLineView[];
  readonly lineCount: number;
  readonly contracts: ContractsView;
}

/** How many lines of a statement the app shows; `sprf market statement` has all. */
export const MAX_STATEMENT_LINES = 200;

/** Every topic's view. A topic is `<kind>` or `<kind>/<id>`. */
export interface Views {
  readonly status: StatusView;
  readonly market: MarketView;
  readonly worker: WorkerView;
  readonly agreement: AgreementView;
  readonly payments: PaymentsView;
  readonly program: ProgramView;
  readonly nodes: NodesView;
  readonly node: NodeView;
  readonly channel: ChannelView;
}

export type TopicKind = keyof Views;

/** Why a topic has no view: a code of `src/errors.ts`, and one line. */
export interface Problem {
  readonly code: string;
  readonly message: string;
}

/** One event of `GET /events?topics=<topic>,<topic>`: the whole of a topic as it is now, or why there is none. */
export type FeedMessage =
  { readonly topic: string; readonly view: unknown } | { readonly topic: string; readonly problem: Problem };

/** How many topics one page may follow. */
export const MAX_TOPICS = 8;

/** What an agreement does in a block. */
export function phaseOf({ finalized, endBlock }: AgreementSummary, block: number): AgreementPhase {
  if (finalized) return "finalized";
  return block < endBlock ? "running" : "ended";
}
