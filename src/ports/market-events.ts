import type { Outcome, WorkerTerms } from "./chain.ts";

/** What is fixed in an agreement beside its event: read from the agreement itself. */
export interface AgreementTerms {
  readonly epochLength: number;
  readonly testerCount: number;
  readonly testerFeePerEpochWei: bigint;
  /** In the order of the event's `workerIds`. */
  readonly seats: ReadonlyArray<{
    readonly workerId: number;
    readonly operator: string;
    readonly pricePerBlockWei: bigint;
  }>;
}

/** What the contract of identities says (contracts/interfaces/ITwins.sol). */
export type TwinsEvent =
  | { readonly name: "TwinRegistered"; readonly twinId: number; readonly account: string }
  | { readonly name: "TwinUpdated"; readonly twinId: number; readonly account: string; readonly version: number };

/** What the dispatcher says of workers and purchases (contracts/interfaces/IWorkerDispatcher.sol). */
export type DispatcherEvent =
  | {
      readonly name: "WorkerRegistered";
      readonly workerId: number;
      readonly operator: string;
      readonly twinId: number;
      readonly terms: WorkerTerms;
      readonly stakeWei: bigint;
    }
  | {
      readonly name: "WorkerUpdated";
      readonly workerId: number;
      readonly terms: WorkerTerms;
      /** All of the worker's stake after the update. */
      readonly stakeWei: bigint;
    }
  | { readonly name: "WorkerPaused"; readonly workerId: number }
  | { readonly name: "WorkerUnpaused"; readonly workerId: number }
  | { readonly name: "WorkerUnregistered"; readonly workerId: number }
  | { readonly name: "StakeAdded"; readonly workerId: number; readonly amountWei: bigint }
  | {
      readonly name: "StakeUnbonding";
      readonly workerId: number;
      readonly amountWei: bigint;
      readonly releaseBlock: number;
    }
  | {
      readonly name: "StakeWithdrawn";
      readonly workerId: number;
      readonly operator: string;
      readonly amountWei: bigint;
    }
  | {
      readonly name: "WorkerAssigned";
      readonly workerId: number;
      readonly agreement: string;
      readonly lockWei: bigint;
    }
  | {
      readonly name: "LockExtended";
      readonly workerId: number;
      readonly agreement: string;
      /** All that the agreement locks now. */
      readonly lockWei: bigint;
    }
  | {
      readonly name: "WorkerReleased";
      readonly workerId: number;
      readonly agreement: string;
      /** What a slash left of the lock. */
      readonly unlockedWei: bigint;
    }
  | {
      readonly name: "WorkerSlashed";
      readonly workerId: number;
      readonly agreement: string;
      readonly amountWei: bigint;
      /** What of it goes to the client; the rest is burnt. */
      readonly toClientWei: bigint;
    }
  | {
      readonly name: "AgreementCreated";
      readonly agreement: string;
      readonly client: string;
      /** Place among the market's agreements. */
      readonly number: number;
      readonly applicationType: string;
      readonly workerIds: readonly number[];
      readonly startBlock: number;
      readonly lengthBlocks: number;
      readonly paidWei: bigint;
      readonly terms: AgreementTerms;
    }
  | {
      readonly name: "PurchaseRejected";
      readonly client: string;
      readonly requiredWei: bigint;
      readonly sentWei: bigint;
    }
  | { readonly name: "AgreementFinalized"; readonly agreement: string };

