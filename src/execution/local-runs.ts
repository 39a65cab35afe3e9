import { isSprfError, type ErrorCode } from "../errors.ts";
import type { Engine } from "../ports/engine.ts";
import type { RunOptions, Runs } from "../ports/runs.ts";
import { runProgram, type RunComponents } from "./run-program.ts";

/** What an engine throws before a program has used any of its time. */
const NOTHING_RUN: readonly ErrorCode[] = ["ENGINE_UNAVAILABLE", "PROGRAM_NOT_FOUND", "PROGRAM_INVALID"];

/** Runs in this process, each at once: whoever calls sees to how many there are at a time. */
export function createLocalRuns(components: RunComponents): Runs {
  return {
    async run(plan, { signal, onEngineFailure } = {}) {
      if (onEngineFailure === undefined) return await runProgram(components, plan, { signal });
      const engines = telling(components.engines, onEngineFailure);
      return await runProgram({ ...components, engines }, plan, { signal });
    },
  };
}

/** The engines, which tell when they fail to run the program. */
function telling(
  engines: RunComponents["engines"],
  onEngineFailure: NonNullable<RunOptions["onEngineFailure"]>,
): RunComponents["engines"] {
  const tellingOf = (engine: Engine): Engine => ({
    kind: engine.kind,
    check: async (options) => await engine.check(options),
    prepare: async (reference, options) => await engine.prepare(reference, options),
    close: async () => await engine.close(),
    async run(program, options) {
      try {
        return await engine.run(program, options);
      } catch (error) {
        if (!isSprfError(error) || !NOTHING_RUN.includes(error.code)) onEngineFailure(error);
        throw error;
      }
    },
  });
  return new Map([...engines].map(([kind, engine]) => [kind, tellingOf(engine)]));
}
