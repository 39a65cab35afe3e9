import { equalBytes } from "../../utils/bytes.ts";
import type { GridContractState } from "./contract-facts.ts";

/**
 * What the chain says of a contract that the node has looked at. `absent`: the chain that the node sees has no such contract of this
 * node; it may lag behind, or a block was taken back.
 */
export interface ChainView {
  readonly state: GridContractState | "absent";
  readonly deploymentHash: Uint8Array;
}

/**
 * What a node has of a deployment. `running` and `paused` are whole; of `partial` something is missing or was left half done.
 */
export interface NodeView {
  readonly state: "none" | "running" | "paused" | "partial";
  /** Of what is there; absent when nothing is. */
  readonly deploymentHash?: Uint8Array | undefined;
  /** Whether the node has the workload that the contract names, and so can make it. */
  readonly canMake: boolean;
}

/**
 * `deploy` makes what runs be as the contract says, the first time, after an update or a crash. `pause` stops serving and keeps
 * data; `resume` serves again; `delete` removes all, data too; `confirm` tells the chain that it runs, which a crash may have
 * prevented.
 */
export type ReconcileAction = "deploy" | "pause" | "resume" | "delete" | "confirm";

/** What a node does about one contract so that what runs and what the chain says agree; undefined when they do. */
export function reconcileOne(chain: ChainView, node: NodeView): ReconcileAction | undefined {
  switch (chain.state) {
    case "deleted":
      return node.state === "none" ? undefined : "delete";
    case "absent":
    case "grace":
      // Nobody pays: nothing is served. Data stays until the chain says that the contract is over.
      return node.state === "running" || node.state === "partial" ? "pause" : undefined;
    case "created":
    case "deployed":
      return reconcileLive(chain, node);
  }
}

function reconcileLive({ state, deploymentHash }: ChainView, node: NodeView): ReconcileAction | undefined {
  const isCurrent = node.deploymentHash !== undefined && equalBytes(node.deploymentHash, deploymentHash);
  if (isCurrent && node.state === "running") return state === "created" ? "confirm" : undefined;
  if (isCurrent && node.state === "paused") return "resume";
  // Without the workload only its user can help. What ran before an update runs on until it is sent.
  if (node.canMake) return "deploy";
  return node.state === "paused" ? "resume" : undefined;
}

/**
 * The actions for all contracts that the node looked at and all deployments that it has, by contract. A deployment whose contract
 * could not be looked at is left alone: a chain that does not answer stops nobody.
 */
export function reconcile(
  contracts: ReadonlyMap<bigint, ChainView>,
  deployments: ReadonlyMap<bigint, NodeView>,
): ReadonlyMap<bigint, ReconcileAction> {
  const actions = new Map<bigint, ReconcileAction>();
  for (const [contractId, chain] of contracts) {
    const action = reconcileOne(chain, deployments.get(contractId) ?? { state: "none", canMake: false });
    if (action !== undefined) actions.set(contractId, action);
  }
  return actions;
}
