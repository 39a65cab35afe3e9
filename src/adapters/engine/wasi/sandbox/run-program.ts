import { Descriptors } from "./descriptors.ts";
import { Errno, ERRNO, ProgramStop } from "./errno.ts";
import { FileSystem } from "./file-system.ts";
import { GuestMemory } from "./guest-memory.ts";
import type { HostContext, HostFunction } from "./host-context.ts";
import { fileFunctions } from "./host-files.ts";
import { pathFunctions } from "./host-paths.ts";
import { processFunctions } from "./host-process.ts";
import { OutputBuffer, TailBuffer } from "./output-buffer.ts";
import type { DirectoryLimits } from "./quota.ts";
import { RandomStream } from "./random-stream.ts";
import { WASI_MODULE, type WasiFunction } from "./signatures.ts";
import { decodeArchive, encodeChanges, type ArchiveEntry } from "./state-archive.ts";

export interface SandboxRequest {
  readonly environment: { program: string; sequence: string; time: string; seed: string };
  readonly outputBytes: number;
  /** What the state's scratch copy is: the file, or an archive of the directory. */
  readonly state: "file" | "directory";
  readonly stateBytes: number;
  readonly directoryLimits: DirectoryLimits;
  readonly scratchBytes: number;
  readonly stderrBytes: number;
}

export interface SandboxOutcome {
  /** `trap`: the program did what WebAssembly forbids, equally on every machine. `failed`: this machine could not run it. */
  readonly end: "exit" | "trap" | "output-limit" | "state-limit" | "failed";
  readonly exitCode: number;
  readonly message: string;
  readonly output: Uint8Array;
  readonly stderr: Uint8Array;
  /** The new state in parts, or undefined when the program did not change it. */
  readonly state: readonly Uint8Array[] | undefined;
}

/** Runs a module's `_start` once. Never throws for what the program does. */
export function runProgram(
  module: WebAssembly.Module,
  request: SandboxRequest,
  scratchCopy: Buffer,
  input: Uint8Array,
): SandboxOutcome {
  const { environment } = request;
  const state = request.state === "file" ? scratchCopy : decodeArchive(scratchCopy);
  const files = new FileSystem({
    state,
    stateBytes: request.stateBytes,
    scratchBytes: request.scratchBytes,
    limits: request.directoryLimits,
  });
  const context: HostContext = {
    memory: new GuestMemory(),
    files,
    descriptors: new Descriptors(files.root),
    input: { bytes: input, position: 0 },
    output: new OutputBuffer(request.outputBytes),
    stderr: new TailBuffer(request.stderrBytes),
    random: new RandomStream(environment.seed),
    environment: [
      `SPRF_PROGRAM=${environment.program}`,
      `SPRF_SEQUENCE=${environment.sequence}`,
      `SPRF_TIME=${environment.time}`,
      `SPRF_SEED=${environment.seed}`,
    ],
    time: BigInt(environment.time) * 1_000_000_000n,
  };
  const ended = execute(module, context);
  return {
    ...ended,
    output: context.output.take(),
    stderr: context.stderr.take(),
    state: newState(files, Array.isArray(state) ? state : []),
  };
}

function newState({ state }: FileSystem, before: readonly ArchiveEntry[]): readonly Uint8Array[] | undefined {
  if (state.kind === "directory") return encodeChanges(state, before);
  return state.changed ? [state.data.subarray(0, state.size)] : undefined;
}

function execute(
  module: WebAssembly.Module,
  context: HostContext,
): Pick<SandboxOutcome, "end" | "exitCode" | "message"> {
  try {
    const instance = new WebAssembly.Instance(module, { [WASI_MODULE]: hostImports(context) });
    context.memory.attach(instance.exports["memory"] as WebAssembly.Memory);
    (instance.exports["_start"] as () => void)();
    return { end: "exit", exitCode: 0, message: "" };
  } catch (error) {
    if (error instanceof ProgramStop) return { end: error.reason, exitCode: error.exitCode, message: error.message };
    // A trap. Exhausted stack or memory of this process is a RangeError and says nothing about the program.
    if (error instanceof WebAssembly.RuntimeError) return { end: "trap", exitCode: 0, message: error.message };
    return { end: "failed", exitCode: 0, message: String(error) };
  }
}

function hostImports(context: HostContext): Record<string, (...parameters: never[]) => number> {
  const functions: Record<WasiFunction, HostFunction> = {
    ...processFunctions(context),
    ...fileFunctions(context),
    ...pathFunctions(context),
  };
  const guarded = Object.entries(functions).map(([name, call]) => [
    name,
    (...parameters: never[]): number => {
      try {
        return call(...parameters) ?? ERRNO.success;
      } catch (error) {
        if (error instanceof Errno) return error.code;
        throw error;
      }
    },
  ]);
  return Object.fromEntries(guarded) as Record<string, (...parameters: never[]) => number>;
}
