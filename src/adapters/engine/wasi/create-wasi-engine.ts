import { constants } from "node:fs";
import { copyFile, rename, stat } from "node:fs/promises";
import { tmpdir } from "node:os";

import { EXIT_CODE_TRAP, MAX_MODULE_BYTES, SCRATCH_BYTES, STDERR_TAIL_BYTES } from "../../../domain/engine-limits.ts";
import { isSprfError, SprfError } from "../../../errors.ts";
import type { ContentStore } from "../../../ports/content-store.ts";
import type { Engine, PreparedProgram, ProgramReference, ProgramRun, RunResult } from "../../../ports/engine.ts";
import type { Logger } from "../../../ports/logger.ts";
import { abortError, throwIfAborted } from "../../../utils/abort.ts";
import type { TreeEntry } from "../../../files/list-tree.ts";
import { canonicaliseNans } from "./canonicalise-nans.ts";
import { DIRECTORY_LIMITS, packDirectory, unpackDirectory } from "./directory-state.ts";
import { inspectModule, limitMemory, PAGE_BYTES } from "./inspect-module.ts";
import { type CheckedModule, ModuleCache } from "./module-cache.ts";
import type { ModuleToRun, SandboxProcess } from "./sandbox-process.ts";
import { SandboxPool } from "./sandbox-pool.ts";
import { parseOutcome } from "./parse-outcome.ts";
import { refuse } from "./wasm-reader.ts";

const CHECK_TIMEOUT_MS = 30_000;
const MODULE_CACHE_BYTES = 128 * 1024 * 1024;

export interface WasiEngineComponents {
  readonly content: Pick<ContentStore, "get">;
  readonly logger: Logger;
}

export interface WasiEngineInit {
  /**
   * Where scratch copies of states and the sandbox's code rest.
   *
   * @default the system's temporary directory
   */
  readonly scratchDirectory?: string | undefined;
  /**
   * Sandboxes started ahead of time once the engine is used; about 45 MB each.
   *
   * @default 2
   */
  readonly warm?: number | undefined;
}

/**
 * Runs WASI preview 1 commands, each run in a process of its own that can be killed. The program sees a file system of
 * `/sprf/state` and an empty `/tmp` in memory, a clock that stands at `SPRF_TIME`, randomness that follows from `SPRF_SEED`,
 * NaNs of the same bits on every machine, and nothing else. A trap is a rejection with exit code 134; exhausted stack and time are failures of this machine.
 */
export function createWasiEngine(components: WasiEngineComponents, init: WasiEngineInit = {}): Engine {
  const { content, logger } = components;
  const pool = new SandboxPool(
    { logger },
    { scratchDirectory: init.scratchDirectory ?? tmpdir(), warm: init.warm ?? 2 },
  );
  const modules = new ModuleCache(MODULE_CACHE_BYTES);

  async function load(reference: ProgramReference, signal: AbortSignal | undefined): Promise<CheckedModule> {
    if (reference.kind !== "wasi") throw new SprfError("INVALID_INPUT", "the wasi engine runs wasm: programs only");
    const cached = modules.get(reference.cid);
    if (cached !== undefined) return cached;
    const bytes = await fetchModule(content, reference.cid, signal);
    const { floats, memory, parameterCounts, seconds, state } = inspectModule(bytes);
    const canonical = floats ? canonicaliseNans(bytes, parameterCounts) : bytes;
    await withSandbox(pool, { signal, timeoutMs: CHECK_TIMEOUT_MS }, async (sandbox) => {
      // Also as it came: what is added must not make a module valid that is not, and messages must fit what its author built.
      const bodies = floats ? [bytes, canonical] : [bytes];
      const { header } = await sandbox.request({ type: "check" }, bodies, { type: "checked", maxBodyBytes: 0 });
      if (header["message"] !== "") refuse(String(header["message"]).slice(0, 500));
    });
    const facts = { seconds, state, memory: floats ? inspectModule(canonical).memory : memory };
    const module = { cid: reference.cid, bytes: canonical, facts };
    modules.set(reference.cid, module);
    logger.info("program checked", { cid: reference.cid, bytes: bytes.length, canonicalNans: floats });
    return module;
  }

  return {
    kind: "wasi",

    async check({ signal } = {}) {
      await withSandbox(pool, { signal, timeoutMs: CHECK_TIMEOUT_MS }, () => Promise.resolve());
    },

    async prepare(reference, { signal, onProgress } = {}) {
      throwIfAborted(signal);
      const { bytes, facts } = await load(reference, signal);
      onProgress?.({ done: bytes.length, total: bytes.length });
      return { reference, seconds: facts.seconds, state: facts.state } satisfies PreparedProgram;
    },

    async run(run, { signal } = {}) {
      const { cid, bytes, facts } = await load(run.program.reference, signal);
      if (facts.state === "file" && (await stat(run.statePath)).size > run.limits.stateBytes) {
        return rejected("state-limit", 0);
      }
      const maxPages = Math.floor(run.limits.memoryBytes / PAGE_BYTES);
      const limited = limitMemory(bytes, facts, maxPages);
      if (limited === undefined)
        return rejected("exit", EXIT_CODE_TRAP, "the program needs more memory than its limit");
      const toRun = { key: `${cid}/${maxPages}`, module: limited };
      return await withSandbox(pool, { signal, timeoutMs: run.limits.timeoutMs, toRun }, (sandbox) =>
        runInSandbox(sandbox, toRun, run),
      );
    },

    close: () => pool.close(),
  };
}

