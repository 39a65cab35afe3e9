import { cp, mkdir, mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { gasOf } from "../domain/program/gas.ts";
import { createStateRules } from "../domain/program/state-tree.ts";
import { SprfError } from "../errors.ts";
import { listTree } from "../files/list-tree.ts";
import type { Clock } from "../ports/clock.ts";
import type { Engine, ProgramEnvironment, ProgramReference, RunLimits, RunResult } from "../ports/engine.ts";
import { MAX_SECONDS, limitsFor } from "./limits.ts";

type StateKind = "file" | "directory";

/** What one run of a program came to on this machine. */
export interface TrialRun {
  readonly result: RunResult;
  /** The same on every machine. */
  readonly gas: bigint;
  /** CPU seconds that the program declares. */
  readonly seconds: number;
  /** How long it took here; twice as long when it was run twice. */
  readonly elapsedMs: number;
  readonly limits: RunLimits;
  readonly state: { readonly kind: StateKind; readonly bytesBefore: number; readonly bytesAfter: number };
}

/**
 * Runs a program as a worker would, on a state that is kept beside it: an accepted run's state takes the place of the one before,
 * whole or not at all.
 *
 * @param run `statePath` need not exist yet: then the state is empty
 * @throws SprfError `PROGRAM_INVALID`, `STATE_REFUSED` for a state that is not of the program's kind, and what the engine throws
 */
export async function tryProgram(
  { engine, clock }: { readonly engine: Engine; readonly clock: Clock },
  run: {
    readonly reference: ProgramReference;
    readonly statePath: string;
    readonly input: Uint8Array;
    readonly environment: ProgramEnvironment;
  },
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<TrialRun> {
  const { reference, statePath, input, environment } = run;
  const program = await engine.prepare(reference, { signal });
  const { seconds, state: kind } = program;
  if (seconds > MAX_SECONDS) {
    throw new SprfError("PROGRAM_INVALID", `it declares ${seconds} CPU seconds; at most ${MAX_SECONDS} are allowed`);
  }
  const limits = limitsFor(reference.kind, seconds);
  const folder = await mkdtemp(`${statePath}-`);
  try {
    const copy = join(folder, "state");
    await copyState(statePath, copy, kind);
    const bytesBefore = await bytesOf(copy, kind, limits.stateBytes);
    const begun = clock.now();
    const result = await engine.run({ program, statePath: copy, input, environment, limits }, { signal });
    const elapsedMs = clock.now() - begun;
    const isAccepted = result.status === "accepted";
    const bytesAfter = isAccepted ? await bytesOf(copy, kind, limits.stateBytes) : bytesBefore;
    const sizes = { inputBytes: input.length, outputBytes: result.output.length };
    const gas = gasOf({ ...sizes, stateBytesBefore: bytesBefore, stateBytesAfter: bytesAfter, seconds });
    if (isAccepted) await replaceState(copy, statePath, join(folder, "before"));
    return { result, gas, seconds, elapsedMs, limits, state: { kind, bytesBefore, bytesAfter } };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copyState(from: string, to: string, kind: StateKind): Promise<void> {
  const found = await stat(from).catch(() => undefined);
  if (found === undefined) {
    if (kind === "file") await writeFile(to, "");
    else await mkdir(to);
    return;
  }
  if (found.isDirectory() !== (kind === "directory")) {
    throw new SprfError("STATE_REFUSED", `the program keeps a ${kind} as state, ${from} is none`);
  }
  await cp(from, to, { recursive: true });
}

async function replaceState(from: string, to: string, before: string): Promise<void> {
  // A directory takes no other's place while there is one.
  await rename(to, before).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  await rename(from, to);
}

async function bytesOf(path: string, kind: StateKind, maxBytes: number): Promise<number> {
  if (kind === "file") return (await stat(path)).size;
  const rules = createStateRules(maxBytes);
  await listTree(path, rules);
  return rules.bytes;
}
