import type PQueue from "p-queue";

import { runProgram, type RunComponents, type RunOutcome, type RunPlan } from "../../execution/run-program.ts";
import type { Clock } from "../../ports/clock.ts";
import { raceAbort } from "../../utils/abort.ts";
import { toHex } from "../../utils/bytes.ts";

/** Runs of prepaid inputs, each made once for one sequence of its program, however many proposals contain it. */
export interface SharedRuns {
  run(plan: RunPlan, options?: { readonly signal?: AbortSignal | undefined }): Promise<RunOutcome>;
  /** How long the runs of a program on its present sequence took altogether. */
  tookMs(program: string): number;
  /** Forgets the runs on earlier sequences, and lets go of the states in between that did not become the program's. */
  moveOn(program: string, now: { readonly sequence: bigint; readonly state: string }): Promise<void>;
}

interface ProgramRuns {
  readonly sequence: bigint;
  readonly outcomes: Map<string, Promise<RunOutcome>>;
  readonly states: string[];
  tookMs: number;
}

export function createSharedRuns(
  components: RunComponents & { readonly clock: Pick<Clock, "now">; readonly queue: PQueue },
): SharedRuns {
  const { clock, content, queue } = components;
  const programs = new Map<string, ProgramRuns>();

  function runsOf({ program, sequence }: RunPlan): ProgramRuns {
    const known = programs.get(program);
    // What belongs to the past (a landed batch that is repeated) is not kept, and must not drive out the present.
    if (known !== undefined && known.sequence >= sequence) {
      return known.sequence === sequence ? known : { sequence, outcomes: new Map(), states: [], tookMs: 0 };
    }
    const runs: ProgramRuns = { sequence, outcomes: new Map(), states: [...(known?.states ?? [])], tookMs: 0 };
    programs.set(program, runs);
    return runs;
  }

  async function runOnce(plan: RunPlan, runs: ProgramRuns): Promise<RunOutcome> {
    return await queue.add(async () => {
      const startMs = clock.now();
      const outcome = await runProgram(components, plan);
      runs.tookMs += clock.now() - startMs;
      if (outcome.newState !== plan.state) runs.states.push(outcome.newState);
      return outcome;
    });
  }

  return {
    async run(plan, { signal } = {}) {
      const runs = runsOf(plan);
      const key = `${plan.state}/${plan.time}/${toHex(plan.seed)}`;
      const earlier = runs.outcomes.get(key);
      if (earlier !== undefined) return await raceAbort(earlier, signal);
      const outcome = runOnce(plan, runs);
      runs.outcomes.set(key, outcome);
      // What failed here may go well another time.
      outcome.catch(() => runs.outcomes.delete(key));
      // A queue that is cleared leaves what waited in it without a word.
      return await raceAbort(outcome, signal);
    },
    tookMs: (program) => programs.get(program)?.tookMs ?? 0,
    async moveOn(program, { sequence, state }) {
      const runs = programs.get(program);
      if (runs === undefined || runs.sequence >= sequence) return;
      programs.delete(program);
      let kept = false;
      for (const each of runs.states) {
        // Each run has pinned what it made once; of the present state one pin stays.
        if (each === state && !kept) kept = true;
        else await content.unpin(each);
      }
    },
  };
}
