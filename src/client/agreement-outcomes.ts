import type { AgreementHistory, EpochOutcomes } from "../domain/market/judge-workers.ts";
import type { Agreement, Chain } from "../ports/chain.ts";

/** What of the chain tells how an agreement goes. */
export type OutcomesChain = Pick<Chain, "blockNumber" | "windowsOf" | "outcomesOf" | "tallyOf" | "resignedFrom">;

/**
 * Who resigned from an agreement, and the outcomes of its epochs, from the first on: final ones, and those that reveals have begun
 * to make.
 *
 * @param known what an earlier call gave; its final epochs are not read again
 */
export async function readHistory(
  chain: OutcomesChain,
  { address, epochCount, workerIds }: Pick<Agreement, "address" | "epochCount" | "workerIds">,
  known?: AgreementHistory,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<AgreementHistory> {
  const block = await chain.blockNumber({ signal });
  const resignedFrom = await Promise.all(
    workerIds.map(async (_, index) => await chain.resignedFrom(address, index, { signal })),
  );
  const epochs: EpochOutcomes[] = [];
  for (let epoch = 0; epoch < epochCount; epoch++) {
    const before = known?.epochs[epoch];
    if (before?.final === true) {
      epochs.push(before);
      continue;
    }
    const { revealFrom } = await chain.windowsOf(address, epoch, { signal });
    if (block < revealFrom) break;
    const outcomes = await chain.outcomesOf(address, epoch, { signal });
    const final = outcomes.every((outcome) => outcome !== "pending");
    epochs.push({ epoch, final, outcomes: final ? outcomes : await chain.tallyOf(address, epoch, { signal }) });
  }
  return { epochs, resignedFrom };
}
