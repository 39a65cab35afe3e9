import { certifiedRecords, committedRecords } from "./messages.ts";
import { GENESIS, type RecordId } from "./records.ts";
import { hasTerm, type Member, type Model, type State } from "./state.ts";

/**
 * A state without what makes no difference any more, so that states that differ in nothing else are one. For rules without faults:
 *
 * - The head of a log of an earlier term than the member's: the next record that it plays is a first one, which replaces any.
 * - The certificate of one that is in the last term, unless it is of that term: there are no LeaderChanges to name it.
 * - LeaderChanges for a term whose honest leader has begun, or is in a later one, or that everybody has begun or left.
 * - Who led a term that everybody has left, once the next one has begun: it is asked for to leave that one out.
 * - Acks of a term that everybody has left, but for what they came to: everybody is taken to have said just that.
 */
export function forget(model: Model, state: State): State {
  const { tree, bounds } = model;
  const { terms } = bounds;
  let { members, liarLeads } = state;
  const termOf = (record: RecordId): number => tree.term[record] ?? 0;
  const hasBegun = (term: number): boolean => {
    if (!hasTerm(liarLeads, term)) {
      const leader = members.find(({ leads }) => hasTerm(leads, term));
      return leader !== undefined && (leader.term > term || termOf(leader.log) === term);
    }
    return members.every((member) => member.term > term || termOf(member.log) === term);
  };
  const isLeft = (term: number): boolean => members.every((member) => member.term > term);

  const left = Array.from({ length: terms }, (_, index) => index + 1).filter(isLeft);
  if (left.length > 0) {
    const certified = bounds.liars === 0 ? [] : tipsOf(certifiedRecords(model, state));
    const committed = tipsOf(committedRecords(model, state));
    members = members.map((member) => ({
      ...member,
      acked: instead(member.acked, certified),
      holds: instead(member.holds, committed),
    }));
  }
  const unasked = (term: number): boolean => term <= 1 || hasBegun(term);
  const forgotten = left.filter((term) => hasBegun(term + 1));
  const without = (all: number): number => forgotten.reduce((rest, term) => rest & ~(1 << term), all);
  members = members.map((member): Member => {
    const { log, term, certificate, changes } = member;
    return {
      ...member,
      log: termOf(log) < term ? GENESIS : log,
      certificate: term === terms && termOf(certificate) < term ? GENESIS : certificate,
      changes: changes.map((named, of) => (unasked(of) ? undefined : named)),
    };
  });
  // After the rest, which asks who leads.
  members = members.map((member) => ({ ...member, leads: without(member.leads) }));
  liarLeads = without(liarLeads);
  return { members, liarLeads };

  function tipsOf(records: readonly RecordId[]): RecordId[] {
    const tips = records.filter(
      (record) => !records.some((other) => other !== record && termOf(other) === termOf(record) && tree.isBelow(record, other)),
    );
    return tips.filter((record) => left.includes(termOf(record)));
  }

  function instead(said: readonly RecordId[], tips: readonly RecordId[]): RecordId[] {
    return [...said.filter((record) => !left.includes(termOf(record))), ...tips].sort((a, b) => a - b);
  }
}
