import type { ProgramReference, RunLimits } from "../ports/engine.ts";

type EngineKind = ProgramReference["kind"];

/** What a program may use, as records have it: the seconds are its own. */
export type Limits = Omit<RunLimits, "timeoutMs">;

/** The limits of all engines at one time. */
export type LimitTable = Readonly<Record<EngineKind, Limits>>;

const MIB = 1024 * 1024;

/**
 * The limits that runs have now. A run past the output or state limit is rejected everywhere alike. A container has its state on disk;
 * a WASI program has it in memory, several times over while it is taken in and out.
 */
const LIMITS: LimitTable = {
  docker: { memoryBytes: 256 * MIB, outputBytes: MIB, stateBytes: 512 * MIB },
  wasi: { memoryBytes: 256 * MIB, outputBytes: MIB, stateBytes: 64 * MIB },
};

/**
 * All limits that runs ever had, the newest last. Records name theirs in full, and whoever repeats a run does it under those: so a table
 * that is replaced stays here.
 */
export const LIMIT_TABLES: readonly LimitTable[] = [LIMITS];

/** A program is killed after its declared CPU seconds; a loaded machine may take this many times as long by the wall. */
const WALL_FACTOR = 2;

/** A transition can land for two minutes after its payment, so a program that may take longer could never be anchored. */
export const MAX_SECONDS = 50;

const MS_PER_SECOND = 1_000;

/** What a program of a kind may use now. */
export function limitsOf(kind: EngineKind): Limits {
  return LIMITS[kind];
}

/** The limits of a run. @param limits @default those of now */
export function limitsFor(kind: EngineKind, seconds: number, limits: Limits = limitsOf(kind)): RunLimits {
  const { memoryBytes, outputBytes, stateBytes } = limits;
  return { memoryBytes, outputBytes, stateBytes, timeoutMs: seconds * WALL_FACTOR * MS_PER_SECOND };
}
