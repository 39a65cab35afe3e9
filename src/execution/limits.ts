import type { RunLimits } from "../ports/engine.ts";

/** Version 1 of the limits of a run; records name them. A run past the output or state limit is rejected everywhere alike. */
export const LIMITS = {
  memoryBytes: 256 * 1024 * 1024,
  outputBytes: 1024 * 1024,
  stateBytes: 64 * 1024 * 1024,
} as const;

/** A program is killed after its declared CPU seconds; a loaded machine may take this many times as long by the wall. */
const WALL_FACTOR = 2;

/** A transition can land for two minutes after its payment, so a program that may take longer could never be anchored. */
export const MAX_SECONDS = 50;

const MS_PER_SECOND = 1_000;

export function limitsFor(seconds: number): RunLimits {
  return { ...LIMITS, timeoutMs: seconds * WALL_FACTOR * MS_PER_SECOND };
}
