import { expect } from "chai";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type {
  Engine,
  PreparedProgram,
  ProgramEnvironment,
  ProgramReference,
  RunLimits,
  RunResult,
} from "../../src/ports/engine.ts";

const MIB = 1024 * 1024;
const ENVIRONMENT: ProgramEnvironment = {
  program: "GBZXN7PIRZGNMHGA7MUUUF4GWPY5AYPV6LY4UV2GL6VJGIQRXFDNMADI",
  sequence: "4294967297",
  time: "1767225600",
  seed: "00112233445566778899aabbccddeeff".repeat(2),
};
const LIMITS: RunLimits = { memoryBytes: 64 * MIB, outputBytes: MIB, stateBytes: MIB, timeoutMs: 30_000 };

export interface HarnessOptions {
  readonly limits?: Partial<RunLimits>;
  readonly signal?: AbortSignal;
}

/** An engine with a program of a suite, and what the suite says in one line. */
export interface EngineHarness {
  readonly engine: Engine;
  readonly program: PreparedProgram;
  /** A folder of this suite alone, removed by `close`. */
  readonly home: string;
  run(statePath: string, input: string, options?: HarnessOptions): Promise<RunResult>;
  /** The output; fails when the run is rejected. */
  accepted(statePath: string, input: string, options?: HarnessOptions): Promise<string>;
  /** The rejection; fails when the run is accepted. */
  rejected(
    statePath: string,
    input: string,
    options?: HarnessOptions,
  ): Promise<Extract<RunResult, { status: "rejected" }>>;
  close(): Promise<void>;
}

/** Makes an engine and prepares a program on it. */
export async function openHarness(
  create: (scratchDirectory: string) => Engine,
  reference: ProgramReference,
): Promise<EngineHarness> {
  const home = await mkdtemp(join(tmpdir(), "sprf-engine-test-"));
  const engine = create(join(home, "scratch"));
  const program = await engine.prepare(reference);
  const run: EngineHarness["run"] = async (statePath, input, { limits, signal } = {}) =>
    await engine.run(
      {
        program,
        statePath,
        input: Buffer.from(input),
        environment: ENVIRONMENT,
        limits: { ...LIMITS, ...limits },
      },
      { signal },
    );
  return {
    engine,
    program,
    home,
    run,
    async accepted(...parameters) {
      const result = await run(...parameters);
      if (result.status === "rejected") expect.fail(`rejected: ${JSON.stringify({ ...result, output: "" })}`);
      return Buffer.from(result.output).toString();
    },
    async rejected(...parameters) {
      const result = await run(...parameters);
      if (result.status === "accepted") expect.fail("accepted");
      return result;
    },
    async close() {
      await engine.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
