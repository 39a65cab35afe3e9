/** A payment buys this many runs: the first, and two more when others were faster to land. */
export const MAX_ATTEMPTS = 3;

/** What became of an earlier run of a request. */
export interface PastAttempt {
  readonly sequence: bigint;
  /** Undefined for a run that changed nothing. */
  readonly landed: "success" | "failure" | "no" | undefined;
}

export type NextAttempt =
  /** Give the answer of this earlier run again. */
  | { readonly kind: "repeat"; readonly index: number }
  | { readonly kind: "run" }
  | { readonly kind: "refuse"; readonly why: string };

/**
 * Decides what a request that comes in (again) gets, on the account's present sequence: the same answer for the same sequence
 * and for what landed; another run where somebody else landed first; nothing more once a landing failed or the tries are used up.
 */
export function nextAttempt(past: readonly PastAttempt[], sequence: bigint): NextAttempt {
  const landed = past.findIndex((attempt) => attempt.landed === "success");
  if (landed >= 0) return { kind: "repeat", index: landed };
  const same = past.findIndex((attempt) => attempt.sequence === sequence);
  if (same >= 0) return { kind: "repeat", index: same };
  if (past.some((attempt) => attempt.landed === "failure")) {
    return { kind: "refuse", why: "its transition landed and failed, which ends what the payment bought" };
  }
  if (past.length >= MAX_ATTEMPTS) {
    return { kind: "refuse", why: `it was run ${MAX_ATTEMPTS} times, which is what a payment buys` };
  }
  return { kind: "run" };
}
