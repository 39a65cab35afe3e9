/** How often a channel's program is called by time itself. */
export interface TickRule {
  /** 0: never. */
  readonly tickMs: number;
  /** After a pause, at most so many are played. */
  readonly maxCatchUpTicks: number;
  /** Time of record 0. */
  readonly genesisMs: number;
}

/** When the first tick is due; undefined when none ever is. */
export function firstTickMs({ tickMs, genesisMs }: TickRule): number | undefined {
  return tickMs > 0 ? genesisMs + tickMs : undefined;
}

/** When the tick after the one that was due at `dueMs` and played at `timeMs` is due. */
export function nextTickMs({ tickMs, maxCatchUpTicks, genesisMs }: TickRule, dueMs: number, timeMs: number): number {
  if (timeMs - dueMs <= maxCatchUpTicks * tickMs) return dueMs + tickMs;
  const played = Math.floor((timeMs - genesisMs) / tickMs);
  return genesisMs + (played + 1) * tickMs;
}
