import type { Outcome } from "../../ports/chain.ts";

/** What became of a tester's accusation when the worker looked into it. */
export type Finding =
  /** Shown to be false: the worker's answer is what the program gives, or the request that nobody answered was answered. */
  | "refuted"
  /** The tester shows nothing that its verdict follows from. */
  | "unsupported"
  /** The worker was at fault, or cannot show that it was not. */
  | "stands";

export interface AppealStakes {
  readonly outcome: Outcome;
  /** One for each tester that reported the worker as bad. */
  readonly findings: readonly Finding[];
  /** Seats of the epoch. */
  readonly testerCount: number;
  readonly bondWei: bigint;
  /** What the worker gets for the epoch when it is found good. */
  readonly payWei: bigint;
  /** What a wrong epoch takes of its stake. */
  readonly slashWei: bigint;
  /** What the transactions of an appeal cost. */
  readonly gasWei: bigint;
}

export interface AppealDecision {
  readonly appeal: boolean;
  /** Chance to win, in basis points. */
  readonly chance: number;
  readonly reason: "no-fault-found" | "accusations-stand" | "not-worth-it" | "worth-it";
}

const ALL_CHANCE = 10_000n;
/** In basis points. A panel looks again with its own eyes, so nothing is certain. */
const CHANCE: Readonly<Record<Finding, bigint>> = { refuted: 9_000n, unsupported: 7_500n, stands: 5_500n };

/**
 * Whether a worker appeals an outcome against itself: only when it can say of most accusations that they are false, and when the
 * pay and the stake to be won, times the chance, are more than the bond to be lost and the gas.
 */
export function decideAppeal(stakes: AppealStakes): AppealDecision {
  const { outcome, findings } = stakes;
  const accused = outcome === "wrong" || outcome === "unreachable";
  if (!accused || findings.length === 0) return { appeal: false, chance: 0, reason: "no-fault-found" };
  const standing = findings.filter((finding) => finding === "stands").length;
  if (standing * 2 > stakes.testerCount) return { appeal: false, chance: 0, reason: "accusations-stand" };

  const chances = findings.map((finding) => CHANCE[finding]);
  const chance = chances.reduce((least, each) => (each < least ? each : least), ALL_CHANCE);
  const prizeWei = stakes.payWei + (outcome === "wrong" ? stakes.slashWei : 0n);
  const gain = prizeWei * chance;
  const loss = stakes.bondWei * (ALL_CHANCE - chance) + stakes.gasWei * ALL_CHANCE;
  return gain > loss
    ? { appeal: true, chance: Number(chance), reason: "worth-it" }
    : { appeal: false, chance: Number(chance), reason: "not-worth-it" };
}
