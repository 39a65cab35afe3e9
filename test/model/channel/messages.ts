import { GENESIS, type RecordId } from "./records.ts";
import { isQuorum } from "./rules.ts";
import { hasTerm, type Member, type Model, type State } from "./state.ts";

/** Whether a certificate of the first record is higher: of a later term, or of the same and for a greater height. */
export function isHigher({ tree }: Model, a: RecordId, b: RecordId): boolean {
  const byTerm = (tree.term[a] ?? 0) - (tree.term[b] ?? 0);
  return byTerm > 0 || (byTerm === 0 && (tree.height[a] ?? 0) > (tree.height[b] ?? 0));
}

/** Whether a new leader goes on from the first certificate rather than from the second. */
export function isPreferred(model: Model, a: RecordId, b: RecordId): boolean {
  const { tree, rules } = model;
  const byHeight = (tree.height[a] ?? 0) - (tree.height[b] ?? 0);
  return rules.adopts === "highest height" && byHeight !== 0 ? byHeight > 0 : isHigher(model, a, b);
}

/** Adds what a member says to what it said, unless it said as much of the same chain and term. */
export function alsoSays({ tree }: Model, said: readonly RecordId[], record: RecordId): readonly RecordId[] {
  if (record === GENESIS || said.some((tip) => covers(record, tip))) return said;
  return [...said.filter((tip) => !covers(tip, record)), record].sort((a, b) => a - b);

  function covers(below: RecordId, tip: RecordId): boolean {
    return tree.term[below] === tree.term[tip] && tree.isBelow(below, tip);
  }
}

/** The same for votes, which count for every record below, of whatever term. */
export function alsoVotes({ tree }: Model, voted: readonly RecordId[], record: RecordId): readonly RecordId[] {
  if (record === GENESIS || voted.some((tip) => tree.isBelow(record, tip))) return voted;
  return [...voted.filter((tip) => !tree.isBelow(tip, record)), record].sort((a, b) => a - b);
}

/** How many, with the liar, have said something of a record or one above it of the same term. */
function weightOf(
  { bounds, tree }: Model,
  members: readonly Member[],
  record: RecordId,
  said: (member: Member) => readonly RecordId[],
): number {
  let weight = bounds.liars;
  for (const member of members) {
    if (said(member).some((tip) => tree.term[tip] === tree.term[record] && tree.isBelow(record, tip))) weight += 1;
  }
  return weight;
}

/** Every record that somebody honest has said something of, and those below it. */
function spokenOf(
  { tree }: Model,
  members: readonly Member[],
  said: (member: Member) => readonly RecordId[],
): readonly RecordId[] {
  const all: RecordId[] = [];
  for (const member of members) {
    for (const tip of said(member)) {
      for (const record of tree.chain(tip)) if (!all.includes(record)) all.push(record);
    }
  }
  return all;
}

const acked = (member: Member): readonly RecordId[] => member.acked;
const holds = (member: Member): readonly RecordId[] => member.holds;

/** What was found of a state, which is asked for many times. */
const certifiedIn = new WeakMap<State, readonly RecordId[]>();

/** The records that acks of a quorum make a certificate of, of the record's own term. A liar alone is no quorum. */
export function certifiedRecords(model: Model, state: State): readonly RecordId[] {
  const known = certifiedIn.get(state);
  if (known !== undefined) return known;
  const { rules, bounds } = model;
  const { members } = state;
  const found = spokenOf(model, members, acked).filter((record) =>
    isQuorum(rules, weightOf(model, members, record, acked), bounds.members),
  );
  certifiedIn.set(state, found);
  return found;
}

/** What somebody may take for committed; all below it in its chain is, too. */
export function committedRecords(model: Model, state: State): readonly RecordId[] {
  const { rules, bounds, tree } = model;
  const { members, liarLeads } = state;
  if (rules.commit === "when the leader holds a certificate") {
    return certifiedRecords(model, state).filter((record) => {
      const term = tree.term[record] ?? 0;
      const leader = members.filter(({ leads }) => hasTerm(leads, term));
      return hasTerm(liarLeads, term) || weightOf(model, leader, record, holds) > bounds.liars;
    });
  }
  return spokenOf(model, members, holds).filter((record) =>
    isQuorum(rules, weightOf(model, members, record, holds), bounds.members),
  );
}

/** What votes can make final. A vote is for a record, whatever the term in which the voter got its certificate. */
export function settledRecords(model: Model, { members }: State): readonly RecordId[] {
  const { rules, bounds, tree } = model;
  return spokenOf(model, members, ({ voted }) => voted).filter((record) => {
    const votes = members.filter(({ voted }) => voted.some((tip) => tree.isBelow(record, tip)));
    return isQuorum(rules, votes.length + bounds.liars, bounds.members);
  });
}

/** The records that a leader has sent, if somebody honest leads: it acks what it sends. */
export function isSent({ tree }: Model, { members }: State, record: RecordId): boolean {
  const term = tree.term[record] ?? 0;
  const leader = members.find(({ leads }) => hasTerm(leads, term));
  return leader?.acked.some((tip) => tree.isBelow(record, tip)) ?? false;
}

/**
 * The records that a leader of `term` may go on from: those that are the preferred certificate in a set of LeaderChanges that is a quorum,
 * of all or without the leader before, whom the term is about. The largest such set is of all who name nothing that is preferred to it. The liar's
 * LeaderChanges name any certificate that there is. A leader that is given has its own in the set.
 */
export function basesOf(model: Model, state: State, term: number, leader?: Member): readonly RecordId[] {
  const { rules, bounds, tree } = model;
  if (term === 1) return [GENESIS];
  const { members, liarLeads } = state;
  const signers = members.filter(({ changes }) => changes[term] !== undefined);
  if (signers.length === 0) return [];
  const named = signers.map(({ changes }) => changes[term] ?? GENESIS);
  const claimed = bounds.liars === 0 ? [] : certifiedRecords(model, state);
  const candidates = new Set([GENESIS, ...named, ...claimed.filter((record) => (tree.term[record] ?? 0) < term)]);
  return [...candidates].filter((base) => {
    const set = signers.filter(({ changes }) => !isPreferred(model, changes[term] ?? GENESIS, base));
    if (leader !== undefined && !set.includes(leader)) return false;
    const liars = bounds.liars;
    const old = set.filter(({ leads }) => hasTerm(leads, term - 1)).length + (hasTerm(liarLeads, term - 1) ? liars : 0);
    const weight = set.length + liars;
    return isQuorum(rules, weight, bounds.members) || isQuorum(rules, weight - old, bounds.members - 1);
  });
}
