import { createHash } from "node:crypto";

import type { Engine } from "../../src/ports/engine.ts";
import { createLyingEngine } from "./lying-engine.ts";

const RANGE = 2 ** 32;

/**
 * Lies in a share of its answers. Which ones follows from `secret` and the execution's own seed, so the same request is answered
 * with the same lie again after a restart, and nobody else can tell beforehand.
 */
export function createSometimesLyingEngine(
  engine: Engine,
  { share, secret }: { readonly share: number; readonly secret: string },
): Engine {
  const liar = createLyingEngine(engine);
  return {
    kind: engine.kind,
    check: (options) => engine.check(options),
    prepare: (reference, options) => engine.prepare(reference, options),
    run: (run, options) => (draw(secret, run.environment.seed) < share ? liar : engine).run(run, options),
    close: () => engine.close(),
  };
}

function draw(secret: string, seed: string): number {
  return createHash("sha256").update(`${secret}/${seed}`).digest().readUInt32BE() / RANGE;
}
