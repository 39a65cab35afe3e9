import { liarsRecords } from "./liar.ts";
import { alsoSays, alsoVotes, basesOf, certifiedRecords, isHigher, isSent } from "./messages.ts";
import { GENESIS, type RecordId } from "./records.ts";
import { hasTerm, type Member, type Model, type Pending, type State } from "./state.ts";

/** What one honest member may do next. */
export type MemberStep =
  /** Signs and fsyncs the LeaderChange for `term`. */
  | { readonly kind: "change"; readonly term: number }
  /** Plays a record: as leader its own, otherwise the leader's. */
  | { readonly kind: "play"; readonly record: RecordId }
  /** Checks the acks of a certificate for a record of its chain. */
  | { readonly kind: "take"; readonly certificate: RecordId }
  /** The fsync of what is pending, and the acks and votes that it allows. They may come later or never, which is the network's part. */
  | { readonly kind: "write" }
  /** Loses what is pending and starts again. */
  | { readonly kind: "crash" };

/** Everything that `member` may do, LeaderChanges apart: those depend on who leads (see search.ts). */
export function stepsOf(model: Model, state: State, member: Member): MemberStep[] {
  // One thing at a time: what is played or taken is written before the next.
  if (member.pending !== undefined) return [{ kind: "write" }, { kind: "crash" }];
  const played = new Set([...ownRecords(model, state, member), ...leadersRecords(model, state, member)]);
  const taken = certificatesToTake(model, state, member);
  return [
    ...[...played].map((record) => ({ kind: "play" as const, record })),
    ...taken.map((certificate) => ({ kind: "take" as const, certificate })),
  ];
}

/** What becomes of a member by a step. */
export function afterStep(model: Model, member: Member, step: MemberStep): Member {
  switch (step.kind) {
    case "change": {
      const changes = Array.from({ length: model.bounds.terms + 1 }, (_, term) => member.changes[term]);
      changes[step.term] = member.certificate;
      return { ...member, term: step.term, changes };
    }
    case "play":
      return begun(model, member, { record: step.record });
    case "take":
      return begun(model, member, { certificate: step.certificate });
    case "write":
      return written(model, member, member.pending);
    case "crash":
      return { ...member, pending: undefined };
  }
}

/** What a leader may play: the first record of its term on what a quorum's LeaderChanges show, or one more on its own. */
export function ownRecords(model: Model, state: State, member: Member): RecordId[] {
  const { tree, rules } = model;
  const { term, log, leads, certificate } = member;
  if (!hasTerm(leads, term)) return [];
  let bases: readonly RecordId[] = [log];
  if (tree.term[log] !== term) {
    bases = basesOf(model, state, term, member);
    // It undoes nothing that it holds a certificate for itself, either.
    if (rules.handover === "locks") bases = bases.map((base) => (tree.isBelow(certificate, base) ? base : certificate));
  }
  return bases.flatMap((base) => {
    const first = tree.child(base, term, 0);
    // Only one who sends before it writes can have sent a record that it does not have: it makes another one.
    const isLost = first !== undefined && isSent(model, state, first);
    const record = isLost ? tree.child(base, term, 1) : first;
    return record === undefined || isSent(model, state, record) ? [] : [record];
  });
}

/** What a follower may play: the next record of a leader, or the first one of a later term whatever it has now. */
function leadersRecords(model: Model, state: State, member: Member): RecordId[] {
  const { rules, bounds } = model;
  const { term } = member;
  const records: RecordId[] = [];
  for (let of = rules.lowerTerms === "acks" ? 1 : term; of <= bounds.terms; of += 1) {
    records.push(...leadersRecordsOf(model, state, member, of));
  }
  return records;
}

/** Those of one term. */
export function leadersRecordsOf(model: Model, state: State, member: Member, term: number): RecordId[] {
  const { tree, rules } = model;
  const { log, certificate, leads } = member;
  const own = tree.term[log] ?? 0;
  if (term < own || hasTerm(leads, term)) return [];
  const sent = hasTerm(state.liarLeads, term) ? liarsRecords(model, state, member, term) : sentIn(model, state, term);
  return sent.filter((record) => {
    const before = tree.parent[record] ?? GENESIS;
    if (term === own ? before !== log : tree.term[before] === term) return false;
    return rules.handover !== "locks" || tree.isBelow(certificate, record);
  });
}

/** What an honest leader has sent of its term, which it acked itself. */
function sentIn({ tree }: Model, { members }: State, term: number): readonly RecordId[] {
  const leader = members.find(({ leads }) => hasTerm(leads, term));
  const sent: RecordId[] = [];
  for (const tip of leader?.acked ?? []) {
    if (tree.term[tip] !== term) continue;
    for (const record of tree.chain(tip)) if (tree.term[record] === term && !sent.includes(record)) sent.push(record);
  }
  return sent;
}

export function certificatesToTake(model: Model, state: State, { log, term, certificate }: Member): RecordId[] {
  const { tree, rules } = model;
  return certifiedRecords(model, state).filter((record) => {
    const of = tree.term[record] ?? 0;
    const isInTime = of === term || (rules.lowerTerms !== "never" && of < term);
    return isInTime && tree.isBelow(record, log) && isHigher(model, record, certificate);
  });
}

function begun(model: Model, member: Member, pending: Pending): Member {
  const { rules, fsync } = model;
  const { votes } = rules;
  if (fsync === "at once") return written(model, member, pending);
  if (rules.says === "before fsync") {
    const { acked, holds, voted } = written(model, member, pending);
    return { ...member, pending, acked, holds, voted };
  }
  const isVotedOn = votes === "any certificate, unwritten too" && pending.certificate !== undefined;
  const { voted } = isVotedOn ? written(model, member, pending) : member;
  return { ...member, pending, voted };
}

function written(model: Model, member: Member, pending: Pending | undefined): Member {
  const { tree, rules } = model;
  let { log, term, certificate } = member;
  if (pending?.certificate !== undefined) certificate = pending.certificate;
  else if (pending !== undefined) {
    log = pending.record;
    term = Math.max(term, tree.term[log] ?? 0);
    // The first record of a term shows the certificate that it goes on from.
    const base = tree.parent[log] ?? GENESIS;
    const isShown = rules.handover === "published set" && tree.term[base] !== tree.term[log];
    if (isShown && isHigher(model, base, certificate)) certificate = base;
  }
  return speaking(model, { ...member, log, term, certificate, pending: undefined });
}

/** Says all that the member may say of what it has now. */
function speaking(model: Model, member: Member): Member {
  const { tree, rules } = model;
  const { log, term, certificate } = member;
  const isOfTerm = (record: RecordId): boolean => rules.lowerTerms === "acks" || tree.term[record] === term;
  const isHeld = isOfTerm(certificate) && tree.isBelow(certificate, log);
  return {
    ...member,
    acked: isOfTerm(log) ? alsoSays(model, member.acked, log) : member.acked,
    holds: isHeld ? alsoSays(model, member.holds, certificate) : member.holds,
    voted: alsoVotes(model, member.voted, votesUpTo(model, member, isHeld)),
  };
}

function votesUpTo({ tree, rules }: Model, { log, certificate }: Member, isHeld: boolean): RecordId {
  switch (rules.votes) {
    case "record":
      return log;
    case "certificate of this term":
      return isHeld ? certificate : GENESIS;
    default:
      return tree.isBelow(certificate, log) ? certificate : GENESIS;
  }
}
