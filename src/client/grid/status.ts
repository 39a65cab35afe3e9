import { isSprfError, messageOf } from "../../errors.ts";
import { askNode, type NodeAnswer } from "../../messaging/ask-node.ts";
import type { GridContract } from "../../ports/grid-contracts.ts";
import { openDeploymentData, type OpenedData } from "../../wire/grid/deployment-data.ts";
import type { GridCallOptions, GridOnChain, GridUser } from "./grid-user.ts";
import { nodeKeyOf } from "./own-contracts.ts";

const STATUS_TIMEOUT_MS = 10_000;

/** What a node says of a deployment. */
export type NodeStatusReply = Extract<NodeAnswer, { readonly kind: "status-reply" }>;

/** Where a deployment stands, on the chain and on its node. */
export interface DeploymentStatus {
  readonly contract: GridContract;
  /** Absent for what is not a deployment, or is over, and when the node did not answer. */
  readonly node?: NodeStatusReply;
  /** Why there is no answer of the node. */
  readonly problem?: string;
}

/** Asks the node of a contract that is not over. Never rejects because of the node. */
export async function readStatus(
  user: GridUser,
  contract: GridContract,
  options: GridCallOptions & { readonly timeoutMs?: number | undefined } = {},
): Promise<DeploymentStatus> {
  if (contract.kind !== "node" || contract.state === "deleted") return { contract };
  try {
    const nodeKey = await nodeKeyOf(user, contract, options);
    const answer = await askNode(user, {
      nodeKey,
      contractId: BigInt(contract.contractId),
      question: { kind: "status" },
      signal: options.signal,
      timeoutMs: options.timeoutMs ?? STATUS_TIMEOUT_MS,
    });
    return answer.kind === "status-reply" ? { contract, node: answer } : { contract, problem: "an odd answer" };
  } catch (error) {
    if (options.signal?.aborted || !isSprfError(error) || error.fault === "internal") throw error;
    return { contract, problem: messageOf(error) };
  }
}

/** What the user put on the chain with a contract. */
export async function readData(
  user: Pick<GridOnChain, "contracts" | "cipher">,
  contract: GridContract,
  options?: GridCallOptions,
): Promise<OpenedData> {
  return await openDeploymentData(await user.contracts.deploymentData(contract, options), user.cipher);
}
