import { SprfError, messageOf } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { ProgramReference } from "../../ports/engine.ts";
import type { Random } from "../../ports/random.ts";
import type { RunQueue } from "../../ports/run-queue.ts";
import type { RunOutcome, RunPlan } from "../../ports/runs.ts";
import { within } from "../../utils/within.ts";
import { programKey, type KnownPrograms, type ProgramFacts } from "./known-programs.ts";

/** Pairs of program and runner that are remembered as checked. */
const MAX_PAIRS = 100_000;
/** How long a runner that is asked may be busy with other things. */
const OPINION_MS = 10_000;
/** A run may take twice the seconds that its program declares. */
const MS_PER_DECLARED_SECOND = 2_000;

/** What a runner came to. */
export interface Opinion {
  readonly runner: string;
  readonly outcome: RunOutcome;
  /** What it takes the program's state for. */
  readonly state: ProgramFacts["state"];
}

/** Has one runner make the run once more. */
export type SecondOpinion = (runner: string, signal: AbortSignal) => Promise<Opinion>;

/** Compares runners with each other, on a sample of the runs. */
export interface RunnerCheck {
  /**
   * Resolves with what may be signed: the outcome as it is where the run is not in the sample, or another runner comes to the same.
   * When it does not, a third decides whose nothing is taken any more.
   *
   * @throws SprfError `NON_DETERMINISTIC` when no two runners agree
   */
  confirm(plan: RunPlan, first: Opinion, ask: SecondOpinion): Promise<RunOutcome>;
  /** Takes nothing of a runner any more: it claimed what no honest run comes to. */
  refuse(runner: string, why: string): Promise<void>;
}

/** The same for runs whose outcome is compared elsewhere, or not at all: every one is taken as it is. */
export function withoutComparing(check: RunnerCheck): RunnerCheck {
  return { ...check, confirm: async (_plan, { outcome }) => await Promise.resolve(outcome) };
}

export interface RunnerCheckInit {
  /** Of so many runs one is made twice; 0 for none but the first of each program on each runner. */
  readonly oneIn: number;
}

export function createRunnerCheck(
  {
    queue,
    programs,
    clock,
    random,
    logger,
  }: {
    readonly queue: Pick<RunQueue, "runners" | "setAside">;
    /** Told of what two runners agree on. */
    readonly programs: Pick<KnownPrograms, "agreed">;
    readonly clock: Clock;
    readonly random: Pick<Random, "bytes">;
    readonly logger: Logger;
  },
  { oneIn }: RunnerCheckInit,
): RunnerCheck {
  /** The first run of a pair is checked, and those that come before that is done. */
  const checked = new Set<string>();

  function isDrawn(): boolean {
    if (oneIn === 0) return false;
    const [draw = 0] = new Uint32Array(random.bytes(4).slice().buffer);
    return draw % oneIn === 0;
  }

  async function others(kind: ProgramReference["kind"], not: readonly string[]): Promise<readonly string[]> {
    const runners = await queue.runners();
    return runners
      .filter(({ id, isLive, engines }) => isLive && engines.includes(kind) && !not.includes(id))
      .toSorted((a, b) => a.busyMs - b.busyMs)
      .map(({ id }) => id);
  }

  /** The first of the others that comes to anything. */
  async function opinionOf(
    plan: RunPlan,
    { seconds }: RunOutcome,
    ask: SecondOpinion,
    not: readonly string[],
  ): Promise<Opinion | undefined> {
    const timeoutMs = OPINION_MS + seconds * MS_PER_DECLARED_SECOND;
    for (const runner of await others(plan.reference.kind, not)) {
      try {
        return await within(async (signal) => await ask(runner, signal), { clock, timeoutMs });
      } catch (error) {
        logger.warn("a run that was to be compared failed", { runner, reason: messageOf(error) });
      }
    }
    return undefined;
  }

  async function refuse(runner: string, why: string): Promise<void> {
    logger.error("a runner is set aside", { runner, why });
    await queue.setAside(runner, why);
  }

  function note(...pairs: readonly string[]): void {
    if (checked.size > MAX_PAIRS) checked.clear();
    for (const pair of pairs) checked.add(pair);
  }

  return {
    refuse,
    async confirm(plan, first, ask) {
      const pair = pairOf(plan, first.runner);
      if (checked.has(pair) && !isDrawn()) return first.outcome;
      const second = await opinionOf(plan, first.outcome, ask, [first.runner]);
      if (second === undefined) {
        logger.debug("no other runner can be asked", { runner: first.runner });
        return first.outcome;
      }
      const agree = ({ outcome, state }: Opinion): RunOutcome => {
        programs.agreed(plan.reference, { seconds: outcome.seconds, state });
        return outcome;
      };
      if (isSame(first, second)) {
        note(pair, pairOf(plan, second.runner));
        return agree(first);
      }
      logger.warn("two runners come to different results", { runners: [first.runner, second.runner] });
      const third = await opinionOf(plan, first.outcome, ask, [first.runner, second.runner]);
      const why = `its result of a run of ${plan.program} on ${plan.state} is not that of two others`;
      if (third !== undefined && isSame(third, first)) {
        await refuse(second.runner, why);
        return agree(first);
      }
      if (third !== undefined && isSame(third, second)) {
        await refuse(first.runner, why);
        return agree(second);
      }
      throw new SprfError(
        "NON_DETERMINISTIC",
        third === undefined
          ? `runners ${first.runner} and ${second.runner} came to different results, and there is no third to ask`
          : "three runners came to three results",
        { context: { program: plan.program, state: plan.state } },
      );
    },
  };
}

function pairOf({ reference }: RunPlan, runner: string): string {
  return `${runner} ${programKey(reference)}`;
}

function isSame({ outcome: a, state }: Opinion, { outcome: b, state: otherState }: Opinion): boolean {
  return (
    state === otherState &&
    a.status === b.status &&
    a.outputCid === b.outputCid &&
    a.newState === b.newState &&
    a.gas === b.gas &&
    a.seconds === b.seconds
  );
}
