import type { GridOptions, GridResources, PublicIp } from "./grid-registry.ts";

/** The most that a node may bill for a contract. */
export interface ContractLimits extends GridResources {
  readonly nruBytesPerHour: bigint;
}

export type ContractKind = "node" | "rent" | "name";
export type ContractState = "created" | "deployed" | "grace-period" | "deleted";
export type DeletionCause = "by-user" | "by-node" | "out-of-funds" | "expired" | "node-retired";

/** One purchase on the grid, as it stands now. Times in seconds since 1970. */
export interface GridContract {
  readonly contractId: number;
  readonly kind: ContractKind;
  readonly state: ContractState;
  /** Why it is over; absent while it is not. */
  readonly cause?: DeletionCause;
  readonly userTwinId: number;
  /** Absent for a name. */
  readonly nodeId?: number;
  readonly farmId?: number;
  readonly pricingPolicyId: number;
  /** 32 bytes; of a deployment only. */
  readonly deploymentHash?: Uint8Array;
  /** Of a name contract only. */
  readonly name?: string;
  readonly limits: ContractLimits;
  readonly publicIpCount: number;
  /** Those that are reserved now. */
  readonly publicIps: readonly PublicIp[];
  /** The rent contract under which it pays for IPs and traffic alone. */
  readonly rentContractId?: number;
  readonly createdAt: number;
  /** The end that is known by now. */
  readonly endsAt?: number;
  readonly reportedAt?: number;
  /** When its bill stops unless the node reports before; absent when no bill runs. */
  readonly billedUntil?: number;
  /** 2^-20 of 1e-7 USD per hour. */
  readonly rate: bigint;
  /** 2^-52 wei: what it cost and nobody settled yet. */
  readonly unsettledGrains: bigint;
  /** The block whose event holds the user's data. */
  readonly dataBlock: number;
  /** Whether what it held is free again. */
  readonly isClosed: boolean;
}

/** A user's money as it stands now. */
export interface GridAccount {
  readonly balanceWei: bigint;
  /** 2^-20 of 1e-7 USD per hour before discounts. */
  readonly nodeRate: bigint;
  readonly nameRate: bigint;
  readonly discountPercent: number;
  /** 2^-52 wei. */
  readonly grainsPerSecond: bigint;
  /** When the balance was or will be used up, in seconds since 1970; absent if it never will. */
  readonly fundedUntil?: number;
  /** Absent unless the user is out of funds. */
  readonly grace?: { readonly untilSeconds: number; readonly recoveryCostWei: bigint };
}

/** What a node says that a contract used. */
export interface ConsumptionReport {
  readonly contractId: number;
  /** By the node's clock, in seconds since 1970. */
  readonly timestampSeconds: number;
  readonly cruCores: number;
  readonly sruBytes: bigint;
  readonly hruBytes: bigint;
  readonly mruBytes: bigint;
  /** Since the last report. */
  readonly nruBytes: bigint;
}

/** A report that counts, as the chain took it. */
export interface CountedReport {
  readonly contractId: number;
  readonly block: number;
  /** By the node's clock, in seconds since 1970. */
  readonly timestampSeconds: number;
  /** What it costs from then on, 2^-20 of 1e-7 USD per hour. */
  readonly rate: bigint;
  /** 2^-52 wei: what the contract had earned since it was last settled, and what the report's traffic cost at once. */
  readonly grains: bigint;
  /** What the node said; absent where it did not say so itself but had another contract do it. */
  readonly used?: Omit<ConsumptionReport, "contractId" | "timestampSeconds"> | undefined;
}

/** How the chain took a report; the names are the contract's. */
export type ReportOutcome =
  | "accepted"
  | "kept"
  | "foreign"
  | "over"
  | "not-deployed"
  | "not-newer"
  | "from-the-future"
  | "out-of-funds"
  | "rate-too-high";

/** Something happened to a contract, or to all of a user's. */
export type GridChange =
  { readonly kind: "contract"; readonly contractId: number } | { readonly kind: "user"; readonly twinId: number };

/**
 * Contracts of the grid and their money (contracts/interfaces/IGridContracts.sol), as seen by one account. What does not exist
 * is `undefined`. Errors as those of the port `chain`.
 */
