import type { CertificateRef, ChannelEvent, RecordRef } from "./events.ts";
import { isQuorum, SOUND } from "./rules.ts";

/** Whose log it is. The members are the same all the time; there are no logs here of channels that somebody joins or leaves. */
export interface LogOf {
  /** All of them; the first one leads term 1. */
  readonly members: readonly string[];
  readonly liars?: readonly string[];
  /** As in `Rules`: whether members follow a published set of LeaderChanges, or take back nothing that they hold a certificate for. */
  readonly handover?: "published set" | "locks";
}

/** What an event does that the model does not allow. */
export interface Complaint {
  readonly index: number;
  readonly event: ChannelEvent;
  readonly what: string;
}

interface Played {
  readonly height: number;
  readonly term: number;
  readonly previous: string;
}

/** A member as its disk has it, and what it has said. */
interface Seen {
  isUp: boolean;
  head: RecordRef;
  term: number;
  certificate: CertificateRef | undefined;
  readonly acks: (CertificateRef & { readonly certified: number })[];
  readonly votes: RecordRef[];
  /** By term. */
  readonly changes: Map<number, CertificateRef | undefined>;
}

const GENESIS: RecordRef = { height: 0, hash: "" };

/**
 * Judges a run of a channel by its log: whether every event is a step that the model has (member.ts), on the certificates, commits and
 * settlements that the model finds in what was said before (messages.ts), and whether its invariants hold. The first one that is not is
 * returned.
 */
export function validateLog(events: readonly ChannelEvent[], of: LogOf): Complaint | undefined {
  const judge = createJudge(of);
  for (const [index, event] of events.entries()) {
    const what = judge(event);
    if (what !== undefined) return { index, event, what };
  }
  return undefined;
}