/** What the registry of testers says (contracts/interfaces/ITesterRegistry.sol). */
export type TesterEvent =
  | {
      readonly name: "TesterRegistered";
      readonly testerId: number;
      readonly account: string;
      readonly feePerEpochWei: bigint;
      readonly capacity: number;
      /** All of its stake that is not unbonding. */
      readonly stakeWei: bigint;
    }
  | {
      readonly name: "TesterUpdated";
      readonly testerId: number;
      readonly feePerEpochWei: bigint;
      readonly capacity: number;
      /** All of its stake that is not unbonding, after the update. */
      readonly stakeWei: bigint;
    }
  | { readonly name: "TesterUnregistered"; readonly testerId: number }
  | {
      readonly name: "TesterStakeUnbonding";
      readonly testerId: number;
      readonly amountWei: bigint;
      readonly releaseBlock: number;
    }
  | {
      readonly name: "TesterStakeWithdrawn";
      readonly testerId: number;
      readonly account: string;
      readonly amountWei: bigint;
    }
  | {
      readonly name: "DutyMissed";
      readonly testerId: number;
      readonly agreement: string;
      readonly penaltyWei: bigint;
    }
  | {
      readonly name: "TesterCharged";
      readonly testerId: number;
      readonly agreement: string;
      readonly amountWei: bigint;
      /** For a verdict that an appeal overturned; else for a report that was not shown. */
      readonly overturned: boolean;
    }
  | {
      readonly name: "FeesWithdrawn";
      readonly testerId: number;
      readonly account: string;
      readonly amountWei: bigint;
    };

/** What an agreement says, and what anybody can say who imitates one (contracts/interfaces/IWorkAgreement.sol). */
export type AgreementEvent =
  | { readonly name: "ProgramBound"; /** 32 bytes in hex with `0x`. */ readonly ledgerAccount: string }
  | { readonly name: "EpochOpened"; readonly epoch: number; readonly testers: readonly string[] }
  | {
      readonly name: "EpochSettled";
      readonly epoch: number;
      /** In the order of the agreement's workers. */
      readonly outcomes: readonly Outcome[];
      /** Places, among the testers of the epoch, whose report stands. */
      readonly reported: readonly number[];
    }
  | {
      readonly name: "Extended";
      /** All blocks that were bought. */
      readonly lengthBlocks: number;
      readonly paidWei: bigint;
      /** Sent beyond, and credited to the client. */
      readonly surplusWei: bigint;
    }
  | {
      readonly name: "Terminated";
      /** First block after the work. */
      readonly endBlock: number;
      readonly refundWei: bigint;
    }
  | {
      readonly name: "WorkerResigned";
      readonly workerIndex: number;
      /** First epoch without it. */
      readonly epoch: number;
    }
  | { readonly name: "Withdrawn"; readonly account: string; readonly amountWei: bigint }
  | { readonly name: "Finalized" };

/** What the records of workers say (contracts/interfaces/IWorkerRecords.sol). */
export interface RecordEvent {
  readonly name: "RecordAdded";
  readonly workerId: number;
  readonly client: string;
  readonly weightOkWei: bigint;
  readonly weightWei: bigint;
}

/** What appeals and challenges say (contracts/interfaces/IDisputes.sol). */
export type DisputeEvent =
  | {
      readonly name: "Appealed";
      readonly agreement: string;
      readonly epoch: number;
      readonly workerIndex: number;
      readonly appellant: string;
    }
  | { readonly name: "PanelRevealed"; readonly agreement: string; readonly epoch: number; readonly tester: string }
  | {
      readonly name: "AppealResolved";
      readonly agreement: string;
      readonly epoch: number;
      readonly workerIndex: number;
      readonly outcome: Outcome;
      readonly overturned: boolean;
    }
  | {
      readonly name: "Challenged";
      readonly agreement: string;
      readonly epoch: number;
      readonly seat: number;
      readonly workerIndex: number;
      readonly challenger: string;
    }
  | {
      readonly name: "ChallengeAnswered";
      readonly agreement: string;
      readonly epoch: number;
      readonly seat: number;
      readonly workerIndex: number;
    }
  | {
      readonly name: "ReportStruck";
      readonly agreement: string;
      readonly epoch: number;
      readonly seat: number;
      /** Indexes of the workers for whom nothing was shown. */
      readonly workers: readonly number[];
      /** Their challengers share it in equal parts. */
      readonly rewardWei: bigint;
    }
  | { readonly name: "BondWithdrawn"; readonly account: string; readonly amountWei: bigint };

/** An event of the market's contracts. Accounts and addresses are checksummed. */
export type MarketEvent = TwinsEvent | DispatcherEvent | TesterEvent | AgreementEvent | RecordEvent | DisputeEvent;
