import { basesOf } from "./messages.ts";
import { GENESIS, type RecordId } from "./records.ts";
import type { Member, Model, State } from "./state.ts";

/**
 * The liar. It cannot forge signatures and can do everything else at any time: it acks all records, says that it holds all certificates,
 * votes for everything, signs any number of LeaderChanges that name any certificate that there is, or none (messages.ts counts its weight
 * with every set). It does not ack, or hides, by others not counting it.
 *
 * As a leader it shows each member whatever it likes: here, what `member` could be shown in `term`. It makes the second record of a place
 * only where somebody has the first one; names of records are no matter, so that leaves nothing out.
 */
export function liarsRecords(model: Model, state: State, member: Member, term: number): RecordId[] {
  const { tree, rules } = model;
  const { members } = state;
  const parents = new Set<RecordId>();
  if (tree.term[member.log] === term) parents.add(member.log);
  else if (rules.handover === "published set") for (const base of basesOf(model, state, term)) parents.add(base);
  // Nobody asks where it goes on from: from any record of an earlier term.
  else for (const base of everything()) if ((tree.term[base] ?? 0) < term) parents.add(base);
  const made = everything();
  const records: RecordId[] = [];
  for (const parent of parents) {
    const first = tree.child(parent, term, 0);
    if (first === undefined) continue;
    records.push(first);
    const second = tree.child(parent, term, 1);
    if (made.has(first) && second !== undefined) records.push(second);
  }
  return records;

  function everything(): Set<RecordId> {
    return new Set([GENESIS, ...members.flatMap(({ acked }) => acked.flatMap((tip) => tree.chain(tip)))]);
  }
}
