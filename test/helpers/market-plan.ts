/** The programs that users run. */
export const PROGRAM_KINDS = ["journal", "notes", "bomb"] as const;

export type ProgramKind = (typeof PROGRAM_KINDS)[number];

/** How an agreement's workers come about; `liar`: the client names the liar and two honest ones. */
export type PurchaseWay = "drawn" | "policy" | "named" | "liar";

/** What becomes of an agreement besides executions. */
export type Turn = "none" | "extended" | "terminated" | "resigned";

/** What one client does with one agreement. */
export interface AgreementPlan {
  readonly index: number;
  /** Which of the clients buys it. */
  readonly client: number;
  readonly way: PurchaseWay;
  readonly redundancy: number;
  readonly testerCount: 1 | 3;
  readonly epochs: number;
  readonly turn: Turn;
  readonly program: ProgramKind;
  /** Users who run inputs side by side, and inputs of each. */
  readonly users: number;
  readonly inputsEach: number;
}

export interface MarketPlanInit {
  readonly agreements: number;
  readonly clients: number;
  /** In all. */
  readonly executions: number;
  readonly epochs: { readonly min: number; readonly max: number };
}

const WAYS: readonly PurchaseWay[] = ["liar", "drawn", "policy", "drawn", "named"];
const REDUNDANCY: Readonly<Record<PurchaseWay, readonly number[]>> = {
  liar: [3],
  drawn: [3, 1, 3, 2],
  policy: [2, 3],
  named: [1, 3, 2],
};
const TURNS: readonly Turn[] = ["none", "extended", "none", "none", "terminated", "none", "resigned"];

/**
 * Agreements of all kinds in turns. The liar is in a fifth of them, always with two honest workers, so that what it says never
 * lands. The market gives 3 testers to whoever names workers.
 */
export function planMarket({ agreements, clients, executions, epochs }: MarketPlanInit): readonly AgreementPlan[] {
  const seen = new Map<PurchaseWay, number>();
  return Array.from({ length: agreements }, (_, index) => {
    const way = WAYS[index % WAYS.length]!;
    const nth = seen.get(way) ?? 0;
    seen.set(way, nth + 1);
    const choices = REDUNDANCY[way];
    const share = Math.floor(executions / agreements) + (index < executions % agreements ? 1 : 0);
    // Every third program has two users, who contend for its state.
    const users = index % 3 === 2 && share % 2 === 0 ? 2 : 1;
    const span = epochs.max - epochs.min + 1;
    const turn = way === "liar" ? "none" : TURNS[index % TURNS.length]!;
    return {
      index,
      client: index % clients,
      way,
      // The majority of three goes on without the one that resigns.
      redundancy: turn === "resigned" ? 3 : choices[nth % choices.length]!,
      testerCount: way === "drawn" && nth % 2 === 1 ? 1 : 3,
      // Lies are only found where there is time to look, and only what is long can be cut short.
      epochs: way === "liar" || turn === "terminated" ? epochs.max : epochs.min + (index % span),
      turn,
      program: PROGRAM_KINDS[index % PROGRAM_KINDS.length]!,
      users,
      inputsEach: share / users,
    } satisfies AgreementPlan;
  });
}