/** One event after the other, as they come: says what is wrong with it. */
export function createJudge({
  members,
  liars = [],
  handover = "published set",
}: LogOf): (event: ChannelEvent) => string | undefined {
  const records = new Map<string, Played>();
  const leaders = new Map<number, string>([[1, members[0] ?? ""]]);
  const kept: RecordRef[] = [];
  const seen = new Map<string, Seen>();
  for (const member of members) {
    if (liars.includes(member)) continue;
    seen.set(member, {
      isUp: true,
      head: GENESIS,
      term: 1,
      certificate: undefined,
      acks: [],
      votes: [],
      changes: new Map(),
    });
  }

  /** The hash at a height of the chain that ends with a record; record 0 has none. */
  function below({ height, hash }: RecordRef, at: number): string | undefined {
    let found = hash;
    for (let now = height; now > at; now -= 1) {
      const record = records.get(found);
      if (record === undefined) return undefined;
      found = record.previous;
    }
    if (at === 0) return "";
    return at > height ? undefined : found;
  }

  const isOn = (record: RecordRef, tip: RecordRef): boolean =>
    record.height === 0 || below(tip, record.height) === record.hash;

  const weightOf = (says: (member: Seen) => boolean): number =>
    liars.length + [...seen.values()].filter((member) => says(member)).length;

  const isMany = (says: (member: Seen) => boolean): boolean => isQuorum(SOUND, weightOf(says), members.length);

  const isCertified = (record: CertificateRef): boolean =>
    isMany(({ acks }) => acks.some((ack) => ack.term === record.term && isOn(record, ack)));

  const isCommitted = (record: RecordRef): boolean =>
    [...leaders.keys()].some((term) =>
      isMany(({ acks }) =>
        acks.some((ack) => ack.term === term && ack.certified >= record.height && isOn(record, ack)),
      ),
    );

  /** Whether nothing that is committed or settled is of another chain. */
  function keep(record: RecordRef): string | undefined {
    const other = kept.find((each) => !isOn(each, record) && !isOn(record, each));
    if (other !== undefined) return `it is of another chain than ${other.hash} at ${other.height}, which is to stay`;
    kept.push(record);
    return undefined;
  }

  /** Whether a leader of `term` may go on from a record: a quorum's LeaderChanges name it, and nothing higher. */
  function isBase(base: RecordRef, term: number, answers: readonly string[] = members): boolean {
    const record = records.get(base.hash);
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
      (set.some((name) => liars.includes(name)) && isCertified(named));
    const others = set.filter((name) => name !== leaders.get(term - 1));
    return (
      isNamed &&
      (isQuorum(SOUND, set.length, members.length) || isQuorum(SOUND, others.length, members.length - 1)) &&
      (answers === members || set.length === answers.length)
    );
  }

  function onPlayed(member: Seen, event: ChannelEvent & { readonly kind: "played" }): string | undefined {
    const { height, hash, term, previous } = event;
    const known = records.get(hash);
    const { head } = member;
    if (known !== undefined && (known.term !== term || known.height !== height)) return "another record has this hash";
    if (isOn({ height, hash }, head)) return undefined;
    const before = height === 1 ? "" : previous;
    if (below(head, height - 1) !== before) return "it does not follow a record of its log";
    const replaced = records.get(below(head, height) ?? "");
    if (replaced !== undefined && replaced.term >= term) return `it takes back a record of term ${replaced.term}`;
    const { certificate } = member;
    if (handover === "locks" && certificate !== undefined && certificate.height >= height) {
      return `it takes back a record that it holds a certificate for`;
    }
    const beforeTerm = records.get(before)?.term ?? 0;
    if (beforeTerm > term) return `it follows a record of term ${beforeTerm}`;
    const leader = leaders.get(term);
    if (leader === undefined) return "nobody leads its term";
    if (known === undefined && !liars.includes(leader)) {
      const twin = [...records.values()].some((each) => each.term === term && each.height === height);
      if (twin) return "its leader, who is honest, has made another record there";
    }
    const isFirst = term > 1 && beforeTerm !== term;
    if (isFirst && handover === "published set") {
      const base = { height: height - 1, hash: before };
      if (!isBase(base, term)) return "no quorum's LeaderChanges name the record before it, and nothing higher";
      const named = height === 1 ? undefined : { ...base, term: beforeTerm };
      // The set of the first record shows it.
      if (named !== undefined && isHigher(named, member.certificate)) member.certificate = named;
    }
    records.set(hash, { height, term, previous: before });
    member.head = { height, hash };
    return undefined;
  }

  function onAcked(member: Seen, event: ChannelEvent & { readonly kind: "acked" }): string | undefined {
    const { height, hash, term, certified } = event;
    if (term < member.term) return `it has promised to ack nothing below term ${member.term}`;
    if (!isOn(event, member.head)) return "the record is not on its disk";
    if (records.get(hash)?.term !== term) return "the record is of another term";
    if (member.acks.some((ack) => ack.term === term && ack.height === height && ack.hash !== hash)) {
      return "it has acked another record there";
    }
    const { certificate } = member;
    const held = certificate?.term === term && isOn(certificate, event) ? certificate.height : 0;
    if (certified > held) return `it holds a certificate for ${held} only`;
    member.term = term;
    member.acks.push({ height, hash, term, certified });
    return undefined;
  }

  function onCertificate(member: Seen, event: ChannelEvent & { readonly kind: "certificate" }): string | undefined {
    const { height, hash, term } = event;
    if (records.get(hash)?.term !== term) return "the record is of another term";
    if (!isOn(event, member.head)) return "it does not have the record";
    if (handover === "published set" && term < member.term) return `it has left that term for ${member.term}`;
    if (!isCertified(event)) return "no quorum has acked the record";
    if (isHigher(event, member.certificate)) member.certificate = { height, hash, term };
    return undefined;
  }

  function onTermChange(member: Seen, event: ChannelEvent & { readonly kind: "termChange" }): string | undefined {
    const { term, newLeader, certificate } = event;
    if (term <= member.term) return `it has promised term ${member.term} already`;
    const { certificate: held } = member;
    if (certificate?.hash !== held?.hash || certificate?.term !== held?.term) {
      return `it holds ${held === undefined ? "no certificate" : `a certificate of term ${held.term} for ${held.height}`}`;
    }
    const leader = leaders.get(term);
    if (leader !== undefined && leader !== newLeader) return `${leader} is to lead this term`;
    leaders.set(term, newLeader);
    member.term = term;
    member.changes.set(term, certificate);
    return undefined;
  }

  function onVoted(member: Seen, event: ChannelEvent & { readonly kind: "voted" }): string | undefined {
    const { certificate, head, term } = member;
    if (!isOn(event, head)) return "it does not have the record";
    if (certificate === undefined || !isOn(event, certificate)) return "it holds no certificate for the height";
    if (handover === "published set" && certificate.term !== term) return `its certificate is not of term ${term}`;
    member.votes.push({ height: event.height, hash: event.hash });
    return undefined;
  }

  function onRestart(member: Seen, event: ChannelEvent & { readonly kind: "restart" }): string | undefined {
    const { head, certificate, term } = event;
    member.isUp = true;
    if (!isOn(member.head, head) || member.head.height !== head.height) return "its disk had another head";
    if (term < member.term) return `it had promised term ${member.term}`;
    if (isHigher(member.certificate, certificate)) return "a certificate that was on its disk is gone";
    member.term = term;
    return undefined;
  }

  return (event) => {
    if (event.kind === "settled") {
      if (!isMany(({ votes }) => votes.some((vote) => isOn(event, vote)))) return "no quorum has voted for it";
      return keep(event);
    }
    const member = seen.get(event.member);
    if (member === undefined) return liars.includes(event.member) ? undefined : "it is no member";
    if (!member.isUp && event.kind !== "restart") return "it is down";
    switch (event.kind) {
      case "played":
        return onPlayed(member, event);
      case "cut": {
        const { height } = event;
        if (height > member.head.height) return "its log does not reach that far";
        member.head = { height, hash: below(member.head, height) ?? "" };
        return undefined;
      }
      case "acked":
        return onAcked(member, event);
      case "certificate":
        return onCertificate(member, event);
      case "termChange":
        return onTermChange(member, event);
      case "termBegun": {
        const { term, answers, base } = event;
        if (leaders.get(term) !== event.member) return "somebody else leads this term";
        if (!answers.includes(event.member)) return "its own LeaderChange is not in the set";
        return isBase(base, term, answers)
          ? undefined
          : "it goes on from another record than these LeaderChanges allow";
      }
      case "committed":
        return isCommitted(event) ? keep(event) : "no quorum has said that it holds a certificate for it";
      case "voted":
        return onVoted(member, event);
      case "crash":
        member.isUp = false;
        return undefined;
      case "restart":
        return onRestart(member, event);
    }
  };
}

function isHigher(a: CertificateRef | undefined, b: CertificateRef | undefined): boolean {
  if (a === undefined) return false;
  if (b === undefined) return true;
  return a.term > b.term || (a.term === b.term && a.height > b.height);
}
