import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";

import { gasOf } from "../domain/program/gas.ts";
import { SprfError } from "../errors.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Engine, PreparedProgram, ProgramReference, RunResult } from "../ports/engine.ts";
import type { RunOutcome, RunPlan } from "../ports/runs.ts";
import { toHex } from "../utils/bytes.ts";
import type { ExecutionInput } from "../wire/execution-request.ts";
import { MAX_SECONDS, limitsFor, limitsOf } from "./limits.ts";
import { readContent } from "./read-content.ts";
import { openState, storeState, type OpenedState } from "./run-state.ts";
import type { StateCache } from "./state-cache.ts";

/** Inputs given by CID may be larger than inline ones. */
export const MAX_INPUT_BYTES = 16 * 1024 * 1024;

export interface RunComponents {
  readonly content: ContentStore;
  readonly engines: ReadonlyMap<ProgramReference["kind"], Engine>;
  /** A directory of this process alone; each run has a folder below it. */
  readonly scratchDirectory: string;
  /** States that stay on disk between runs; on the same disk as `scratchDirectory`. */
  readonly states?: StateCache | undefined;
  /** Keeps an input that was given by CID, which whoever signs the result has to serve. */
  readonly keepInput?: (cid: string, options: { readonly signal: AbortSignal | undefined }) => Promise<void>;
}

/**
 * Runs a program on a state and stores what came out, pinned.
 *
 * @throws SprfError what the engine and the content store throw; none of these says anything about the program's result
 */
export async function runProgram(
  components: RunComponents,
  plan: RunPlan,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<RunOutcome> {
  const { content, engines, scratchDirectory } = components;
  const { kind } = plan.reference;
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
  if ("cid" in plan.input) await components.keepInput?.(plan.input.cid, { signal });
  await mkdir(scratchDirectory, { recursive: true });
  const folder = await mkdtemp(join(scratchDirectory, "run-"));
  try {
    const statePath = join(folder, "state");
    const limits = limitsFor(kind, program.seconds, plan.limits);
    const state = { cid: plan.state, kind: program.state, path: statePath, maxBytes: limits.stateBytes };
    const opened = await openState(components, state, { signal });
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
        limits,
      },
      { signal },
    );
    return await concludeRun(components, { plan, program, result, inputBytes: input.length, opened, signal });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function concludeRun(
  components: RunComponents,
  run: {
    readonly plan: RunPlan;
    readonly program: PreparedProgram;
    readonly result: RunResult;
    readonly inputBytes: number;
    readonly opened: OpenedState;
    readonly signal: AbortSignal | undefined;
  },
): Promise<RunOutcome> {
  const { plan, program, result, opened, signal } = run;
  const accepted = result.status === "accepted";
  const { stateBytes: maxBytes } = plan.limits ?? limitsOf(plan.reference.kind);
  const [outputCid, after] = await Promise.all([
    components.content.putFile(result.output, { signal }),
    accepted ? storeState(components, opened, { maxBytes, signal }) : { cid: plan.state, bytes: opened.bytes },
  ]);
  return {
    status: result.status,
    output: result.output,
    outputCid,
    newState: after.cid,
    gas: gasOf(
      {
        inputBytes: run.inputBytes,
        outputBytes: result.output.length,
        stateBytesBefore: opened.bytes,
        stateBytesAfter: after.bytes,
        seconds: program.seconds,
      },
      plan.gasTable,
    ),
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
