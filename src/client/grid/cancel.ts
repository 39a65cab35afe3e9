import { isSprfError, messageOf } from "../../errors.ts";
import { askNode } from "../../messaging/ask-node.ts";
import { toHex } from "../../utils/bytes.ts";
import type { GridCallOptions, GridOnChain, GridUser } from "./grid-user.ts";
import { removeEntry } from "./journal.ts";
import { nodeKeyOf, ownContract } from "./own-contracts.ts";

/** The node sees it on the chain anyway. */
const TELL_TIMEOUT_MS = 10_000;

/**
 * Cancels a contract on the chain: it costs nothing more from this second on, and what it held is free. One that is over already
 * is left as it is.
 *
 * @throws SprfError `CONTRACT_UNKNOWN`
 */
export async function cancelOnChain(
  user: Pick<GridOnChain, "chain" | "contracts">,
  contractId: number,
  options?: GridCallOptions,
): Promise<{ readonly wasOver: boolean }> {
  const contract = await ownContract(user, contractId, options);
  if (contract.isClosed) return { wasOver: true };
  try {
    await user.contracts.cancelContract(contractId, options);
    return { wasOver: contract.state === "deleted" };
  } catch (error) {
    if (isSprfError(error, "CHAIN_REVERTED") && error.context["error"] === "GridContracts_Over")
      return { wasOver: true };
    throw error;
  }
}

/**
 * Cancels a contract, on the chain first, and tells its node, which would see it by itself within one of its polls.
 *
 * @returns whether the node has said that nothing of it runs any more.
 * @throws SprfError `CONTRACT_UNKNOWN`
 */
export async function cancel(
  user: GridUser,
  contractId: number,
  options?: GridCallOptions,
): Promise<{ readonly wasOver: boolean; readonly isStopped: boolean }> {
  const contract = await ownContract(user, contractId, options);
  const { wasOver } = await cancelOnChain(user, contractId, options);
  if (contract.deploymentHash === undefined) return { wasOver, isStopped: true };
  await removeEntry(user.store, toHex(contract.deploymentHash));
  try {
    const nodeKey = await nodeKeyOf(user, contract, options);
    const question = { kind: "delete" } as const;
    await askNode(user, {
      nodeKey,
      contractId: BigInt(contractId),
      question,
      signal: options?.signal,
      timeoutMs: TELL_TIMEOUT_MS,
    });
    return { wasOver, isStopped: true };
  } catch (error) {
    if (options?.signal?.aborted) throw error;
    user.logger.debug("the node could not be told", { reason: messageOf(error) });
    return { wasOver, isStopped: false };
  }
}
