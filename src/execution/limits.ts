import type { ProgramReference, RunLimits } from "../ports/engine.ts";

type EngineKind = ProgramReference["kind"];

const MIB = 1024 * 1024;

/** Version 1 of the limits of a run; records name them. A run past the output or state limit is rejected everywhere alike. */
const LIMITS = { memoryBytes: 256 * MIB, outputBytes: MIB } as const;

/** A container has its state on disk. A WASI program has it in memory, several times over while it is taken in and out. */
const STATE_BYTES = { docker: 512 * MIB, wasi: 64 * MIB } as const;

/** A program is killed after its declared CPU seconds; a loaded machine may take this many times as long by the wall. */
const WALL_FACTOR = 2;

/** A transition can land for two minutes after its payment, so a program that may take longer could never be anchored. */
export const MAX_SECONDS = 50;

const MS_PER_SECOND = 1_000;

/** What a program of a kind may use, as records have it. */
export function limitsOf(kind: EngineKind): Omit<RunLimits, "timeoutMs"> {
  return { ...LIMITS, stateBytes: STATE_BYTES[kind] };
}

export function limitsFor(kind: EngineKind, seconds: number): RunLimits {
  return { ...limitsOf(kind), timeoutMs: seconds * WALL_FACTOR * MS_PER_SECOND };
}
