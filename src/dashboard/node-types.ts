/** What the dashboard shows of the grid. Amounts are decimal digits in wei, bytes decimal digits; times are seconds since 1970. */

/** A machine's, or of a part of it. */
export interface ResourcesView {
  readonly cruCores: number;
  readonly mruBytes: string;
  readonly sruBytes: string;
  readonly hruBytes: string;
}

/** A node as a row of a list. */
export interface NodeSummary {
  readonly nodeId: number;
  readonly farmId: number;
  readonly farmName: string;
  readonly status: "up" | "standby" | "retired";
  readonly country: string;
  readonly city: string;
  readonly total: ResourcesView;
  readonly free: ResourcesView;
  readonly freePublicIps: number;
  readonly isRented: boolean;
}

export interface NodesView {
  readonly nodes: readonly NodeSummary[];
}

/** What a contract used at one moment, as its node reported it and the chain took it. */
export interface UsagePoint {
  readonly atSeconds: number;
  /** Absent where the chain does not say. */
  readonly cruCores?: number | undefined;
  readonly mruBytes?: string | undefined;
  readonly sruBytes?: string | undefined;
  readonly hruBytes?: string | undefined;
  /** Traffic since the report before it. */
  readonly nruBytes?: string | undefined;
  /** What it cost from then on. */
  readonly weiPerHour: string;
}

/** A contract on a node. */
export interface DeploymentView {
  readonly contractId: number;
  readonly kind: "node" | "rent" | "name";
  readonly state: "created" | "deployed" | "grace-period" | "deleted";
  /** Why it is over. */
  readonly cause?: string | undefined;
  readonly userTwinId: number;
  readonly publicIps: readonly string[];
  readonly limits: ResourcesView & { readonly nruBytesPerHour: string };
  readonly createdAt: number;
  readonly reportedAt?: number | undefined;
  /** When its bill stops unless the node reports before. */
  readonly billedUntil?: number | undefined;
  readonly costWei: string;
  readonly weiPerHour: string;
  readonly weiPerMonth: string;
  /** Reports that said more than it may bill. */
  readonly clippedReports: number;
  /** The oldest first. */
  readonly usage: readonly UsagePoint[];
}

/** Who pays for contracts on the node. */
export interface PayerView {
  readonly twinId: number;
  readonly account?: string | undefined;
  readonly balanceWei: string;
  readonly discountPercent: number;
  /** For all that it has on the grid. */
  readonly weiPerHour: string;
  /** When the money ends, or ended; absent if it never will. */
  readonly fundedUntil?: number | undefined;
  /** Out of money: until when its data is kept, and what brings all back. */
  readonly graceUntil?: number | undefined;
  readonly recoveryCostWei?: string | undefined;
}

export interface NodeView extends NodeSummary {
  readonly account: string;
  /** The newest block's. */
  readonly nowSeconds: number;
  /** Those that run, and after them the ones that are over, the newest first. */
  readonly deployments: readonly DeploymentView[];
  /** How many contracts there ever were on it. */
  readonly contractCount: number;
  readonly payers: readonly PayerView[];
  /** Of those that are shown. */
  readonly costWei: string;
  readonly weiPerHour: string;
}
