import type { Equivalents } from "./equivalents.ts";
import type { Judged } from "./judge-all.ts";
import { hasSurvived, isLive, type Verdict } from "./verdict.ts";

/** Of the mutants that a test could tell from the original, how many may survive. */
const SURVIVORS_ALLOWED = 0.05;

export interface Totals {
  /** All that compiled. */
  readonly mutants: number;
  /** Those that no test told from the original, without those argued equivalent. */
  readonly survivors: readonly Judged[];
  /** Those whose bytecode is the original's, and those argued equivalent. */
  readonly equivalents: readonly Judged[];
  /** Argued equivalent, and yet a test told them from the original. */
  readonly refuted: readonly Judged[];
  readonly counts: Readonly<Record<Verdict["status"], number>>;
  readonly secondsPerKill: number;
}

export function totalsOf(judged: readonly Judged[], { reasons }: Equivalents): Totals {
  const isArgued = ({ mutant }: Judged): boolean => reasons.has(mutant.id);
  const counts = { killed: 0, "timed-out": 0, survived: 0, unjudged: 0, stillborn: 0, "same-code": 0 };
  for (const { verdict } of judged) counts[verdict.status]++;
  const killed = judged.filter(({ verdict }) => verdict.status === "killed");
  const killSeconds = killed.reduce((sum, { verdict }) => sum + verdict.seconds, 0);
  return {
    mutants: judged.length - counts.stillborn,
    survivors: judged.filter((one) => hasSurvived(one.verdict) && !isArgued(one)),
    equivalents: judged.filter(
      (one) => one.verdict.status === "same-code" || (hasSurvived(one.verdict) && isArgued(one)),
    ),
    refuted: judged.filter((one) => isLive(one.verdict) && !hasSurvived(one.verdict) && isArgued(one)),
    counts,
    secondsPerKill: killed.length === 0 ? 0 : Math.round((killSeconds / killed.length) * 10) / 10,
  };
}

/** Whether the tests are good enough, and every argument for an equivalent holds. */
export function isGoodEnough({ mutants, survivors, equivalents, refuted }: Totals): boolean {
  const tellable = mutants - equivalents.length;
  return refuted.length === 0 && tellable > 0 && survivors.length <= tellable * SURVIVORS_ALLOWED;
}

/** The line that everything ends with. */
export function closingLine({ mutants, survivors, equivalents }: Totals): string {
  return `mutants ${mutants} survived ${survivors.length} equivalent ${equivalents.length}`;
}
