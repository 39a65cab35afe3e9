/** Chances are counted in parts of this. */
const WHOLE = 1_000n;
const CHALLENGE_GAS = 165_000n;
const APPEAL_GAS = 150_000n;
/** Only this part of what an account holds is put at stake for one bond. */
const BALANCE_DIVISOR = 10n;

/** Why a report is doubted: its evidence cannot be had, or holds no signed answer for an `ok`. */
export type ChallengeGrounds = "evidence-missing" | "no-answer";

/** Own challenges on the same grounds so far. */
export interface ChallengeRecord {
  /** Left unanswered: the report was struck. */
  readonly won: number;
  /** Answered: the bond is gone. */
  readonly lost: number;
}

/**
 * What is assumed before anything is known, as if so many had been won and lost. Evidence that cannot be had may be the network's
 * fault, so it takes few answered challenges to stop.
 */
const PRIOR: Readonly<Record<ChallengeGrounds, ChallengeRecord>> = {
  "evidence-missing": { won: 7, lost: 2 },
  "no-answer": { won: 19, lost: 1 },
};

/**
 * Whether to challenge a report: its bond is lost when the tester answers, half of the penalty is earned when it does not. True
 * when what is to be expected is more than the gas, and the bond is a small part of what the account holds.
 *
 * Others who asked in vain share that half, but their open challenges count for nothing here: an accomplice of the tester could
 * make them only to deter, and if they are not answered either, the bond comes back all the same.
 */
export function decideChallenge(parts: {
  readonly grounds: ChallengeGrounds;
  readonly record: ChallengeRecord;
  readonly missPenaltyWei: bigint;
  readonly gasPriceWei: bigint;
  readonly balanceWei: bigint;
  /** Challenges begun today, and the most of a day. */
  readonly today: number;
  readonly mostADay: number;
}): boolean {
  const { missPenaltyWei, record, today, mostADay } = parts;
  if (today >= mostADay || missPenaltyWei * BALANCE_DIVISOR > parts.balanceWei) return false;
  const prior = PRIOR[parts.grounds];
  const won = BigInt(record.won + prior.won);
  const all = won + BigInt(record.lost + prior.lost);
  const chance = (won * WHOLE) / all;
  const expectedWei = (chance * (missPenaltyWei / 2n) - (WHOLE - chance) * missPenaltyWei) / WHOLE;
  return expectedWei > CHALLENGE_GAS * parts.gasPriceWei;
}

/** A panel that runs a worker's signed lie again comes to the same, unless it does not come together. */
const APPEAL_CHANCE = 950n;

/**
 * Whether a tester appeals an outcome that overruled its verdict. Winning gives back the bond and nothing more, so a tester does it
 * only with proof, and spends at most what the epoch earned it: the expected loss of the bond and the gas.
 */
export function decideAppeal(parts: {
  /** Its evidence alone makes anybody who runs it again come to its verdict. */
  readonly proven: boolean;
  readonly bondWei: bigint;
  readonly feeWei: bigint;
  readonly gasPriceWei: bigint;
  readonly balanceWei: bigint;
}): boolean {
  const { bondWei } = parts;
  if (!parts.proven || bondWei * BALANCE_DIVISOR > parts.balanceWei) return false;
  const expectedLossWei = ((WHOLE - APPEAL_CHANCE) * bondWei) / WHOLE + APPEAL_GAS * parts.gasPriceWei;
  return expectedLossWei <= parts.feeWei;
}
