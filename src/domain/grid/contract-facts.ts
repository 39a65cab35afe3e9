import type { WorkloadLimits } from "../../wire/grid/workload.ts";

/** Where a contract stands on the chain. */
export type GridContractState = "created" | "deployed" | "grace" | "deleted";

/** What a node needs to know of a contract of a deployment. */
export interface ContractFacts {
  readonly contractId: bigint;
  readonly nodeId: bigint;
  readonly state: GridContractState;
  readonly deploymentHash: Uint8Array;
  readonly limits: WorkloadLimits;
  /** Its reserved IPs, in their order. */
  readonly publicIps: readonly string[];
  /** Message key that the creator's twin has now: 64 bytes. */
  readonly creatorKey: Uint8Array;
}
