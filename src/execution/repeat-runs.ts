import { isSameResult, type RunResult } from "../domain/verdict/decide-verdict.ts";
import { isSprfError } from "../errors.ts";
import type { ProgramReference } from "../ports/engine.ts";

/**
 * Further runs before a worker is contradicted, by engine. A container may do something else now and then, which two runs need not
 * show: with so many more, a program that gives another result in a share p of its runs makes an honest worker look like a liar with
 * p (1 - p)^8 + p^8 (1 - p) for each probe, at most 4.4 % (p = 1/9), and only for an image that it vetted. `wasi` has no such
 * programs.
 */
const CONFIRMATIONS: Readonly<Record<ProgramReference["kind"], number>> = { wasi: 0, docker: 6 };

/** What own runs came to, see `OwnRuns` of the verdicts. */
export type RepeatedRuns<Result> =
  | { readonly kind: "agreed"; readonly answer: Result }
  | { readonly kind: "differ"; readonly answers: readonly [Result, Result] }
  | { readonly kind: "failed"; readonly code: string };

/** Own runs of one request on one state: two, and more of them when they contradict what a worker signed. */
export async function repeatRuns<Result extends RunResult>(
  run: () => Promise<Result>,
  parts: {
    readonly engine: ProgramReference["kind"];
    /** What workers signed for the same run. */
    readonly signed: readonly RunResult[];
    /** From then on nothing more is confirmed: time is running out. */
    readonly lastCall: AbortSignal;
    readonly signal: AbortSignal;
  },
): Promise<RepeatedRuns<Result>> {
  try {
    const first = await run();
    let more = parts.signed.every((answer) => isSameResult(answer, first)) ? 0 : CONFIRMATIONS[parts.engine];
    do {
      const next = await run();
      if (!isSameResult(first, next)) return { kind: "differ", answers: [first, next] };
    } while (more-- > 0 && !parts.lastCall.aborted);
    return { kind: "agreed", answer: first };
  } catch (error) {
    if (parts.signal.aborted) throw error;
    return { kind: "failed", code: isSprfError(error) ? error.code : "INTERNAL" };
  }
}
