import { isSprfError, messageOf } from "../../errors.ts";
import type { GridContract } from "../../ports/grid-contracts.ts";
import { equalBytes } from "../../utils/bytes.ts";
import type { DataProblem, DeploymentData } from "../../wire/grid/deployment-data.ts";
import type { GridCallOptions, GridUser } from "./grid-user.ts";
import { nodeKeyOf, ownContracts } from "./own-contracts.ts";
import { sendDeployment, type SendOptions } from "./send-deployment.ts";
import { readData, readStatus } from "./status.ts";

/** One contract of the user, as far as it could be restored. */
export interface RecoveredContract {
  readonly contract: GridContract;
  /** Absent for what is not a deployment, and with `problem`. */
  readonly data?: DeploymentData;
  /** Why there is no data: as on the chain, or of another deployment than the contract's. */
  readonly problem?: DataProblem | "other-deployment";
  /**
   * What its node does: it `runs` it, it was `sent` it again and runs it, it is `paused` (the user is out of funds), it is
   * `unreachable` now (it may run all the same, and the contract is billed for as long as it reports), or it said itself that the
   * deployment is `lost` and why it does not take it again. See `detail` of the last two.
   */
  readonly node?: "runs" | "sent" | "paused" | "unreachable" | "lost";
  readonly detail?: string;
}

/** How nodes are waited for. */
export interface RecoverOptions extends SendOptions {
  /** Until one that says nothing counts as unreachable. @default 10,000 */
  readonly statusTimeoutMs?: number | undefined;
}

/**
 * Everything that a user has on the grid, from the words of its account and the chain alone: each contract that is not over, with
 * its deployment and secrets; a node that has lost a deployment is sent it again.
 */
export async function* recover(user: GridUser, options: RecoverOptions = {}): AsyncGenerator<RecoveredContract> {
  const { signal } = options;
  for (const contract of await ownContracts(user, { signal })) {
    if (contract.state === "deleted") continue;
    if (contract.kind !== "node") {
      yield { contract };
      continue;
    }
    const opened = await readData(user, contract, { signal });
    if (opened.kind === "problem") yield { contract, problem: opened.problem };
    else if (!equalBytes(opened.deploymentHash, contract.deploymentHash ?? new Uint8Array(0))) {
      yield { contract, problem: "other-deployment" };
    } else yield { contract, data: opened.data, ...(await restore(user, contract, opened.data, options)) };
  }
}

async function restore(
  user: GridUser,
  contract: GridContract,
  data: DeploymentData,
  options: RecoverOptions,
): Promise<Pick<RecoveredContract, "node" | "detail">> {
  const { signal } = options;
  const { node, problem } = await readStatus(user, contract, {
    signal,
    timeoutMs: options.statusTimeoutMs,
  });
  if (node === undefined) return { node: "unreachable", detail: problem ?? "" };
  if (contract.state === "grace-period" || node.state === "paused") return { node: "paused" };
  const { deploymentHash: hash = new Uint8Array(0) } = contract;
  const isSame = node.deploymentHash !== undefined && equalBytes(node.deploymentHash, hash);
  if (isSame && (node.state === "running" || node.state === "deploying")) return { node: "runs" };
  try {
    await send(user, contract, data, options);
    return { node: "sent" };
  } catch (error) {
    if (signal?.aborted || !isSprfError(error)) throw error;
    return { node: error.code === "NODE_REFUSED" ? "lost" : "unreachable", detail: messageOf(error) };
  }
}

async function send(
  user: GridUser,
  contract: GridContract,
  data: DeploymentData,
  options: SendOptions & GridCallOptions,
): Promise<void> {
  const nodeKey = await nodeKeyOf(user, contract, options);
  await sendDeployment(user, { kind: "deploy", contractId: contract.contractId, nodeKey, data }, options);
}
