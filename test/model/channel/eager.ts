import { afterStep, certificatesToTake, leadersRecordsOf, ownRecords, type MemberStep } from "./member.ts";
import { hasTerm, type Member, type Model, type State } from "./state.ts";

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
    const step = eagerStepOf(model, state, each);
    if (step !== undefined) return { member, step };
  }
  return undefined;
}

function eagerStepOf(model: Model, state: State, member: Member): MemberStep | undefined {
  const { tree, bounds } = model;
  const { term, log, leads, certificate } = member;
  const isLast = term === bounds.terms;
  const hasBegun = tree.term[log] === term;
  if (isLast) {
    const [taken] = certificatesToTake(model, state, member);
    if (taken !== undefined) return { kind: "take", certificate: taken };
  }
  if (hasTerm(state.liarLeads, term)) return undefined;
  if (hasTerm(leads, term)) {
    // A new leader chooses what it goes on from.
    const [record] = hasBegun ? ownRecords(model, state, member) : [];
    return record === undefined ? undefined : { kind: "play", record };
  }
  const [record] = leadersRecordsOf(model, state, member, term);
  if (record === undefined) return undefined;
  const play: MemberStep = { kind: "play", record };
  return hasBegun || isLast || afterStep(model, member, play).certificate === certificate ? play : undefined;
}
