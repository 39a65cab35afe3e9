import type { Mutant } from "./find-mutants.ts";
import type { Stratum } from "./sample.ts";
import { isLive, type Verdict } from "./verdict.ts";

export interface Judged {
  readonly mutant: Mutant;
  readonly verdict: Verdict;
}

/** Judges one mutant; each is called one mutant at a time, several of them at once. */
export type Judge = (mutant: Mutant) => Promise<Verdict>;

/** What decides when enough is judged, apart from the quotas. */
export interface Extent {
  /** Whether a mutant's verdict costs nothing. */
  readonly isKnown: (mutant: Mutant) => boolean;
  /** Whether nothing more may be begun that costs something. */
  readonly isTimeUp: () => boolean;
}

interface Progress {
  readonly stratum: Stratum;
  next: number;
  live: number;
  underWay: number;
}

/**
 * Judges mutants of each stratum in its order until its quota of live ones is met, and goes on for as long as the next one's verdict
 * is known: that costs nothing, and a longer beginning of the order is as good a sample; so is a shorter one, when time is up. Which mutants are judged does not depend on
 * the number of judges: none is begun that the quota might not need.
 */
export async function judgeAll(
  strata: readonly Stratum[],
  judges: readonly Judge[],
  extent: Extent,
  onVerdict: (judged: Judged) => void,
): Promise<Judged[]> {
  const progress = strata.map((stratum): Progress => ({ stratum, next: 0, live: 0, underWay: 0 }));
  const judged: Judged[] = [];
  const running = new Set<Promise<unknown>>();

  const work = async (judge: Judge): Promise<void> => {
    for (;;) {
      const taken = take(progress, extent);
      if (taken !== undefined) {
        const task = judgeOne(judge, taken.from, taken.mutant);
        running.add(task);
        await task.finally(() => running.delete(task));
      } else if (running.size > 0) {
        // What is under way may turn out not to count, and make room for one more.
        await Promise.race(running);
      } else return;
    }
  };
  const judgeOne = async (judge: Judge, from: Progress, mutant: Mutant): Promise<void> => {
    const verdict = await judge(mutant);
    from.underWay--;
    if (isLive(verdict)) from.live++;
    judged.push({ mutant, verdict });
    onVerdict({ mutant, verdict });
  };

  await Promise.all(judges.map(work));
  const order = strata.flatMap((stratum) => stratum.order);
  const places = new Map(order.map((mutant, index) => [mutant, index]));
  return judged.toSorted((a, b) => (places.get(a.mutant) ?? 0) - (places.get(b.mutant) ?? 0));
}

function take(
  progress: readonly Progress[],
  { isKnown, isTimeUp }: Extent,
): { from: Progress; mutant: Mutant } | undefined {
  // Those first of whose quota the least is met, so that a run that is stopped has judged some of every contract.
  for (const from of progress.toSorted((a, b) => shareOf(a) - shareOf(b))) {
    const mutant = from.stratum.order[from.next];
    if (mutant === undefined) continue;
    if (!isKnown(mutant) && (shareOf(from) >= 1 || isTimeUp())) continue;
    from.next++;
    from.underWay++;
    return { from, mutant };
  }
  return undefined;
}

/** How much of its quota will be met when what is under way counts. */
function shareOf({ stratum, live, underWay }: Progress): number {
  return stratum.quota === 0 ? 1 : (live + underWay) / stratum.quota;
}
