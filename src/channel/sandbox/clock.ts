/** When a channel ticks; `tickMs` 0 is never. */
export interface TickTerms {
  readonly tickMs: number;
  /** Ticks further behind than this are skipped. */
  readonly maxCatchUpTicks: number;
  /** The time of record 0. */
  readonly genesisMs: number;
}

/** When the tick after the one that was due at `dueMs` and played at `timeMs` is due. */
export function nextDueMs(dueMs: number, timeMs: number, { tickMs, maxCatchUpTicks, genesisMs }: TickTerms): number {
  if (timeMs - dueMs <= maxCatchUpTicks * tickMs) return dueMs + tickMs;
  return genesisMs + (Math.floor((timeMs - genesisMs) / tickMs) + 1) * tickMs;
}
