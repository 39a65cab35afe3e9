import { judgeAnswer, type AnsweredProbe, type Decision, type Liveness } from "./decide-verdict.ts";

/** What a tester of a panel found about one appealed worker, from the evidence of the first round and by itself. */
export interface PanelFindings {
  /** Whether it is found and answers now. */
  readonly liveness: Liveness;
  /** Its signed answers to genuine probes, each run again on the state that it names; from whoever's evidence. */
  readonly answers: readonly AnsweredProbe[];
  /** It signed a landed transition that two equal runs contradict. */
  readonly signedWrongTransition: boolean;
  /** Some tester of the first round can show a paid request that stayed without its answer. */
  readonly askedInVain: boolean;
  /** Something of the above could not be looked at from here. */
  readonly ownFailure: boolean;
  /** The epoch began with a bound program. */
  readonly bound: boolean;
}

/**
 * The panel's verdict on one worker. A signed lie is `wrong`, whoever holds it; a signed answer that comes out the same is `ok`,
 * whatever the majority said. Without either it is one word against another: a worker that is there now is `ok`, unless somebody
 * shows a paid request that it left unanswered. Who could not look says nothing, except of what is proven.
 */
export function decidePanelVerdict(findings: PanelFindings): Decision {
  const judged = findings.answers.map(judgeAnswer);
  const lie = judged.find(({ verdict }) => verdict === "wrong");
  if (lie !== undefined) return lie;
  if (findings.signedWrongTransition) return { verdict: "wrong", reason: "signed-wrong-transition" };
  const honest = judged.find(({ reason }) => reason === "same-answer");
  if (honest !== undefined) return honest;
  if (findings.ownFailure) return { verdict: "undetermined", reason: "own-failure" };
  const other = judged[0];
  if (other !== undefined) return other;
  if (findings.bound && findings.askedInVain) return { verdict: "unreachable", reason: "asked-in-vain" };
  return findings.liveness.live ? { verdict: "ok", reason: "live" } : { verdict: "unreachable", reason: "not-live" };
}
