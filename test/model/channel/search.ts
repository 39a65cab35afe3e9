import { eagerStep } from "./eager.ts";
import { forget } from "./forget.ts";
import { breachOf } from "./invariants.ts";
import { afterStep, stepsOf, type MemberStep } from "./member.ts";
import { createRecordTree } from "./records.ts";
import type { Bounds, Fsync, Rules } from "./rules.ts";
import { createStateSet } from "./state-set.ts";
import { hasTerm, initialStates, withTerm, type Model, type State } from "./state.ts";

/** One member's step, and who was made the leader of a term by it, when it is the first to go there. */
export interface Step {
  readonly member: number;
  readonly step: MemberStep;
  readonly opens?: number | "liar";
}

/** A way from the beginning to a state; members keep their names on it. */
export interface Trace {
  readonly initial: State;
  readonly steps: readonly Step[];
  readonly states: readonly State[];
}

/** What a search has found. */
export interface Found {
  readonly states: number;
  readonly steps: number;
  /** How many steps away the farthest state is. */
  readonly depth: number;
  readonly breach?: { readonly what: string; readonly trace: Trace };
}

/** What else a search may be told. */
export interface SearchOptions {
  readonly fsync?: Fsync;
  /** Whether steps that take nothing from anybody are taken alone (see eager.ts). */
  readonly isEager?: boolean;
  /** Looks at every state that is met for the first time. */
  readonly visit?: (model: Model, state: State) => unknown;
  /** What must never be, when it is something else than the usual. */
  readonly breach?: (model: Model, state: State) => string | undefined;
}

/** Meets every state that can be reached within the bounds, the near ones first, until one breaks an invariant. */
export function search(bounds: Bounds, rules: Rules, options: SearchOptions = {}): Found {
  const { fsync = "a step", isEager = false, visit, breach = breachOf } = options;
  const model: Model = { bounds, rules, fsync, tree: createRecordTree(bounds) };
  const next = (state: State): State => (isEager ? rest(model, state) : state);
  const met = createStateSet(bounds.members - bounds.liars);
  for (const state of initialStates(model)) met.add(next(state), -1);
  let steps = 0;
  let depth = 0;
  let endOfDepth = met.size;
  for (let number = 0; number < met.size; number += 1) {
    if (number === endOfDepth) {
      depth += 1;
      endOfDepth = met.size;
    }
    const state = met.get(number);
    visit?.(model, state);
    const what = breach(model, state);
    if (what !== undefined) return { states: met.size, steps, depth, breach: { what, trace: traceTo(number) } };
    for (const step of allSteps(model, state)) {
      steps += 1;
      met.add(next(take(model, state, step)), number);
    }
  }
  return { states: met.size, steps, depth };

  /** The set forgets which member is which; going the way again from its beginning tells. */
  function traceTo(number: number): Trace {
    const way = met.wayTo(number);
    const [first = 0] = way;
    const initial = initialStates(model).find((each) => met.find(next(each)) === first) ?? met.get(first);
    const states = [initial];
    const taken: Step[] = [];
    const go = (step: Step): void => {
      states.push(take(model, states.at(-1) ?? initial, step));
      taken.push(step);
    };
    const goOn = (): void => {
      if (!isEager) return;
      for (let step = eagerStep(model, states.at(-1) ?? initial); step !== undefined;) {
        go(step);
        step = eagerStep(model, states.at(-1) ?? initial);
      }
    };
    goOn();
    for (const number of way.slice(1)) {
      const state = states.at(-1) ?? initial;
      const step = allSteps(model, state).find((each) => met.find(next(take(model, state, each))) === number);
      if (step === undefined) throw new Error("a way that nobody went");
      go(step);
      goOn();
    }
    return { initial, steps: taken, states };
  }
}

function rest(model: Model, state: State): State {
  let at = state;
  for (let next = eagerStep(model, at); next !== undefined; next = eagerStep(model, at)) at = take(model, at, next);
  return forget(model, at);
}

/** Every step that anybody may take. */
export function allSteps(model: Model, state: State): Step[] {
  const { bounds } = model;
  const { members, liarLeads } = state;
  const leaderOf = (term: number): number | "liar" | undefined => {
    if (hasTerm(liarLeads, term)) return "liar";
    const found = members.findIndex(({ leads }) => hasTerm(leads, term));
    return found < 0 ? undefined : found;
  };
  const steps: Step[] = [];
  for (const [member, each] of members.entries()) {
    for (const step of stepsOf(model, state, each)) steps.push({ member, step });
    if (each.pending !== undefined) continue;
    for (let term = each.term + 1; term <= bounds.terms; term += 1) {
      const step = { kind: "change" as const, term };
      if (leaderOf(term) !== undefined) steps.push({ member, step });
      else if (leaderOf(term - 1) !== undefined) {
        // The next term is about the leader of the one before: any other may lead it. Of two who try, one at most gets a quorum.
        const others: (number | "liar")[] = [...members.keys()];
        if (bounds.liars > 0) others.push("liar");
        for (const opens of others) if (opens !== leaderOf(term - 1)) steps.push({ member, step, opens });
      }
    }
  }
  return steps;
}

/** The state after a step. */
export function take(model: Model, { members, liarLeads }: State, { member, step, opens }: Step): State {
  const term = step.kind === "change" ? step.term : 0;
  return {
    members: members.map((each, index) => {
      const leads = index === opens ? withTerm(each.leads, term) : each.leads;
      const before = leads === each.leads ? each : { ...each, leads };
      return index === member ? afterStep(model, before, step) : before;
    }),
    liarLeads: opens === "liar" ? withTerm(liarLeads, term) : liarLeads,
  };
}
