import { alsoSays, alsoVotes, certifiedRecords, committedRecords } from "./messages.ts";
import { GENESIS, type RecordId } from "./records.ts";
import { hasTerm, type Member, type Model, type State } from "./state.ts";

/**
 * A state without what makes no difference any more, so that states that differ in nothing else are one. For rules without faults:
 *
 * - Whose acks made a certificate, and who said to hold what is committed: everybody is taken to have said so. That adds no certificate
 *   and nothing committed. A vote for what is committed is taken for cast, too: a search that allows more finds nothing less.
 * - Other acks of a term that everybody has left.
 * - The head of a log of an earlier term than the member's: the next record that it plays is a first one, which replaces any.
 * - The certificate of one that is in the last term, unless it is of that term: there are no LeaderChanges to name it.
 * - LeaderChanges for a term whose honest leader has begun, or is in a later one, or that everybody has begun or left.
 * - Who led a term that everybody has left, once the next one has begun: it is asked for to leave that one out.
 */
export function forget(model: Model, state: State): State {
  const { tree, bounds } = model;
  const { terms } = bounds;
  const { members, liarLeads } = state;
  const certified = certifiedRecords(model, state);
  const committed = committedRecords(model, state);
  let isLeft = 0;
  let isOver = 0;
  for (let term = terms; term >= 1; term -= 1) {
    if (members.every((member) => member.term > term)) isLeft |= 1 << term;
    if (term === 1 || hasBegun(term)) isOver |= 1 << term;
  }
  const isUnled = isLeft & (isOver >> 1);
  return { members: members.map(withoutPast), liarLeads: liarLeads & ~isUnled };

  function withoutPast(member: Member): Member {
    const { log, term, certificate, leads, changes } = member;
    const isKept = (record: RecordId): boolean => !hasTerm(isLeft, termOf(record));
    return {
      ...member,
      log: termOf(log) < term ? GENESIS : log,
      certificate: term === terms && termOf(certificate) < term ? GENESIS : certificate,
      leads: leads & ~isUnled,
      changes: Array.from({ length: terms + 1 }, (_, of) => (hasTerm(isOver, of) ? undefined : changes[of])),
      // Of what came of a term that everybody has left, only a liar's LeaderChange can still speak.
      acked: saying(member.acked.filter(isKept), bounds.liars === 0 ? certified.filter(isKept) : certified),
      holds: saying(member.holds.filter(isKept), committed),
      voted: committed.reduce((all, record) => alsoVotes(model, all, record), member.voted),
    };
  }

  function saying(said: readonly RecordId[], more: readonly RecordId[]): readonly RecordId[] {
    return more.reduce((all, record) => alsoSays(model, all, record), said);
  }

  function termOf(record: RecordId): number {
    return tree.term[record] ?? 0;
  }

  function hasBegun(term: number): boolean {
    const hasBegunFor = (member: Member): boolean => member.term > term || termOf(member.log) === term;
    if (hasTerm(liarLeads, term)) return members.every(hasBegunFor);
    const leader = members.find(({ leads }) => hasTerm(leads, term));
    return leader !== undefined && hasBegunFor(leader);
  }
}
