/** How a deployment looked when it was probed. */
export interface Probe {
  readonly contractId: number;
  readonly atMs: number;
  /** What is wrong with it; empty when it is well. */
  readonly faults: readonly string[];
}

/** Since when deployments have been dead, by contract. */
export type WatchState = ReadonlyMap<number, number>;

export type WatchVerdict =
  | { readonly kind: "well"; readonly contractId: number; readonly isBack: boolean }
  | {
      readonly kind: "dead";
      readonly contractId: number;
      readonly forMs: number;
      readonly faults: readonly string[];
      /** By the policy. */
      readonly isToCancel: boolean;
    };

/**
 * What a probe means. A deployment that was seen well once in between is not dead for longer than since then; what was not probed
 * is not dead.
 */
export function judgeProbe(
  state: WatchState,
  { contractId, atMs, faults }: Probe,
  /** Absent: nothing is ever cancelled. */
  { cancelAfterMs }: { readonly cancelAfterMs?: number | undefined },
): { readonly state: WatchState; readonly verdict: WatchVerdict } {
  const next = new Map(state);
  const since = state.get(contractId);
  if (faults.length === 0) {
    next.delete(contractId);
    return { state: next, verdict: { kind: "well", contractId, isBack: since !== undefined } };
  }
  next.set(contractId, since ?? atMs);
  const forMs = Math.max(0, atMs - (since ?? atMs));
  const isToCancel = cancelAfterMs !== undefined && since !== undefined && forMs >= cancelAfterMs;
  return { state: next, verdict: { kind: "dead", contractId, forMs, faults, isToCancel } };
}