async function runInSandbox(
  sandbox: SandboxProcess,
  { key, module }: ModuleToRun,
  run: ProgramRun,
): Promise<RunResult> {
  const { limits, environment, program } = run;
  let before: readonly TreeEntry[] = [];
  try {
    if (program.state === "directory") {
      before = await packDirectory(run.statePath, sandbox.statePath, limits.stateBytes);
    } else {
      // Where the file system can, the copy shares its blocks.
      await copyFile(run.statePath, sandbox.statePath, constants.COPYFILE_FICLONE);
    }
  } catch (error) {
    if (isSprfError(error, "STATE_REFUSED")) return rejected("state-limit", 0, error.message);
    throw error;
  }
  const request = {
    environment,
    outputBytes: limits.outputBytes,
    state: program.state,
    stateBytes: limits.stateBytes,
    directoryLimits: DIRECTORY_LIMITS,
    scratchBytes: SCRATCH_BYTES,
    stderrBytes: STDERR_TAIL_BYTES,
  };
  const code = sandbox.loaded === key ? new Uint8Array(0) : module;
  const frame = await sandbox.request({ type: "run", request }, [code, run.input], {
    type: "result",
    maxBodyBytes: limits.outputBytes + STDERR_TAIL_BYTES,
  });
  const { end, exitCode, message, stateChanged, output, stderr } = parseOutcome(frame);
  if (end === "failed") throw new SprfError("ENGINE_FAILED", `the program could not be run here: ${message}`);
  const stderrTail = Buffer.from(stderr).toString("utf8");
  if (end === "trap") return rejected("exit", EXIT_CODE_TRAP, `${stderrTail}trap: ${message}`, output);
  if (end !== "exit") return rejected(end, 0, stderrTail, output);
  if (exitCode !== 0) return rejected("exit", exitCode, stderrTail, output);
  if (stateChanged && program.state === "directory") {
    await unpackDirectory(sandbox.statePath, run.statePath, before, limits.stateBytes);
  } else if (stateChanged) {
    if ((await stat(sandbox.statePath)).size > limits.stateBytes) return rejected("state-limit", 0, stderrTail, output);
    // Moved in: what changed is always a new file.
    await copyFile(sandbox.statePath, `${run.statePath}.part`, constants.COPYFILE_FICLONE);
    await rename(`${run.statePath}.part`, run.statePath);
  }
  return { status: "accepted", output };
}

function rejected(
  reason: "exit" | "output-limit" | "state-limit",
  exitCode: number,
  stderrTail = "",
  output: Uint8Array = new Uint8Array(0),
): RunResult {
  return { status: "rejected", reason, exitCode, output, stderrTail };
}

async function withSandbox<T>(
  pool: SandboxPool,
  {
    signal,
    timeoutMs,
    toRun,
  }: { readonly signal: AbortSignal | undefined; readonly timeoutMs: number; readonly toRun?: ModuleToRun },
  work: (sandbox: SandboxProcess) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const sandbox = await pool.take(toRun);
  let stopped: SprfError | undefined;
  const stop = (error: SprfError): void => {
    stopped ??= error;
    sandbox.kill();
  };
  const onAbort = (): void => stop(abortError(signal as AbortSignal));
  const timer = setTimeout(() => {
    stop(new SprfError("TIMEOUT", `the program did not end within ${timeoutMs} ms`, { context: { timeoutMs } }));
  }, timeoutMs);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    throwIfAborted(signal);
    return await work(sandbox);
  } catch (error) {
    throw stopped ?? error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    pool.release(sandbox);
  }
}

async function fetchModule(
  content: Pick<ContentStore, "get">,
  cid: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of content.get(cid, { maxBytes: MAX_MODULE_BYTES, signal })) chunks.push(chunk);
  } catch (error) {
    if (isSprfError(error, "CONTENT_NOT_FOUND")) {
      throw new SprfError("PROGRAM_NOT_FOUND", `no peer has the module ${cid}`, { cause: error, context: { cid } });
    }
    if (isSprfError(error, "CONTENT_TOO_LARGE")) refuse(`it is larger than ${MAX_MODULE_BYTES} bytes`);
    throw error;
  }
  return Buffer.concat(chunks);
}
