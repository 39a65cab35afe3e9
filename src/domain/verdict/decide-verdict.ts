import type { Verdict } from "../../ports/chain.ts";
import type { ProgramReference } from "../../ports/engine.ts";
import type { ExecutionAnswer } from "../../wire/execution-answer.ts";

/** Whether the worker was found over the messenger and its API answered. */
export type Liveness = { readonly live: true } | { readonly live: false; readonly code: string };

/** What the tester's own two runs came to. */
export type OwnRuns =
  | { readonly kind: "agreed"; readonly answer: ExecutionAnswer }
  | { readonly kind: "differ"; readonly answers: readonly [ExecutionAnswer, ExecutionAnswer] }
  /** The tester's time-out, lack of memory, missing input: its own failure, which says nothing about the worker. */
  | { readonly kind: "failed"; readonly code: string };

/** What came of probing one worker as an ordinary user. */
export type WorkerProbe =
  /** Nothing to ask: no program is bound, or it is none that a user could use. */
  | { readonly kind: "none"; readonly reason: string }
  /** The tester itself could not ask. */
  | { readonly kind: "failed"; readonly code: string }
  /** Asked, and no answer came that is signed by the worker. */
  | { readonly kind: "silent"; readonly code: string }
  | {
      readonly kind: "answered";
      /** Signed by this worker, to this request. */
      readonly answer: ExecutionAnswer;
      /** Whether the ledger had the state and sequence that the answer names while it was asked for. */
      readonly onKnownState: boolean;
      readonly own: OwnRuns;
      readonly engine: ProgramReference["kind"];
      /** Whether the worker itself listed the image as deterministic. */
      readonly vetted: boolean;
    };

/** A probe that the worker answered. */
export type AnsweredProbe = Extract<WorkerProbe, { kind: "answered" }>;

export type VerdictReason =
  | "live"
  | "not-live"
  | "no-answer"
  | "same-answer"
  | "other-answer"
  | "other-answer-unvetted"
  | "other-record"
  | "unknown-state"
  | "non-deterministic"
  | "own-failure"
  | "nothing-to-show"
  | "signed-wrong-transition"
  | "asked-in-vain";

export interface Decision {
  /** `undetermined`: the tester saw nothing that it could vouch for. */
  readonly verdict: Verdict | "undetermined";
  readonly reason: VerdictReason;
}

/** What else bears on a worker's verdict. */
export interface VerdictContext {
  /** It signed a landed transition that two equal runs of the tester contradict, see {@link isBlamedFor}. @default false */
  readonly signedWrongTransition?: boolean;
  /**
   * The epoch began with a bound program, so anybody may make the tester show the answer behind an `ok`. A client that binds a
   * program that nobody can use must not make testers say what they cannot show. @default false
   */
  readonly answerNeeded?: boolean;
}

/**
 * The verdict on one worker (design: market, Testers). `wrong` needs a signed answer, or a signed landed transition, that two
 * equal runs of the tester contradict, on an engine that is deterministic or an image that the worker vetted; where the tester
 * failed, or the program itself is not deterministic, the worker is never blamed. `ok` for a bound program needs a signed answer.
 */
export function decideVerdict(liveness: Liveness, probe: WorkerProbe, context: VerdictContext = {}): Decision {
  const onAnswer = probe.kind === "answered" ? judgeAnswer(probe) : undefined;
  // What is proven counts whether or not the worker was found otherwise.
  if (onAnswer?.verdict === "wrong") return onAnswer;
  if (context.signedWrongTransition === true) return { verdict: "wrong", reason: "signed-wrong-transition" };
  if (!liveness.live) return { verdict: "unreachable", reason: "not-live" };
  if (onAnswer !== undefined) return onAnswer;
  switch (probe.kind) {
    case "none":
      return context.answerNeeded === true
        ? { verdict: "unreachable", reason: "nothing-to-show" }
        : { verdict: "ok", reason: "live" };
    case "failed":
      return { verdict: "undetermined", reason: "own-failure" };
    default:
      return { verdict: "unreachable", reason: "no-answer" };
  }
}

/** True when the tester's own runs showed that the program gives different results. */
export function isNonDeterministic(probe: WorkerProbe): boolean {
  return probe.kind === "answered" && probe.own.kind === "differ";
}

/** Whether a mismatch is held against a worker: time-bombs and machines must not be able to make an honest one a liar. */
export function isBlamedFor(program: { readonly engine: ProgramReference["kind"]; readonly vetted: boolean }): boolean {
  return program.engine === "wasi" || program.vetted;
}

/** What a run came to, without the record that says so. */
export type RunResult = Pick<ExecutionAnswer, "status" | "outputCid" | "newState" | "gas">;

/** Whether two answers say the same about the run; the record is compared apart. */
export function isSameResult(a: RunResult, b: RunResult): boolean {
  return a.status === b.status && a.outputCid === b.outputCid && a.newState === b.newState && a.gas === b.gas;
}

/** The verdict on a worker's signed answer alone. */
export function judgeAnswer(probe: AnsweredProbe): Decision {
  const { answer, own } = probe;
  if (!probe.onKnownState) return { verdict: "unreachable", reason: "unknown-state" };
  if (own.kind === "failed") return { verdict: "ok", reason: "own-failure" };
  if (own.kind === "differ") return { verdict: "ok", reason: "non-deterministic" };
  if (isSameResult(answer, own.answer)) {
    // The record says nothing of the program's result, so a difference in it proves no wrong run.
    if (answer.recordCid !== own.answer.recordCid) return { verdict: "unreachable", reason: "other-record" };
    return { verdict: "ok", reason: "same-answer" };
  }
  return isBlamedFor(probe)
    ? { verdict: "wrong", reason: "other-answer" }
    : { verdict: "unreachable", reason: "other-answer-unvetted" };
}
