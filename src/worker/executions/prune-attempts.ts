import type { Agreement, Chain, ChainOptions } from "../../ports/chain.ts";
import type { Look } from "../agreements/follow-agreements.ts";
import type { Attempts } from "./attempts.ts";

/** Blocks between two looks for answers that nobody needs any more. */
const EVERY_BLOCKS = 100;

/**
 * Forgets answers once no outcome can rest on them: the epoch in which they were given is final, an appeal of it included.
 */
export function pruneAttempts({
  chain,
  attempts,
  alsoPrune,
}: {
  readonly chain: Chain;
  readonly attempts: Attempts;
  /** What else is kept for outcomes alone. */
  readonly alsoPrune?: (beforeBlock: number) => Promise<void>;
}): {
  onLook(look: Look, options: ChainOptions): Promise<void>;
} {
  /** Blocks from the start of an epoch until its appeals are over, the most of all agreements so far. */
  let finalAfterBlocks: number | undefined;
  const measured = new Set<string>();
  let nextBlock = 0;

  async function measure({ address, startBlock }: Agreement, options: ChainOptions): Promise<void> {
    if (measured.has(address)) return;
    const { finalFrom } = await chain.panelWindowsOf(address, 0, options);
    finalAfterBlocks = Math.max(finalAfterBlocks ?? 0, finalFrom - startBlock);
    measured.add(address);
  }

  return {
    async onLook({ block, agreements }, options) {
      if (block < nextBlock) return;
      nextBlock = block + EVERY_BLOCKS;
      for (const agreement of agreements) await measure(agreement, options);
      for (const address of measured) {
        if (!agreements.some((agreement) => agreement.address === address)) measured.delete(address);
      }
      if (finalAfterBlocks === undefined) return;
      await attempts.prune(block - finalAfterBlocks);
      await alsoPrune?.(block - finalAfterBlocks);
    },
  };
}
