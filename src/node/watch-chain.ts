import { messageOf } from "../errors.ts";
import type { Chain } from "../ports/chain.ts";
import type { NodeParts } from "./node-parts.ts";

/** More than this at once is left to polling, which sees it all the same. */
const MAX_BLOCKS = 1_000;

/**
 * Hears of what happens to contracts, so that the node need not wait for its next look. Events only hasten: what is missed here,
 * polling finds.
 *
 * @param onBlock - with each block, of which the first may be old
 */
export async function watchChain(
  { contracts, deployments, logger }: Pick<NodeParts, "contracts" | "deployments" | "logger">,
  {
    chain,
    onBlock,
    onChange,
  }: {
    readonly chain: Pick<Chain, "blocks">;
    readonly onBlock: (look: { readonly isNewBlock: boolean; readonly signal: AbortSignal }) => Promise<void>;
    readonly onChange: () => void;
  },
  signal: AbortSignal,
): Promise<void> {
  let seen: number | undefined;
  for await (const block of chain.blocks({ signal })) {
    const isNewBlock = seen !== undefined;
    const from = Math.max((seen ?? block - 1) + 1, block - MAX_BLOCKS + 1);
    seen = block;
    try {
      await onBlock({ isNewBlock, signal });
      if (from > block) continue;
      const changes = await contracts.changes(from, block, { signal });
      if (changes.length === 0) continue;
      const ours = new Set((await deployments.all()).map(({ contractId }) => contractId));
      // Whose contracts these are only the chain knows, so each user counts.
      if (changes.some((change) => change.kind === "user" || ours.has(change.contractId))) onChange();
    } catch (error) {
      if (!signal.aborted) logger.warn("events of the grid cannot be read", { reason: messageOf(error) });
    }
  }
}
