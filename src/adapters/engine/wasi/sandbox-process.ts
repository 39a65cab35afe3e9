import { type ChildProcess, spawn } from "node:child_process";
import { open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Readable, Writable } from "node:stream";

import { MAX_PROGRAM_SECONDS, STDERR_TAIL_BYTES } from "../../../domain/engine-limits.ts";
import { messageOf, SprfError } from "../../../errors.ts";
import { readFrames } from "./read-frames.ts";
import { encodeHeader, type Frame } from "./sandbox/frames.ts";

/** Heap of the sandbox itself; the program's memory, state, input and output are outside of it. */
const HEAP_MIB = 128;
/** Stack of the program; past it the run fails on this machine, it is never rejected. */
const STACK_KIB = 3900;
/** CPU seconds after which the kernel ends a sandbox whose worker died during a run and did not come back. */
const ORPHAN_CPU_SECONDS = 2 * MAX_PROGRAM_SECONDS;
const START_TIMEOUT_MS = 20_000;

/** A module, under a key that tells it from all others. */
export interface ModuleToRun {
  readonly key: string;
  readonly module: Uint8Array;
}

type Streams = readonly [Writable, Readable, Readable];

/**
 * A process that serves one run and ends. It starts without environment, without permissions (files, processes, workers,
 * addons, inspector) but to read its own code, and with one open file: the scratch copy of the state.
 */
export class SandboxProcess {
  readonly statePath: string;
  readonly #child: ChildProcess;
  readonly #streams: Streams;
  readonly #frames: AsyncGenerator<Frame>;
  readonly #ended: Promise<string>;
  #maxBodyBytes = 0;
  #stderr = "";
  #loaded: string | undefined;

  private constructor(child: ChildProcess, statePath: string) {
    this.#child = child;
    this.statePath = statePath;
    this.#streams = [child.stdin, child.stdout, child.stderr] as unknown as Streams;
    const [stdin, stdout, stderr] = this.#streams;
    // A sandbox that has ended is noticed by its output; writing to it must not throw elsewhere.
    stdin.on("error", () => undefined);
    stderr.on("error", () => undefined);
    stderr.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString("latin1")).slice(-STDERR_TAIL_BYTES);
    });
    this.#frames = readFrames(stdout, () => this.#maxBodyBytes);
    this.#ended = new Promise((resolve) => {
      child.once("error", (error) => resolve(messageOf(error)));
      child.once("close", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
  }

  /**
   * @param entry path of the sandbox's code
   * @param statePath a file to create
   * @throws SprfError `ENGINE_UNAVAILABLE`
   */
  static async start(entry: string, statePath: string): Promise<SandboxProcess> {
    const state = await open(statePath, "wx+", 0o600);
    let sandbox: SandboxProcess;
    try {
      sandbox = new SandboxProcess(spawnNode(entry, state.fd), statePath);
    } finally {
      await state.close();
    }
    const timer = setTimeout(() => sandbox.kill(), START_TIMEOUT_MS);
    try {
      await sandbox.#next("ready");
    } catch (error) {
      await sandbox.dispose();
      throw new SprfError("ENGINE_UNAVAILABLE", `the sandbox did not start: ${messageOf(error)}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
    return sandbox;
  }

  /** Whether the process keeps this one alive; it should not while it waits for work. */
  set referenced(on: boolean) {
    for (const handle of [this.#child, ...this.#streams] as unknown as { ref(): void; unref(): void }[]) {
      if (on) handle.ref();
      else handle.unref();
    }
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The key of the module that it was given ahead of its request. */
  get loaded(): string | undefined {
    return this.#loaded;
  }

  /**
   * Has a module compiled ahead of the request, which may then leave it out. Nothing of it runs.
   *
   * @throws SprfError `ENGINE_FAILED` when the process ends meanwhile
   */
  async load({ key, module }: ModuleToRun): Promise<void> {
    const timer = setTimeout(() => this.kill(), START_TIMEOUT_MS);
    try {
      await this.request({ type: "load" }, [module], { type: "loaded", maxBodyBytes: 0 });
      this.#loaded = key;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Sends the one request and waits for its answer.
   *
   * @throws SprfError `ENGINE_FAILED` when the process ends without one
   */
  async request(
    header: Readonly<Record<string, unknown>>,
    bodies: readonly Uint8Array[],
    answer: { type: string; maxBodyBytes: number },
  ): Promise<Frame> {
    this.#maxBodyBytes = answer.maxBodyBytes;
    const [stdin] = this.#streams;
    stdin.write(encodeHeader(header, bodies));
    for (const body of bodies) if (body.length > 0) stdin.write(body);
    return await this.#next(answer.type);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Kills the process, waits for its end and removes its file. Safe to repeat. */
  async dispose(): Promise<void> {
    this.referenced = true;
    this.kill();
    await this.#ended;
    await rm(this.statePath, { force: true });
  }

  async #next(type: string): Promise<Frame> {
    const next = await this.#frames.next();
    if (next.done) {
      const end = await this.#ended;
      throw new SprfError("ENGINE_FAILED", `the sandbox ended by ${end}`, { context: { stderr: this.#stderr } });
    }
    if (next.value.header["type"] !== type) {
      this.kill();
      throw new SprfError("ENGINE_FAILED", `the sandbox did not answer with a ${type}`);
    }
    return next.value;
  }
}

function spawnNode(entry: string, stateFd: number): ChildProcess {
  const flags = [
    "--permission",
    `--allow-fs-read=${dirname(entry)}`,
    "--disallow-code-generation-from-strings",
    `--max-old-space-size=${HEAP_MIB}`,
    `--stack-size=${STACK_KIB}`,
  ];
  // The shell only lowers limits and becomes Node: no core dumps, and an end even when nobody is left to kill it.
  const limits = `ulimit -c 0; ulimit -t ${ORPHAN_CPU_SECONDS}; exec "$0" "$@"`;
  return spawn("/bin/sh", ["-c", limits, process.execPath, ...flags, entry], {
    env: {},
    cwd: dirname(entry),
    stdio: ["pipe", "pipe", "pipe", stateFd],
    detached: true,
  });
}
