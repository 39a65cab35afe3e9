import { appendFile } from "node:fs/promises";

import type { Engine } from "../../src/ports/engine.ts";

/** Runs programs honestly, then falsifies the state that they left: always in the same way, as a liar with a plan would. */
export function createLyingEngine(engine: Engine, forgery: string = "forged by a lying worker\n"): Engine {
  return {
    kind: engine.kind,
    check: (options) => engine.check(options),
    prepare: (reference, options) => engine.prepare(reference, options),
    async run(run, options) {
      const result = await engine.run(run, options);
      if (result.status === "accepted") await appendFile(run.statePath, forgery);
      return result;
    },
    close: () => engine.close(),
  };
}
