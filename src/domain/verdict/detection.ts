/** A worker that lies now and then, and the testers that may meet it. */
export interface Liar {
  /** Share of its answers that are lies, 0 to 1; it cannot tell a tester's request from a user's. */
  readonly lieShare: number;
  /** Lies among the transitions from which a tester chooses the one that it runs again, see {@link MAX_LANDED_DEPTH}. */
  readonly landed?: { readonly lies: number; readonly of: number };
}

export interface Watch {
  /** Testers of an epoch. */
  readonly testers: number;
  readonly epochs: number;
  /** Share of the testers' seats that honest ones have. @default 1 */
  readonly honestShare?: number;
  /** Share of epochs in which a tester's probe comes to a comparison. @default 1 */
  readonly probeCoverage?: number;
  /** Share of epochs in which a tester's second run of a landed transition comes to a comparison. @default 1 */
  readonly landedCoverage?: number;
}

/**
 * Chance that one tester of one epoch sees a lie: its probe is one answer of the worker's many, and the transition that it runs
 * again is one of those that landed. Both are drawn without the worker's knowledge, so the worker's choice of when to lie does
 * not matter, only how often.
 */
export function seenByOneTester(liar: Liar, watch: Omit<Watch, "testers" | "epochs"> = {}): number {
  const { honestShare = 1, probeCoverage = 1, landedCoverage = 1 } = watch;
  const landedShare = liar.landed === undefined ? 0 : ratio(liar.landed.lies, liar.landed.of);
  const missed =
    (1 - probability(probeCoverage) * probability(liar.lieShare)) * (1 - probability(landedCoverage) * landedShare);
  return probability(honestShare) * (1 - missed);
}

/**
 * Chance that a lying worker is seen by at least one tester within the epochs: 1 - (1 - s)^(testers x epochs), s as
 * {@link seenByOneTester} gives it. One tester is enough: it holds the worker's signed lie, and an appeal brings it to a panel.
 *
 * Source: sampling as in provable data possession (Ateniese et al., CCS 2007, section 4.2; FilOzone/pdp uses the same for its
 * challenges): of c independent samples at a share x of faults at least one hits with 1 - (1 - x)^c.
 */
export function seenByAnyTester(liar: Liar, watch: Watch): number {
  return 1 - (1 - seenByOneTester(liar, watch)) ** (whole(watch.testers) * whole(watch.epochs));
}

/**
 * Chance that, in one of the epochs, more than half of the testers see a lie themselves, so that the outcome is `wrong` without
 * an appeal: 1 - (1 - B)^epochs, B the upper tail of the binomial distribution.
 */
export function seenByMajority(liar: Liar, watch: Watch): number {
  const seen = seenByOneTester(liar, watch);
  const testers = whole(watch.testers);
  let tail = 0;
  for (let hits = Math.floor(testers / 2) + 1; hits <= testers; hits++) {
    tail += choose(testers, hits) * seen ** hits * (1 - seen) ** (testers - hits);
  }
  return 1 - (1 - Math.min(tail, 1)) ** whole(watch.epochs);
}

/** A row of what is published: how likely a worker that lies in this share of its answers is seen. */
export interface DetectionRow {
  readonly lieShare: number;
  readonly testers: number;
  readonly epochs: number;
  readonly seenByAny: number;
  readonly seenByMajority: number;
}

const PUBLISHED_SHARES = [0.01, 0.05, 0.1, 0.25, 1];
const PUBLISHED_EPOCHS = [1, 5, 20, 100];

/** The table that daemons and documents publish: probes alone, every seat honest. */
export function detectionTable(testers: number): readonly DetectionRow[] {
  return PUBLISHED_SHARES.flatMap((lieShare) =>
    PUBLISHED_EPOCHS.map((epochs) => ({
      lieShare,
      testers,
      epochs,
      seenByAny: seenByAnyTester({ lieShare }, { testers, epochs }),
      seenByMajority: seenByMajority({ lieShare }, { testers, epochs }),
    })),
  );
}

/** Rows of a Markdown table, one for each share of lies: seen by any tester, and in brackets by a majority. */
export function detectionMarkdown(testers: number): readonly string[] {
  const rows = detectionTable(testers);
  return PUBLISHED_SHARES.map((lieShare) => {
    const cells = rows
      .filter((row) => row.lieShare === lieShare)
      .map((row) => `${percent(row.seenByAny)} (${percent(row.seenByMajority)})`);
    return `| ${[percent(lieShare), ...cells].join(" | ")} |`;
  });
}

function percent(value: number): string {
  if (value > 0.9999 && value < 1) return "> 99.99 %";
  return `${(value * 100).toFixed(value > 0.995 && value < 1 ? 2 : 0)} %`;
}

function probability(value: number): number {
  return Number.isFinite(value) ? Math.min(Math.max(value, 0), 1) : 0;
}

function ratio(part: number, of: number): number {
  return of > 0 ? probability(part / of) : 0;
}

function whole(value: number): number {
  return Number.isFinite(value) ? Math.max(Math.trunc(value), 0) : 0;
}

function choose(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
  return result;
}
