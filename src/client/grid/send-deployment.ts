import { askNode, type NodeProgress } from "../../messaging/ask-node.ts";
import { packBody } from "../../wire/grid/deployment-body.ts";
import type { DeploymentData } from "../../wire/grid/deployment-data.ts";
import { sealSecrets } from "../../wire/grid/secrets.ts";
import type { GridUser } from "./grid-user.ts";

/** Images are fetched meanwhile. */
const DEPLOY_TIMEOUT_MS = 600_000;

export interface SendOptions {
  readonly signal?: AbortSignal | undefined;
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
