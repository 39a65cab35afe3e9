import { createPostgres } from "./adapters/postgres/connect.ts";
import { createPostgresRunDesk } from "./adapters/run-queue/postgres-desk.ts";
import { createPostgresRunQueue } from "./adapters/run-queue/postgres-queue.ts";
import { createFairOrder } from "./domain/program/fair-order.ts";
import { isSprfError } from "./errors.ts";
import type { RunComponents } from "./execution/run-program.ts";
import type { Clock } from "./ports/clock.ts";
import type { ContentStore } from "./ports/content-store.ts";
import type { Logger } from "./ports/logger.ts";
import type { Random } from "./ports/random.ts";
import type { RunQueueView, RunWorker, RunnerView, WaitingView } from "./ports/run-queue.ts";
import type { Runs } from "./ports/runs.ts";
import type { Startable } from "./ports/startable.ts";
import { createServeRuns } from "./runner/serve-runs.ts";
import { createKnownPrograms } from "./worker/runs/known-programs.ts";
import { createQueuedRuns } from "./worker/runs/queued-runs.ts";
import { createRunnerCheck, withoutComparing } from "./worker/runs/runner-check.ts";

export interface RunQueueSettings {
  /** Executions that the worker makes itself at once, beside its runners; 0 leaves all to them. @default 2 */
  readonly own?: number | undefined;
  /** Of so many runs one is made twice, by two runners. @default 20 */
  readonly checkOneIn?: number | undefined;
}

/** A worker's runs where its state is in PostgreSQL. */
export interface WorkerRunQueue extends Startable {
  /** Runs that leave what comes out of them in this content store; `hasHolder` as in `CheckClaimInit`. */
  runsOver(
    content: ContentStore,
    options: { readonly hasHolder: boolean; readonly keepsInputs: boolean; readonly isChecked: boolean },
  ): Runs;
  runners(): Promise<readonly RunnerView[]>;
  view(): Promise<RunQueueView>;
}

const DEFAULT_OWN_RUNS = 2;
const DEFAULT_CHECK_ONE_IN = 20;

/** Puts the worker's end of the queue together, with a runner of its own in this process. */
export function createWorkerRunQueue(
  components: RunComponents & { readonly clock: Clock; readonly random: Random; readonly logger: Logger },
  init: RunQueueSettings & {
    readonly databaseUrl: string;
    readonly account: string;
    readonly version: string;
    readonly address: () => RunWorker;
    /** What waits before runs are made of it. */
    readonly requests: () => WaitingView;
  },
): WorkerRunQueue {
  const { clock, random, logger, engines } = components;
  const { databaseUrl: url, account, version, own = DEFAULT_OWN_RUNS, checkOneIn: oneIn = DEFAULT_CHECK_ONE_IN } = init;
  const postgres = createPostgres({ url, clock, logger });
  const worker = account.toLowerCase();
  const queue = createPostgresRunQueue({ ...init, postgres, worker, clock, logger });
  const order = createFairOrder(clock);
  const programs = createKnownPrograms({ engines, logger });
  const check = createRunnerCheck({ queue, programs, clock, random, logger }, { oneIn });
  const runner =
    own === 0
      ? undefined
      : createServeRuns(
          {
            ...components,
            desk: createPostgresRunDesk({
              postgres,
              runner: `worker-${worker.replace(/^0x/, "")}`,
              engines: [...engines.keys()],
              capacity: own,
              version,
              clock,
              logger,
            }),
          },
          { capacity: own },
        );
  return {
    async start(options) {
      await queue.start(options);
      try {
        await runner?.start(options);
      } catch (error) {
        // Whoever watches its log looks for the reason; its other runners make everything meanwhile.
        if (!isSprfError(error, "RUNNER_SET_ASIDE")) throw error;
        logger.error("this worker makes nothing itself", { reason: error.message });
      }
    },
    async stop() {
      // First, so that nothing is waited for which the runner would have to make to its end.
      await queue.stop();
      await runner?.stop();
      await postgres.close();
    },
    runsOver: (content, { hasHolder, keepsInputs, isChecked }) =>
      createQueuedRuns({
        queue,
        content,
        programs,
        hasHolder,
        check: isChecked ? check : withoutComparing(check),
        order,
        clock,
        logger,
        ...(keepsInputs ? { keepInput: async (cid, options) => await content.pin(cid, options) } : {}),
      }),
    runners: async () => await queue.runners(),
    view: async () => await queue.view(),
  };
}
