import type { EpochOutcomes } from "../domain/market/judge-workers.ts";
import type { Agreement, Chain } from "../ports/chain.ts";

/** What of the chain tells how an agreement goes. */
export type OutcomesChain = Pick<Chain, "blockNumber" | "windowsOf" | "outcomesOf" | "tallyOf">;

/**
 * Outcomes of an agreement's epochs, from the first on: final ones, and those that reveals have begun to make.
 *
 * @param known what an earlier call gave; its final epochs are not read again
 */
export async function readOutcomes(
  chain: OutcomesChain,
  { address, epochCount }: Pick<Agreement, "address" | "epochCount">,
  known: readonly EpochOutcomes[] = [],
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<readonly EpochOutcomes[]> {
  const block = await chain.blockNumber({ signal });
  const read: EpochOutcomes[] = [];
  for (let epoch = 0; epoch < epochCount; epoch++) {
    const before = known[epoch];
    if (before?.final === true) {
      read.push(before);
      continue;
    }
    const { revealFrom } = await chain.windowsOf(address, epoch, { signal });
    if (block < revealFrom) break;
    const outcomes = await chain.outcomesOf(address, epoch, { signal });
    const final = outcomes.every((outcome) => outcome !== "pending");
    read.push({ epoch, final, outcomes: final ? outcomes : await chain.tallyOf(address, epoch, { signal }) });
  }
  return read;
}
