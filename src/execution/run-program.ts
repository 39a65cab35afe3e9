import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, open, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { gasOf } from "../domain/program/gas.ts";
import { SprfError } from "../errors.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Engine, PreparedProgram, ProgramReference, RunResult } from "../ports/engine.ts";
import { toHex } from "../utils/bytes.ts";
import type { ExecutionInput } from "../wire/execution-request.ts";
import { LIMITS, MAX_SECONDS, limitsFor } from "./limits.ts";
import { readContent } from "./read-content.ts";

/** Inputs given by CID may be larger than inline ones. */
const MAX_INPUT_BYTES = 16 * 1024 * 1024;

export interface RunComponents {
  readonly content: ContentStore;
  readonly engines: ReadonlyMap<ProgramReference["kind"], Engine>;
  /** A directory of this process alone; each run has a folder below it. */
  readonly scratchDirectory: string;
  /** Keeps an input that was given by CID, which whoever signs the result has to serve. */
  readonly keepInput?: (cid: string, options: { readonly signal: AbortSignal | undefined }) => Promise<void>;
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

/**
 * Runs a program on a state and stores what came out, pinned.
 *
 * @throws SprfError what the engine and the content store throw; none of these says anything about the program's result
 */
export async function runProgram(
  { content, engines, scratchDirectory, keepInput }: RunComponents,
  plan: RunPlan,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<RunOutcome> {
  const engine = engines.get(plan.reference.kind);
  if (engine === undefined) {
    throw new SprfError("ENGINE_UNAVAILABLE", `no ${plan.reference.kind} engine is set up here`);
  }
  const program = await engine.prepare(plan.reference, { signal });
  if (program.seconds > MAX_SECONDS) {
    throw new SprfError(
      "PROGRAM_INVALID",
      `it declares ${program.seconds} CPU seconds; at most ${MAX_SECONDS} are allowed`,
    );
  }
  const input = await readInput(content, plan.input, signal);
  if ("cid" in plan.input) await keepInput?.(plan.input.cid, { signal });
  await mkdir(scratchDirectory, { recursive: true });
  const folder = await mkdtemp(join(scratchDirectory, "run-"));
  try {
    const statePath = join(folder, "state");
    const stateBytesBefore = await writeState(content, plan.state, statePath, signal);
    const result = await engine.run(
      {
        program,
        statePath,
        input,
        environment: {
          program: plan.program,
          sequence: plan.sequence.toString(),
          time: plan.time.toString(),
          seed: toHex(plan.seed),
        },
        limits: limitsFor(program.seconds),
      },
      { signal },
    );
    return await concludeRun(content, {
      plan,
      program,
      result,
      inputBytes: input.length,
      stateBytesBefore,
      statePath,
      signal,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function concludeRun(
  content: ContentStore,
  run: {
    readonly plan: RunPlan;
    readonly program: PreparedProgram;
    readonly result: RunResult;
    readonly inputBytes: number;
    readonly stateBytesBefore: number;
    readonly statePath: string;
    readonly signal: AbortSignal | undefined;
  },
): Promise<RunOutcome> {
  const { plan, program, result, signal } = run;
  const accepted = result.status === "accepted";
  const [outputCid, newState] = await Promise.all([
    content.putFile(result.output, { signal }),
    accepted ? content.putFile(createReadStream(run.statePath), { signal }) : plan.state,
  ]);
  const stateBytesAfter = accepted ? (await stat(run.statePath)).size : run.stateBytesBefore;
  return {
    status: result.status,
    output: result.output,
    outputCid,
    newState,
    gas: gasOf({
      inputBytes: run.inputBytes,
      outputBytes: result.output.length,
      stateBytesBefore: run.stateBytesBefore,
      stateBytesAfter,
      seconds: program.seconds,
    }),
    seconds: program.seconds,
    detail: accepted ? "" : `${result.reason} ${result.exitCode}: ${result.stderrTail}`,
  };
}

async function readInput(
  content: ContentStore,
  input: ExecutionInput,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if ("bytes" in input) return input.bytes;
  return await readContent(content, input.cid, { maxBytes: MAX_INPUT_BYTES, signal });
}

async function writeState(
  content: ContentStore,
  state: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  const file = await open(path, "wx");
  let size = 0;
  try {
    for await (const part of content.get(state, { maxBytes: LIMITS.stateBytes, signal })) {
      await file.writeFile(part);
      size += part.length;
    }
  } finally {
    await file.close();
  }
  return size;
}
