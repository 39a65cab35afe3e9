import type { ChannelEvent, ElectionRef, PlaceRef, RecordRef } from "./events.ts";
import { GENESIS, type LogBook } from "./log-book.ts";
import { isHigher, type Seen } from "./log-member.ts";
import { isQuorum, SOUND } from "./rules.ts";

/** Who leads which term of a run, and what each goes on from. */
export interface Elections {
  readonly leaders: Map<number, string>;
  /** The highest record that the chain has made final. */
  final: RecordRef;
  /** What a term's election stands on; undefined for one that was not published. */
  baseOf(term: number): PlaceRef | undefined;
  /** Whether a leader of `term` may go on from a record: a quorum's LeaderChanges name it, and nothing higher. */
  isBase(base: RecordRef, term: number): boolean;
  /** What is wrong with a leader that says by whose LeaderChanges it goes on. */
  onBegun(event: ChannelEvent & { readonly kind: "termBegun" }): string | undefined;
  /** What is wrong with a record behind `base`, by the election that its term begins with. */
  onRecord(event: ChannelEvent & { readonly kind: "played" }, base: RecordRef, finalHeight: number): string | undefined;
}

export function createElections({
  members,
  liars,
  seen,
  book,
}: {
  readonly members: readonly string[];
  readonly liars: readonly string[];
  readonly seen: ReadonlyMap<string, Seen>;
  readonly book: LogBook;
}): Elections {
  const leaders = new Map<number, string>();
  const bases = new Map<number, PlaceRef>();

  function isBaseOf(base: RecordRef, term: number, answers: readonly string[] = members): boolean {
    const record = book.record(base.hash);
    const named = base.height === 0 ? undefined : { ...base, term: record?.term ?? 0 };
    const set = answers.filter((name) => {
      const member = seen.get(name);
      return member === undefined
        ? liars.includes(name)
        : member.changes.has(term) && !isHigher(member.changes.get(term), named);
    });
    const isNamed =
      named === undefined ||
      set.some((name) => seen.get(name)?.changes.get(term)?.hash === base.hash) ||
      (set.some((name) => liars.includes(name)) && book.isCertified(named));
    const others = set.filter((name) => name !== leaders.get(term - 1));
    return (
      isNamed &&
      (isQuorum(SOUND, set.length, members.length) || isQuorum(SOUND, others.length, members.length - 1)) &&
      (answers === members || set.length === answers.length)
    );
  }

  /** Whether everybody honest has signed what an election says of it, and a quorum altogether. */
  function faultOf({ leader, answers, voters }: ElectionRef, term: number): string | undefined {
    for (const { member, ...certificate } of answers) {
      if (liars.includes(member)) continue;
      const isSaid = seen
        .get(member)
        ?.named.some(
          (each) =>
            each.term === term &&
            each.newLeader === leader &&
            each.certificate.term === certificate.term &&
            each.certificate.height === certificate.height,
        );
      if (isSaid !== true) return `${member} has not signed this LeaderChange`;
    }
    const names = new Set(answers.map(({ member }) => member));
    const isMany = voters.some(({ weightOf, counted }) => counted > 0 && isQuorum(SOUND, weightOf(names), counted));
    return isMany ? undefined : "no quorum has signed these LeaderChanges";
  }

  function begin(election: ElectionRef, term: number, base: RecordRef, finalHeight: number): string | undefined {
    const { leader, answers } = election;
    const known = leaders.get(term);
    if (known !== undefined && known !== leader) return `${known} leads this term`;
    const fault = faultOf(election, term);
    if (fault !== undefined) return fault;
    let adopted: PlaceRef = { term: 0, height: 0 };
    for (const { term: of, height } of answers) {
      if (isHigher({ term: of, height }, adopted)) adopted = { term: of, height };
    }
    const baseTerm = book.record(base.hash)?.term ?? 0;
    const isFinal = base.height <= finalHeight && book.isOn(base, elections.final);
    if (base.height < adopted.height) return "it goes on from less than these LeaderChanges name";
    if (base.height > adopted.height && !isFinal) return "it goes on from more than these LeaderChanges name";
    if (base.height === adopted.height && base.height > 0 && !isFinal) {
      if (baseTerm !== adopted.term) return `it goes on from a record of term ${baseTerm}, not ${adopted.term}`;
      if (!book.isCertified({ ...base, term: baseTerm })) return "it goes on from what nobody has certified";
    }
    leaders.set(term, leader);
    bases.set(term, adopted);
    return undefined;
  }

  const elections: Elections = {
    leaders,
    final: GENESIS,
    baseOf: (term) => bases.get(term),
    isBase: (base, term) => isBaseOf(base, term),
    onBegun({ member, term, answers, base }) {
      if (leaders.get(term) !== member) return "somebody else leads this term";
      if (!answers.includes(member)) return "its own LeaderChange is not in the set";
      return isBaseOf(base, term, answers)
        ? undefined
        : "it goes on from another record than these LeaderChanges allow";
    },
    onRecord({ hash, term, leader, election }, base, finalHeight) {
      if (book.record(hash) !== undefined) return undefined;
      if (term === 1) leaders.set(1, leaders.get(1) ?? leader ?? "");
      else if ((book.record(base.hash)?.term ?? 0) !== term) {
        if (election === undefined) return "a term that begins without an election";
        const wrong = begin(election, term, base, finalHeight);
        if (wrong !== undefined) return wrong;
      }
      return leader === leaders.get(term) ? undefined : `${leader} has signed it, and does not lead`;
    },
  };
  return elections;
}
