import type { ExecutionInput } from "../wire/execution-request.ts";
import type { ProgramReference, RunLimits } from "./engine.ts";

/** What gas is counted by. */
export interface GasTable {
  readonly fixed: bigint;
  readonly perInputByte: bigint;
  readonly perOutputByte: bigint;
  readonly perStateKib: bigint;
  readonly perSecond: bigint;
}

/** All that one run depends on: equal plans give equal outcomes on every machine. */
export interface RunPlan {
  /** The smart account. */
  readonly program: string;
  readonly reference: ProgramReference;
  readonly state: string;
  readonly input: ExecutionInput;
  readonly sequence: bigint;
  /** Seconds since the Unix epoch. */
  readonly time: bigint;
  /** 32 bytes. */
  readonly seed: Uint8Array;
  /** @default those of now */
  readonly limits?: Omit<RunLimits, "timeoutMs"> | undefined;
  /** @default the newest */
  readonly gasTable?: GasTable | undefined;
}

export interface RunOutcome {
  readonly status: "accepted" | "rejected";
  readonly output: Uint8Array;
  readonly outputCid: string;
  /** Equal to the plan's state when nothing changed. */
  readonly newState: string;
  readonly gas: bigint;
  readonly seconds: number;
  /** For people: why a run was rejected. */
  readonly detail: string;
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** From when on nobody has a use for the outcome, in ms since the Unix epoch: of what waits, what ends sooner may go first. */
  readonly deadlineMs?: number | undefined;
  /** Told when the program was begun and its machine failed to take it to an end, before `run` throws that. */
  readonly onEngineFailure?: ((error: unknown) => void) | undefined;
}

/** Runs programs: in this process, or wherever there is somebody to run them. */
export interface Runs {
  /**
   * Resolves with what came out of the run, which is stored and pinned here. To abort it ends the run.
   *
   * @throws SprfError what engines and content stores throw; none of these says anything about the program's result
   */
  run(plan: RunPlan, options?: RunOptions): Promise<RunOutcome>;
}
