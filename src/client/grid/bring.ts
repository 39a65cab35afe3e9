import { SprfError, isSprfError } from "../../errors.ts";
import type { NodeProgress } from "../../messaging/ask-node.ts";
import type { GridContract } from "../../ports/grid-contracts.ts";
import { within } from "../../utils/within.ts";
import type { DeploymentData } from "../../wire/grid/deployment-data.ts";
import { cancelOnChain } from "./cancel.ts";
import type { GridCallOptions, GridUser } from "./grid-user.ts";
import { removeEntry, type JournalEntry } from "./journal.ts";
import { nodeKeyOf } from "./own-contracts.ts";
import { sendDeployment, type SendOptions } from "./send-deployment.ts";

const CONFIRM_TIMEOUT_MS = 60_000;
const CONFIRM_POLL_MS = 500;

/** How far a deployment is. */
export type DeployStep =
  | { readonly step: "buying"; readonly nodeId: number }
  | { readonly step: "bought"; readonly contractId: number; readonly nodeId: number }
  | { readonly step: "node"; readonly progress: NodeProgress }
  | { readonly step: "cancelled"; readonly contractId: number };

/** How a deployment is waited for. */
export interface DeployOptions extends Omit<SendOptions, "onProgress"> {
  /** Hears how far it is. */
  readonly onStep?: ((step: DeployStep) => void) | undefined;
}

/** What the chain has a contract for. */
export interface Bought {
  readonly entry: JournalEntry;
  readonly contractId: number;
  readonly data: DeploymentData;
}

/** From the contract to the running deployment, or to a contract that is cancelled. */
export async function bring(
  user: GridUser,
  { entry, contractId, data }: Bought,
  options: DeployOptions,
): Promise<GridContract> {
  const { signal, onStep, timeoutMs } = options;
  const { nodeId } = entry;
  onStep?.({ step: "bought", contractId, nodeId });
  try {
    const nodeKey = await nodeKeyOf(user, { contractId, nodeId, kind: "node" }, { signal });
    await sendDeployment(
      user,
      { kind: entry.kind, contractId, nodeKey, data },
      { signal, timeoutMs, onProgress: (progress) => onStep?.({ step: "node", progress }) },
    );
    const contract = await awaitConfirmation(user, contractId, { signal });
    await removeEntry(user.store, entry.hash);
    return contract;
  } catch (error) {
    // An update leaves what ran before; whoever made it puts the chain back.
    if (entry.kind === "update" || signal?.aborted || !isNodesFault(error)) throw error;
    await cancelOnChain(user, contractId);
    await removeEntry(user.store, entry.hash);
    onStep?.({ step: "cancelled", contractId });
    throw new SprfError(error.code, `${error.message} The contract ${contractId} was cancelled; nothing is left.`, {
      cause: error,
      context: { ...error.context, contractId },
    });
  }
}

/** The contract once the chain knows that the node runs it. @throws SprfError `NODE_SILENT` */
async function awaitConfirmation(user: GridUser, contractId: number, options: GridCallOptions): Promise<GridContract> {
  const poll = async (signal: AbortSignal): Promise<GridContract> => {
    for (;;) {
      const contract = await user.contracts.contract(contractId, { signal });
      if (contract?.state === "deleted") {
        const why = contract.cause ?? "deleted";
        throw new SprfError(
          "NODE_SILENT",
          `contract ${contractId} is over (${why}) and its node had not confirmed it.`,
        );
      }
      if (contract !== undefined && contract.state !== "created") return contract;
      await user.clock.sleep(CONFIRM_POLL_MS, { signal });
    }
  };
  try {
    return await within(poll, { clock: user.clock, timeoutMs: CONFIRM_TIMEOUT_MS, signal: options.signal });
  } catch (error) {
    if (!isSprfError(error, "TIMEOUT")) throw error;
    throw new SprfError("NODE_SILENT", "the node runs the deployment and did not confirm it on the chain.", {
      cause: error,
    });
  }
}

function isNodesFault(error: unknown): error is SprfError {
  return isSprfError(error, "NODE_REFUSED") || isSprfError(error, "NODE_SILENT");
}
