/**
 * Gas of a report's transactions, as `npm run bench` measures it for three seats (bench/results/gas.json); one more seat costs the
 * part that grows with them.
 */
const COMMIT_GAS = 63_000n;
const REVEAL_GAS = 44_500n;
const COMMIT_MANY_BASE_GAS = 56_000n;
const COMMIT_MANY_SEAT_GAS = 18_000n;
const REVEAL_MANY_BASE_GAS = 40_000n;
const REVEAL_MANY_SEAT_GAS = 9_500n;

/** A saving below this part of the fee is not worth waiting for others. */
const LEAST_SAVING_DIVISOR = 100n;

/** How a tester brings its report of an epoch, and whether that pays. */
export interface ReportingPlan {
  /** `together`: one tester brings the reports of several, in turns. */
  readonly way: "alone" | "together";
  /** What commit and reveal cost this tester in the mean, in wei. */
  readonly costWei: bigint;
  /** By how much the other way is dearer, in wei. */
  readonly savedWei: bigint;
  /** Whether the fee of the epoch covers the cost. A duty is done all the same: a miss costs more. */
  readonly pays: boolean;
}

/** Compares both ways at the current price of gas with the fee. */
export function planReporting(parts: {
  readonly seats: number;
  readonly gasPriceWei: bigint;
  readonly feeWei: bigint;
}): ReportingPlan {
  const seats = BigInt(Math.max(1, parts.seats));
  const aloneWei = (COMMIT_GAS + REVEAL_GAS) * parts.gasPriceWei;
  const manyGas = COMMIT_MANY_BASE_GAS + REVEAL_MANY_BASE_GAS + (COMMIT_MANY_SEAT_GAS + REVEAL_MANY_SEAT_GAS) * seats;
  // Rounded up, so that the saving is never overstated.
  const togetherWei = (manyGas * parts.gasPriceWei + seats - 1n) / seats;
  const savedWei = aloneWei - togetherWei;
  const together = seats > 1n && savedWei > 0n && savedWei * LEAST_SAVING_DIVISOR >= parts.feeWei;
  const costWei = together ? togetherWei : aloneWei;
  return {
    way: together ? "together" : "alone",
    costWei,
    savedWei: together ? savedWei : 0n,
    pays: parts.feeWei >= costWei,
  };
}

/** The seat that brings the commitments, or the reveals, of all: another one with each epoch. */
export function leaderOf(epoch: number, seats: number, what: "commit" | "reveal"): number {
  return seats < 1 ? 0 : (epoch + (what === "reveal" ? 1 : 0)) % seats;
}

/** Blocks of a window that takes commitments or reveals, first and last included. */
export interface ReportingWindow {
  readonly from: number;
  readonly to: number;
}

/** Blocks before the last one of a window that a fallback leaves: for a slow block, a node that is away, and another try. */
const MARGIN_BLOCKS = 3;

/** Until when reports are brought together. Latest blocks, as a daemon sees them: what it sends lands later. */
export interface Gathering {
  /** From here on the leader brings what it has. */
  readonly leadFrom: number;
  /** From here on everybody brings its own. */
  readonly aloneFrom: number;
}

/** The first half of a window is for gathering, of which a quarter is the leader's to wait; short windows leave no time. */
export function gatheringOf({ from, to }: ReportingWindow): Gathering {
  const length = Math.max(0, to - from + 1);
  const aloneFrom = Math.min(from + Math.floor(length / 2), to - MARGIN_BLOCKS);
  return { leadFrom: Math.min(from + Math.floor(length / 4), aloneFrom - 1), aloneFrom };
}

/** How many times more another is carried than it has carried us. */
const MAX_CREDIT = 4;

/** Whether to pay for another tester's report: who never takes its turn is carried no more. */
export function isCarried(balance: { readonly carried: number; readonly carriedUs: number }): boolean {
  return balance.carried - balance.carriedUs < MAX_CREDIT;
}
