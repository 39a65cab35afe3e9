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
      if (from <= block) await hear(from, block);
      await onBlock({ isNewBlock, signal });
    } catch (error) {
      if (!signal.aborted) logger.warn("events of the grid cannot be read", { reason: messageOf(error) });
    }
  }

  async function hear(from: number, to: number): Promise<void> {
    const changes = await contracts.changes(from, to, { signal });
    if (changes.length === 0) return;
    const ours = new Set((await deployments.all()).map(({ contractId }) => contractId));
    // Whose contracts these are only the chain knows, so each user counts.
    if (changes.some((change) => change.kind === "user" || ours.has(change.contractId))) onChange();
  }
}
