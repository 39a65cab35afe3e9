import { GENESIS, type RecordId } from "./records.ts";
import { isQuorum } from "./rules.ts";
import { hasTerm, type Member, type Model, type State } from "./state.ts";

/** Whether a certificate of the first record is higher: what a new leader goes by. */
export function isHigher({ tree, rules }: Model, a: RecordId, b: RecordId): boolean {
  const byTerm = (tree.term[a] ?? 0) - (tree.term[b] ?? 0);
  const byHeight = (tree.height[a] ?? 0) - (tree.height[b] ?? 0);
  if (rules.adopts === "highest height") return byHeight > 0 || (byHeight === 0 && byTerm > 0);
  return byTerm > 0 || (byTerm === 0 && byHeight > 0);
}

/** Adds what a member says to what it said, unless it said as much of the same chain and term. */
export function alsoSays({ tree }: Model, said: readonly RecordId[], record: RecordId): readonly RecordId[] {
  if (record === GENESIS || said.some((tip) => covers(record, tip))) return said;
  return [...said.filter((tip) => !covers(tip, record)), record].sort((a, b) => a - b);

  function covers(below: RecordId, tip: RecordId): boolean {
    return tree.term[below] === tree.term[tip] && tree.isBelow(below, tip);
  }
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
): ReadonlySet<RecordId> {
  const all = new Set<RecordId>();
  for (const member of members) for (const tip of said(member)) for (const record of tree.chain(tip)) all.add(record);
  return all;
}

const acked = (member: Member): readonly RecordId[] => member.acked;
const holds = (member: Member): readonly RecordId[] => member.holds;

/** The records that acks of a quorum make a certificate of, of the record's own term. A liar alone is no quorum. */
export function certifiedRecords(model: Model, { members }: State): RecordId[] {
  const { rules, bounds } = model;
  return [...spokenOf(model, members, acked)].filter((record) =>
    isQuorum(rules, weightOf(model, members, record, acked), bounds.members),
  );
}

/** What somebody may take for committed; all below it in its chain is, too. */
export function committedRecords(model: Model, state: State): RecordId[] {
  const { rules, bounds, tree } = model;
  const { members, liarLeads } = state;
  if (rules.commit === "when the leader holds a certificate") {
    return certifiedRecords(model, state).filter((record) => {
      const term = tree.term[record] ?? 0;
      const leader = members.filter(({ leads }) => hasTerm(leads, term));
      return hasTerm(liarLeads, term) || weightOf(model, leader, record, holds) > bounds.liars;
    });
  }
  return [...spokenOf(model, members, holds)].filter((record) =>
    isQuorum(rules, weightOf(model, members, record, holds), bounds.members),
  );
}

/** What votes can make final. A vote is for a record, whatever the term in which the voter got its certificate. */
export function settledRecords(model: Model, { members }: State): RecordId[] {
  const { rules, bounds, tree } = model;
  return [...spokenOf(model, members, ({ voted }) => voted)].filter((record) => {
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
 * The records that a leader of `term` may go on from: the highest certificate of each set of LeaderChanges that is a quorum, of all or
 * without the leader before, whom the term is about. The liar's LeaderChanges name any certificate that there is.
 */
export function basesOf(model: Model, state: State, term: number, leader?: Member): ReadonlySet<RecordId> {
  const { rules, bounds, tree } = model;
  if (term === 1) return new Set([GENESIS]);
  const { members, liarLeads } = state;
  const signers = members.filter(({ changes }) => changes[term] !== undefined);
  const bases = new Set<RecordId>();
  for (let chosen = 0; chosen < 1 << signers.length; chosen += 1) {
    const set = signers.filter((_, index) => (chosen & (1 << index)) !== 0);
    if (leader !== undefined && !set.includes(leader)) continue;
    const isOld = ({ leads }: Member): boolean => hasTerm(leads, term - 1);
    const others = set.filter((member) => !isOld(member)).length + (hasTerm(liarLeads, term - 1) ? 0 : bounds.liars);
    const isValid =
      isQuorum(rules, set.length + bounds.liars, bounds.members) || isQuorum(rules, others, bounds.members - 1);
    if (!isValid) continue;
    let highest = GENESIS;
    for (const { changes } of set) {
      const named = changes[term] ?? GENESIS;
      if (isHigher(model, named, highest)) highest = named;
    }
    bases.add(highest);
    if (bounds.liars === 0) continue;
    for (const certified of certifiedRecords(model, state)) {
      if ((tree.term[certified] ?? 0) < term && isHigher(model, certified, highest)) bases.add(certified);
    }
  }
  return bases;
}
