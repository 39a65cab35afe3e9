import { readFileSync } from "node:fs";

import { SprfError } from "../../../src/errors.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Engine } from "../../../src/ports/engine.ts";
import { smallFileCidOf } from "../../../src/wire/canonical.ts";
import { createLyingEngine } from "../lying-engine.ts";
import type { SeededRandom } from "../seeded-random.ts";
import type { Faults } from "./faults.ts";
import { createJournalEngine } from "./journal-engine.ts";
import type { Watch } from "./watch.ts";

const LEAST_RUN_MS = 5;
const RUN_MS = 1_500;
/** Of a hundred runs, those that fail for a reason of the machine's own. */
const FAILED_RUNS = 2;

/** The journal on a machine that takes its time, sometimes fails and perhaps lies; `watch` hears of each state that it makes. */
export function createSimulatedEngine(init: {
  readonly worker: number;
  readonly isLiar: boolean;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly faults: Faults;
  readonly watch: Watch;
}): Engine {
  const { worker, clock, random, faults, watch } = init;
  const journal = createJournalEngine();
  const engine = init.isLiar ? createLyingEngine(journal) : journal;
  return {
    ...engine,
    async run(run, options) {
      await clock.sleep(LEAST_RUN_MS + random.below(RUN_MS), options);
      if (faults.strikes(FAILED_RUNS)) throw new SprfError("ENGINE_FAILED", "out of memory");
      const before = stateCid(run.statePath);
      const result = await engine.run(run, options);
      const after = result.status === "accepted" ? stateCid(run.statePath) : before;
      watch.ran(worker, run.environment.sequence, before, after);
      return result;
    },
  };
}

function stateCid(path: string): string {
  return smallFileCidOf(new Uint8Array(readFileSync(path)));
}
