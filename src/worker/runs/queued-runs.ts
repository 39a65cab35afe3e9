import type { FairOrder } from "../../domain/program/fair-order.ts";
import { SprfError, isSprfError, messageOf, type ErrorCode } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ContentStore } from "../../ports/content-store.ts";
import type { Logger } from "../../ports/logger.ts";
import type { RunQueue, RunReport } from "../../ports/run-queue.ts";
import type { RunOptions, RunOutcome, RunPlan, Runs } from "../../ports/runs.ts";
import { throwIfAborted } from "../../utils/abort.ts";
import { within } from "../../utils/within.ts";
import { createCheckClaim, type CheckClaim } from "./check-claim.ts";
import type { KnownPrograms } from "./known-programs.ts";
import type { Opinion, RunnerCheck, SecondOpinion } from "./runner-check.ts";

/** A run that nobody set a deadline is given up after that: longer than any program may take, its waiting included. */
const DEFAULT_DEADLINE_MS = 180_000;
/** How often a run is made again, after failures of runners that say nothing about the run. */
const MAX_TRIES = 4;
/** What concerns one runner alone: its machine, its way to content and registries. */
const OF_THE_RUNNER: readonly ErrorCode[] = [
  "ABORTED",
  "CONTENT_NOT_FOUND",
  "ENGINE_UNAVAILABLE",
  "INTERNAL",
  "REGISTRY_STALLED",
  "STORE_UNAVAILABLE",
];

export interface QueuedRunsComponents {
  readonly queue: RunQueue;
  /** Where what comes out is kept. */
  readonly content: ContentStore;
  /** See `CheckClaimInit`. */
  readonly hasHolder: boolean;
  readonly programs: KnownPrograms;
  readonly check: RunnerCheck;
  readonly order: FairOrder;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keeps an input that was given by CID, which whoever signs the result has to serve. */
  readonly keepInput?: (cid: string, options: { readonly signal: AbortSignal }) => Promise<void>;
}

/**
 * Runs that runners make, wherever they are. Their results are fetched and gone through here before anything is made of them, and of a
 * sample a second runner is asked: nothing of this worker rests on the word of one machine.
 */
export function createQueuedRuns(components: QueuedRunsComponents): Runs {
  const { queue, content, clock, order, logger } = components;
  const checkClaim: CheckClaim = createCheckClaim(components);

  /** Whatever a runner needs has to be here, since it asks nobody else. */
  async function bring({ state, reference }: RunPlan, signal: AbortSignal): Promise<void> {
    for (const cid of [state, ...(reference.kind === "wasi" ? [reference.cid] : [])]) {
      if (await content.has(cid, { signal })) continue;
      await content.pin(cid, { signal });
      await content.unpin(cid, { signal });
    }
  }

  /** One run by somebody, gone through. A claim that no honest run makes ends its runner's part, and the run is made again. */
  async function makeOnce(
    plan: RunPlan,
    how: {
      readonly priority: number;
      readonly deadlineMs: number;
      readonly runner?: string | undefined;
      readonly onEngineFailure?: RunOptions["onEngineFailure"];
    },
    signal: AbortSignal,
  ): Promise<Opinion> {
    const { priority, deadlineMs, onEngineFailure } = how;
    for (let tries = 1; ; tries++) {
      const report = await queue.make({ plan, priority, deadlineMs, runner: how.runner }, { signal });
      try {
        return await take(plan, report, signal, onEngineFailure);
      } catch (error) {
        throwIfAborted(signal);
        const isOdd = isSprfError(error, "RESULT_REFUSED");
        if (isOdd) await components.check.refuse(report.runner, messageOf(error));
        const isAgain = isOdd || (isSprfError(error) && OF_THE_RUNNER.includes(error.code));
        if (!isAgain || tries === MAX_TRIES || how.runner !== undefined) throw error;
        logger.warn("a run is made again", { runner: report.runner, reason: messageOf(error) });
      } finally {
        letGo(report.id);
      }
    }
  }

  /** The runner keeps what it made for an hour in any case, so that nothing waits for this. */
  function letGo(id: string): void {
    queue.collected(id).catch((error: unknown) => logger.debug("a runner is not told", { reason: messageOf(error) }));
  }

  async function take(
    plan: RunPlan,
    { runner, claim }: RunReport,
    signal: AbortSignal,
    onEngineFailure: RunOptions["onEngineFailure"],
  ): Promise<Opinion> {
    if (claim.kind === "done") {
      return { runner, outcome: await checkClaim(plan, claim, { signal }), state: claim.state };
    }
    const error = new SprfError(claim.code, claim.message);
    if (claim.wasBegun) onEngineFailure?.(error);
    throw error;
  }

  return {
    async run(plan, { signal, deadlineMs = clock.now() + DEFAULT_DEADLINE_MS, onEngineFailure } = {}) {
      // A deadline of the caller's is that of the request, which may be far off.
      const untilMs = Math.min(deadlineMs, clock.now() + DEFAULT_DEADLINE_MS);
      const place = order.place(plan.program, untilMs);
      const work = async (either: AbortSignal): Promise<RunOutcome> => {
        if ("cid" in plan.input) await components.keepInput?.(plan.input.cid, { signal: either });
        await bring(plan, either);
        const how = { priority: place.priority, deadlineMs: untilMs, onEngineFailure };
        const first = await makeOnce(plan, how, either);
        const ask: SecondOpinion = async (runner, asked) =>
          await makeOnce(plan, { ...how, runner }, AbortSignal.any([either, asked]));
        return await components.check.confirm(plan, first, ask);
      };
      try {
        // A signal of `AbortSignal.timeout` would be kept until then with all that hears of it, however soon the run is over.
        return await within(work, { clock, timeoutMs: Math.max(0, untilMs - clock.now()), signal });
      } finally {
        place.leave();
      }
    },
  };
}
