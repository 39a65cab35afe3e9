import { isSameResult, type RunResult } from "../domain/verdict/decide-verdict.ts";
import type { RunOutcome } from "../ports/runs.ts";
import type { HeldContent } from "./held-content.ts";
import type { Replay } from "./plan-replay.ts";
import { repeatRuns } from "./repeat-runs.ts";
import { runProgram, type RunComponents } from "./run-program.ts";

/** What a run made now comes to, as a record would say it. */
export type OwnRun = RunResult & Pick<RunOutcome, "detail" | "seconds">;

/** What came of the first run of a record that does not come to what it says, or of its last run. */
export type RepeatedRecord = {
  /** Which of its runs, from 0. */
  readonly index: number;
} & (
  | { readonly kind: "agreed"; readonly own: OwnRun; readonly isSame: boolean }
  | { readonly kind: "differ" }
  /** It ran once and then no more. */
  | { readonly kind: "failed"; readonly code: string }
);

export interface RepeatRecordOptions {
  /** Makes the last run twice where it comes to what the record says, as evidence needs it. @default false */
  readonly twice?: boolean;
  readonly signal: AbortSignal;
}

/**
 * Makes the runs of a landed record again, one after the other. One that does not come to what the record says is made again, so that
 * nobody is blamed for a program that comes to something else each time.
 *
 * Throws what the engine and the content store throw at the first run of each.
 */
export async function repeatRecord(
  components: Omit<RunComponents, "content"> & { readonly held: HeldContent },
  replays: readonly Replay[],
  { twice = false, signal }: RepeatRecordOptions,
): Promise<RepeatedRecord> {
  const { held, ...rest } = components;
  const runOnce = async ({ plan, conclude }: Replay): Promise<OwnRun> => {
    const outcome = await runProgram({ ...rest, content: held.content }, plan, { signal });
    const { status, outputCid, newState, gas } = conclude(outcome);
    return { status, outputCid, newState, gas, detail: outcome.detail, seconds: outcome.seconds };
  };
  let repeated: RepeatedRecord | undefined;
  for (const [index, replay] of replays.entries()) {
    const { landed, plan } = replay;
    const own = await runOnce(replay);
    const isSame = isSameResult(landed, own);
    repeated = { index, kind: "agreed", own, isSame };
    // What the next one does not need may be large.
    await held.letGo(own.newState);
    const isLast = index === replays.length - 1;
    if (isSame && !(isLast && twice)) continue;
    let first: OwnRun | undefined = own;
    const run = async (): Promise<OwnRun> => {
      const next = first ?? (await runOnce(replay));
      first = undefined;
      return next;
    };
    const runs = await repeatRuns(run, { engine: plan.reference.kind, signed: [landed], lastCall: signal, signal });
    if (runs.kind === "failed") return { index, kind: "failed", code: runs.code };
    if (runs.kind === "differ") return { index, kind: "differ" };
    return repeated;
  }
  return repeated ?? { index: 0, kind: "failed", code: "RECORD_INVALID" };
}
