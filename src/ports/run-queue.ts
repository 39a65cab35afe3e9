import type { ErrorCode } from "../errors.ts";
import type { ContentOptions } from "./content-store.ts";
import type { ProgramReference } from "./engine.ts";
import type { RunPlan } from "./runs.ts";
import type { Startable } from "./startable.ts";

/** A run that is to be made by whoever takes it. */
export interface QueuedRun {
  readonly plan: RunPlan;
  /** What has more of it is taken first; a signed 32-bit integer. */
  readonly priority: number;
  /** From when on nobody has a use for the outcome, in ms since the Unix epoch. */
  readonly deadlineMs: number;
  /** The one runner that may take it. @default any that has the engine */
  readonly runner?: string | undefined;
}

/** What a runner says of a run. It is one of many and may be broken: nothing of this is true before it was checked. */
export type RunResultClaim =
  | {
      readonly kind: "done";
      readonly status: "accepted" | "rejected";
      readonly outputCid: string;
      readonly newState: string;
      /** What the program declares its state to be. */
      readonly state: "file" | "directory";
      readonly gas: bigint;
      readonly seconds: number;
      readonly detail: string;
    }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly message: string;
      /** Whether the program was begun. */
      readonly wasBegun: boolean;
    };

/** A claim, with the one that made it. */
export interface RunReport {
  /** Of the run, once: a run that is made again has another. */
  readonly id: string;
  readonly runner: string;
  readonly claim: RunResultClaim;
}

/** Where a worker's content is to be had. */
export interface RunWorker {
  readonly multiaddrs: readonly string[];
  /** Of its trustless gateway. */
  readonly gateway: string;
}

/** What is known of a runner. Counts are of its whole life, rates of the last minutes. */
export interface RunnerView {
  readonly id: string;
  readonly engines: readonly ProgramReference["kind"][];
  /** How many runs it makes at once. */
  readonly capacity: number;
  readonly version: string;
  readonly startedMs: number;
  readonly seenMs: number;
  /** Whether it has given a sign of life lately and was neither stopped nor set aside. */
  readonly isLive: boolean;
  /** Why nothing of it is taken any more. */
  readonly setAside?: string | undefined;
  readonly done: number;
  readonly failed: number;
  /** Time that it spent on runs. */
  readonly busyMs: number;
  readonly donePerMinute: number;
  readonly failedPerMinute: number;
}

/** How many wait, and since when. */
export interface WaitingView {
  readonly waiting: number;
  /** How long the oldest of those that wait has waited; 0 when none does. */
  readonly oldestMs: number;
}

export interface RunQueueView extends WaitingView {
  readonly running: number;
  /** Of those that wait in a worker, before it makes runs of them. */
  readonly requests: WaitingView;
  readonly runners: readonly RunnerView[];
}

/** The worker's end of a queue of runs, of which there is one for each worker. */
export interface RunQueue extends Startable {
  /**
   * Puts a run into the queue, and resolves with what the runner that had it last says. To abort it takes the run back.
   *
   * @throws SprfError `RUN_LOST` when one runner after the other ended in its middle, `DATABASE_UNAVAILABLE`, and what the signal
   * throws
   */
  make(run: QueuedRun, options: { readonly signal: AbortSignal }): Promise<RunReport>;
  /** The worker holds what came out, or has no use for it: the runner need not keep it. */
  collected(id: string, options?: ContentOptions): Promise<void>;
  /** Nothing of this runner is taken any more. */
  setAside(runner: string, why: string): Promise<void>;
  /** As they were a moment ago. */
  runners(): Promise<readonly RunnerView[]>;
  /** As it is now; a database that is away is not waited for. */
  view(): Promise<RunQueueView>;
}

/** A run that this runner has. */
export interface TakenRun {
  readonly id: string;
  /** How many had it before. What an earlier one reports is not taken. */
  readonly attempt: number;
  readonly queue: string;
  /** Whose run it is. */
  readonly worker: string;
  readonly deadlineMs: number;
  /** Undefined when it cannot be read. */
  readonly plan: RunPlan | undefined;
}

/** A runner's end of a queue. Its start throws `RUNNER_SET_ASIDE` when nothing of it is taken any more. */
export interface RunDesk extends Startable {
  /** Waits for runs, and resolves with at least one and at most `most` of them; with none when `signal` aborts. */
  take(most: number, options: { readonly signal: AbortSignal }): Promise<readonly TakenRun[]>;
  /**
   * Gives a sign of life, and keeps these runs for a while more.
   *
   * @returns those that are not this runner's any more, and why nothing of it is taken any more, if so
   */
  renew(
    runs: readonly TakenRun[],
  ): Promise<{ readonly lost: readonly TakenRun[]; readonly setAside: string | undefined }>;
  /** Told of a run that its worker has taken back. */
  onTakenBack(listener: (id: string) => void): void;
  /** Resolves with false when the run is not this runner's any more. */
  report(run: TakenRun, claim: RunResultClaim, options: { readonly tookMs: number }): Promise<boolean>;
  /** Of these reported runs, those whose outcome nobody waits for any more. */
  released(ids: readonly string[]): Promise<readonly string[]>;
  workers(): Promise<readonly RunWorker[]>;
  /** As in {@link RunQueue}. */
  view(): Promise<RunQueueView>;
}
