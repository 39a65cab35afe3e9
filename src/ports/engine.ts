/** What a smart account names: an image pinned by digest, or a WASI module by CID. */
export type ProgramReference =
  | {
      readonly kind: "docker";
      /** `host/repo:tag` */ readonly image: string;
      /** 64 hex digits */ readonly digest: string;
    }
  | { readonly kind: "wasi"; readonly cid: string };

/** A program that is on this machine, checked, and ready to run. */
export interface PreparedProgram {
  readonly reference: ProgramReference;
  /** CPU seconds that it declares (`sprf.seconds`); counted as gas and used as the limit of a run. */
  readonly seconds: number;
  /** What its state is: one file, or a directory (label `sprf.state`). */
  readonly state: "file" | "directory";
}

/** All that a program may depend on besides state and input. */
export interface ProgramEnvironment {
  /** `SPRF_PROGRAM`: the smart account. */
  readonly program: string;
  /** `SPRF_SEQUENCE`: decimal. */
  readonly sequence: string;
  /** `SPRF_TIME`: seconds since the Unix epoch, decimal. */
  readonly time: string;
  /** `SPRF_SEED`: 64 hex digits. */
  readonly seed: string;
}

export interface RunLimits {
  readonly memoryBytes: number;
  readonly outputBytes: number;
  readonly stateBytes: number;
  /** Wall time after which the run is killed. */
  readonly timeoutMs: number;
}

export interface ProgramRun {
  readonly program: PreparedProgram;
  /**
   * A file (empty on the first run) or directory on this machine that the engine hands to the program read-write, and that
   * holds the new state after an accepted run. What is left there after any other end is undefined.
   */
  readonly statePath: string;
  readonly input: Uint8Array;
  readonly environment: ProgramEnvironment;
  readonly limits: RunLimits;
}

/**
 * What the program did. `accepted`: exit 0. `rejected`: any other exit, or a limit whose excess is the same on every machine
 * (output, state). Failures of one machine alone (deadline, memory, a dead engine) are errors, never results.
 */
export type RunResult =
  | { readonly status: "accepted"; readonly output: Uint8Array }
  | {
      readonly status: "rejected";
      readonly reason: "exit" | "output-limit" | "state-limit";
      readonly exitCode: number;
      readonly output: Uint8Array;
      /** The end of stderr, for people; never signed. */
      readonly stderrTail: string;
    };

/** Runs programs without network, with fixed limits and nothing that varies between machines. */
export interface Engine {
  readonly kind: ProgramReference["kind"];
  /**
   * @throws SprfError `ENGINE_UNAVAILABLE`
   */
  check(options?: { signal?: AbortSignal | undefined }): Promise<void>;
  /**
   * Fetches and checks the program.
   *
   * @throws SprfError `PROGRAM_NOT_FOUND`, `PROGRAM_INVALID`, `REGISTRY_STALLED`, `ENGINE_UNAVAILABLE`
   */
  prepare(
    reference: ProgramReference,
    options?: { signal?: AbortSignal | undefined; onProgress?: (progress: { done: number; total: number }) => void },
  ): Promise<PreparedProgram>;
  /**
   * @throws SprfError `ENGINE_FAILED` (out of memory, killed, engine died), `TIMEOUT`, `ABORTED`, `ENGINE_UNAVAILABLE`
   */
  run(run: ProgramRun, options?: { signal?: AbortSignal | undefined }): Promise<RunResult>;
  /** Ends what runs and removes what this or a crashed earlier process left behind. */
  close(): Promise<void>;
}
