import { isSprfError, messageOf } from "../../errors.ts";
import { askNode, type NodeProgress } from "../../messaging/ask-node.ts";
import { packBody } from "../../wire/grid/deployment-body.ts";
import type { DeploymentData } from "../../wire/grid/deployment-data.ts";
import { sealSecrets } from "../../wire/grid/secrets.ts";
import { dialWorker } from "../dial-worker.ts";
import type { GridUser } from "./grid-user.ts";

/** Images are fetched meanwhile. */
const DEPLOY_TIMEOUT_MS = 600_000;
/** To learn where the node is that fetches a block. */
const ADDRESS_TIMEOUT_MS = 10_000;

export interface SendOptions {
  readonly signal?: AbortSignal | undefined;
  /** Hears what the node does with it. */
  readonly onProgress?: ((progress: NodeProgress) => void) | undefined;
  /** For all of it. @default ten minutes */
  readonly timeoutMs?: number | undefined;
}

/**
 * Sends a deployment to its node and resolves once the node runs it. May be repeated.
 *
 * @throws SprfError `NODE_REFUSED`, `NODE_SILENT`, `ABORTED`
 */
export async function sendDeployment(
  user: GridUser,
  parts: {
    readonly kind: "deploy" | "update";
    readonly contractId: number;
    readonly nodeKey: Uint8Array;
    readonly data: Pick<DeploymentData, "workload" | "secrets">;
  },
  { signal, onProgress, timeoutMs = DEPLOY_TIMEOUT_MS }: SendOptions = {},
): Promise<void> {
  const { kind, nodeKey, data } = parts;
  const node = { cipher: user.cipher, node: nodeKey };
  const sealedSecrets = data.secrets === undefined ? undefined : await sealSecrets(data.secrets, node);
  const { carrier, block } = await packBody({ workload: data.workload, sealedSecrets }, node);
  const holder = { holder: `grid-${parts.contractId}`, signal };
  const cid = block === undefined ? undefined : await user.content.putFile(block, holder);
  try {
    if (cid !== undefined) await connectTo(user, parts, signal);
    await askNode(user, {
      nodeKey,
      contractId: BigInt(parts.contractId),
      question: { kind, deployment: carrier },
      onProgress,
      signal,
      timeoutMs,
    });
  } finally {
    if (cid !== undefined) await user.content.unpin(cid, { holder: holder.holder });
  }
}

/**
 * The node fetches a block over a connection that there is: the user makes it, who may be behind a router that lets nobody in. Where
 * it cannot, the block may still come another way.
 */
async function connectTo(
  user: GridUser,
  { contractId, nodeKey }: { readonly contractId: number; readonly nodeKey: Uint8Array },
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    const question = { nodeKey, contractId: BigInt(contractId), question: { kind: "status" } } as const;
    const answer = await askNode(user, { ...question, signal, timeoutMs: ADDRESS_TIMEOUT_MS });
    if (answer.kind !== "status-reply") return;
    await dialWorker(user.dialer, { workerKey: nodeKey, multiaddrs: answer.multiaddrs }, { signal });
  } catch (error) {
    if (signal?.aborted || !isSprfError(error)) throw error;
    user.logger.warn("no connection to the node, which has to fetch a block from here", { reason: messageOf(error) });
  }
}
