import { seenByMajority } from "../../src/domain/verdict/detection.ts";
import type { Agreement, Chain, Outcome, TesterSeat } from "../../src/ports/chain.ts";

/** An epoch in which testers could see a worker lie. */
export interface WatchedEpoch {
  readonly agreement: string;
  readonly epoch: number;
  /** Last block of the epoch. */
  readonly to: number;
  readonly outcome: Outcome;
  /** Chance that its outcome is `wrong`, by what its testers did. */
  readonly chance: number;
}

/** How a worker's lies fared, against what sampling predicts. */
export interface DetectionAccount {
  readonly epochs: readonly WatchedEpoch[];
  /** Chance that nobody would have been caught by now, over all epochs. */
  readonly escaping: number;
  /** The same over the epochs before the first `wrong`. */
  readonly escapingUntilCaught: number;
  readonly wrongEpochs: number;
}

/**
 * Follows a liar through its epochs in the order in which they ended. A tester that was killed, or that found the liar killed,
 * compared nothing, so the formula is given the share of seats that spoke of an answer.
 */
export async function accountOfDetection(
  chain: Chain,
  agreements: readonly Agreement[],
  liar: { readonly workerId: number; readonly lieShare: number },
): Promise<DetectionAccount> {
  const epochs: WatchedEpoch[] = [];
  for (const agreement of agreements) {
    const index = agreement.workerIds.indexOf(liar.workerId);
    if (index === -1) continue;
    for (let epoch = 0; epoch < agreement.epochCount; epoch++) {
      const [{ to }, seats, outcomes] = await Promise.all([
        chain.windowsOf(agreement.address, epoch),
        chain.seatsOf(agreement.address, epoch),
        chain.outcomesOf(agreement.address, epoch),
      ]);
      const { testerCount } = agreement;
      const probeCoverage = seats.filter((seat) => compared(seat, index)).length / testerCount;
      const chance = seenByMajority({ lieShare: liar.lieShare }, { testers: testerCount, epochs: 1, probeCoverage });
      epochs.push({ agreement: agreement.address, epoch, to, outcome: outcomes[index]!, chance });
    }
  }
  epochs.sort((a, b) => a.to - b.to);
  const first = epochs.findIndex(({ outcome }) => outcome === "wrong");
  const escape = (some: readonly WatchedEpoch[]): number => some.reduce((all, { chance }) => all * (1 - chance), 1);
  return {
    epochs,
    escaping: escape(epochs),
    escapingUntilCaught: escape(first === -1 ? epochs : epochs.slice(0, first)),
    wrongEpochs: epochs.filter(({ outcome }) => outcome === "wrong").length,
  };
}

function compared({ status, verdicts }: TesterSeat, index: number): boolean {
  return status === "revealed" && verdicts[index] !== "unreachable";
}
