import { afterStep, stepsOf, type MemberStep } from "./member.ts";
import { hasTerm, type Model, type State } from "./state.ts";

/**
 * A step that a large search takes at once and alone, since it takes no possibility from anybody: whatever could happen without it can
 * happen behind it, and no invariant can be mended by more acks. It is what a member does with records of its own term whose leader is
 * honest, of which there is one a height:
 *
 * - A leader makes the next record and a follower plays it. A LeaderChange names a certificate and not the head, certificates of lower
 *   records can be taken all the same, and the first record of a later term replaces whatever there is.
 * - A follower that has signed the LeaderChange plays the first record of the term, when that shows no certificate that is new to it.
 * - In the last term there are no LeaderChanges to come, so a certificate is taken when there is one.
 *
 * Only for rules without faults. A test compares this with the search of everything.
 */
export function eagerStep(
  model: Model,
  state: State,
): { readonly member: number; readonly step: MemberStep } | undefined {
  for (const [member, each] of state.members.entries()) {
    const step = stepsOf(model, state, each).find((next) => isEager(next));
    if (step !== undefined) return { member, step };

    function isEager(next: MemberStep): boolean {
      const { tree, bounds } = model;
      const isLast = each.term === bounds.terms;
      if (next.kind === "take") return isLast;
      if (next.kind !== "play" || tree.term[next.record] !== each.term || hasTerm(state.liarLeads, each.term)) return false;
      if (tree.term[each.log] === each.term) return true;
      // A new leader chooses what it goes on from.
      if (hasTerm(each.leads, each.term)) return false;
      return isLast || afterStep(model, each, next).certificate === each.certificate;
    }
  }
  return undefined;
}
