import PQueue from "p-queue";

import type { Engine, ProgramReference } from "../ports/engine.ts";

/**
 * Engines that run at most so many programs at a time, first come, first served: an agreement whose programs are slow waits in line
 * with its next run, and does not keep the others from theirs.
 */
export function boundEngines(
  engines: ReadonlyMap<ProgramReference["kind"], Engine>,
  concurrency: number,
): ReadonlyMap<ProgramReference["kind"], Engine> {
  const queue = new PQueue({ concurrency });
  return new Map(
    [...engines].map(([kind, engine]) => [
      kind,
      {
        kind: engine.kind,
        check: async (options) => await engine.check(options),
        prepare: async (reference, options) => await engine.prepare(reference, options),
        run: async (run, options) => {
          const signal = options?.signal;
          return await queue.add(async () => await engine.run(run, options), signal === undefined ? {} : { signal });
        },
        close: async () => await engine.close(),
      } satisfies Engine,
    ]),
  );
}