export interface GridContracts {
  depositWei(valueWei: bigint, options?: GridOptions): Promise<void>;
  withdrawWei(amountWei: bigint, options?: GridOptions): Promise<void>;
  account(twinId: number, options?: GridOptions): Promise<GridAccount>;

  /** @param contract.data - sealed by the user for itself; may be empty */
  createContract(
    contract: {
      readonly nodeId: number;
      readonly deploymentHash: Uint8Array;
      readonly data: Uint8Array;
      readonly publicIps: number;
      readonly limits: ContractLimits;
    },
    options?: GridOptions,
  ): Promise<number>;
  createRentContract(nodeId: number, options?: GridOptions): Promise<number>;
  createNameContract(name: string, options?: GridOptions): Promise<number>;
  updateContract(
    contractId: number,
    change: { readonly deploymentHash: Uint8Array; readonly data: Uint8Array },
    options?: GridOptions,
  ): Promise<void>;
  cancelContract(contractId: number, options?: GridOptions): Promise<void>;
  /** Frees what a contract that is over holds; anybody may. */
  closeContract(contractId: number, options?: GridOptions): Promise<void>;

  /** As the node. */
  confirmDeployment(contractId: number, options?: GridOptions): Promise<void>;
  /**
   * As the node: what its contracts used, at most {@link maxReports} at once. One report that does not count harms no other.
   *
   * @returns how each was taken, in their order.
   */
  addReports(
    nodeId: number,
    reports: readonly ConsumptionReport[],
    options?: GridOptions,
  ): Promise<readonly ReportOutcome[]>;
  /** As many as surely fit into a transaction. */
  readonly maxReports: number;

  settleUser(twinId: number, options?: GridOptions): Promise<void>;
  settleContracts(contractIds: readonly number[], options?: GridOptions): Promise<void>;
  /** Pays a farm's revenue to its payout address; resolves with its wei. */
  withdrawRevenue(farmId: number, options?: GridOptions): Promise<bigint>;
  /** 2^-52 wei. */
  revenueGrains(farmId: number, options?: GridOptions): Promise<bigint>;

  contract(contractId: number, options?: GridOptions): Promise<GridContract | undefined>;
  /** States of contracts that exist, in their order. */
  statesOf(contractIds: readonly number[], options?: GridOptions): Promise<readonly ContractState[]>;
  /** All of a user's, those that are over included, in ascending order. */
  contractsOf(twinId: number, options?: GridOptions): Promise<readonly number[]>;
  contractOfHash(
    twinId: number,
    nodeId: number,
    deploymentHash: Uint8Array,
    options?: GridOptions,
  ): Promise<number | undefined>;
  contractOfName(name: string, options?: GridOptions): Promise<number | undefined>;
  rentContractOf(nodeId: number, options?: GridOptions): Promise<number | undefined>;
  /** The newest data that came with a contract; empty when there was none. */
  deploymentData(contract: GridContract, options?: GridOptions): Promise<Uint8Array>;
  /** All contracts that were ever made on a node, in ascending order, from the chain's events. */
  contractsOnNode(nodeId: number, options?: GridOptions): Promise<readonly number[]>;
  /**
   * What contracts cost up to when they were settled last, from the chain's events: 2^-52 wei by contract. What they cost since is
   * {@link GridContract.unsettledGrains}.
   */
  settledGrains(contractIds: readonly number[], options?: GridOptions): Promise<ReadonlyMap<number, bigint>>;
  /** How many reports said more than a contract's limits let its node bill, from the chain's events, by contract. */
  clippedReports(contractIds: readonly number[], options?: GridOptions): Promise<ReadonlyMap<number, number>>;
  /** Reports of contracts that count, from the chain's events since a block, the newest `most` of them, in their order. */
  reports(
    contractIds: readonly number[],
    options: GridOptions & { readonly fromBlock?: number | undefined; readonly most: number },
  ): Promise<readonly CountedReport[]>;
  /** The newest block's time, in seconds since 1970. */
  headSeconds(options?: GridOptions): Promise<number>;
  /** What happened in the blocks from `fromBlock` to `toBlock`, which exists. */
  changes(fromBlock: number, toBlock: number, options?: GridOptions): Promise<readonly GridChange[]>;
}
