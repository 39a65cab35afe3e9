import type { Clock } from "../../ports/clock.ts";
import type { RunOutcome, RunPlan, Runs } from "../../ports/runs.ts";
import { raceAbort } from "../../utils/abort.ts";
import { toHex } from "../../utils/bytes.ts";
import type { RequestQueue } from "../executions/request-queue.ts";

/** Runs of prepaid inputs, each made once for one sequence of its program, however many proposals contain it. */
export interface SharedRuns {
  run(plan: RunPlan, options?: { readonly signal?: AbortSignal | undefined }): Promise<RunOutcome>;
  /** How long the runs of a program on its present sequence took altogether. */
  tookMs(program: string): number;
  /** Forgets the runs on earlier sequences; what they stored is kept as recent, since answers and appeals may rest on it. */
  moveOn(program: string, sequence: bigint): void;
}

interface ProgramRuns {
  readonly sequence: bigint;
  readonly outcomes: Map<string, Promise<RunOutcome>>;
  tookMs: number;
}

export function createSharedRuns({
  clock,
  queue,
  runs: makes,
}: {
  readonly clock: Pick<Clock, "now">;
  readonly queue: Pick<RequestQueue, "add">;
  readonly runs: Runs;
}): SharedRuns {
  const programs = new Map<string, ProgramRuns>();

  function runsOf({ program, sequence }: RunPlan): ProgramRuns {
    const known = programs.get(program);
    // What belongs to the past (a landed batch that is repeated) is not kept, and must not drive out the present.
    if (known !== undefined && known.sequence >= sequence) {
      return known.sequence === sequence ? known : { sequence, outcomes: new Map(), tookMs: 0 };
    }
    const runs: ProgramRuns = { sequence, outcomes: new Map(), tookMs: 0 };
    programs.set(program, runs);
    return runs;
  }

  async function runOnce(plan: RunPlan, runs: ProgramRuns): Promise<RunOutcome> {
    // The turn to propose does not last: of what is there for a program, this is the most urgent.
    return await queue.add({ program: plan.program, deadlineMs: clock.now() }, async () => {
      const startMs = clock.now();
      const outcome = await makes.run(plan);
      runs.tookMs += clock.now() - startMs;
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
    moveOn(program, sequence) {
      if ((programs.get(program)?.sequence ?? sequence) < sequence) programs.delete(program);
    },
  };
}
