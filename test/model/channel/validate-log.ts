import { createElections } from "./elections.ts";
import type { CertificateRef, ChannelEvent } from "./events.ts";
import { createLogBook, equals } from "./log-book.ts";
import { hold, isHigher, unborn, type Seen } from "./log-member.ts";

/** Whose log it is. In logs of nodes, records say who may certify them. */
export interface LogOf {
  /** All that there ever are; of the model, the first one leads term 1. */
  readonly members: readonly string[];
  readonly liars?: readonly string[];
  /**
   * As in `Rules`: whether members follow a published set of LeaderChanges, or take back nothing that they hold a certificate for.
   * Nodes publish the set in the first record of a term: several may stand for one term, and whoever does not hold what it goes on from
   * acks nothing until it does.
   */
  readonly handover?: "published set" | "published in records" | "locks";
}

/** What an event does that the model does not allow. */
export interface Complaint {
  readonly index: number;
  readonly event: ChannelEvent;
  readonly what: string;
}

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

type EventOf<K extends ChannelEvent["kind"]> = ChannelEvent & { readonly kind: K };

/** One event after the other, as they come: says what is wrong with it. */
export function createJudge({
  members,
  liars = [],
  handover = "published set",
}: LogOf): (event: ChannelEvent) => string | undefined {
  const book = createLogBook(liars);
  const { isOn, below } = book;
  const everybody = equals(members);
  const areNodes = handover === "published in records";
  const seen = new Map<string, Seen>();
  for (const member of members) if (!liars.includes(member)) seen.set(member, unborn());
  const elections = createElections({ members, liars, seen, book });
  if (!areNodes) elections.leaders.set(1, members[0] ?? "");
  let finalHeight = 0;

  function onPlayed(member: Seen, event: EventOf<"played">): string | undefined {
    const { height, hash, term, previous, voters = everybody } = event;
    const known = book.record(hash);
    const { head } = member;
    if (known !== undefined && (known.term !== term || known.height !== height)) return "another record has this hash";
    if (isOn({ height, hash }, head)) return undefined;
    const before = height === 1 ? "" : previous;
    if (below(head, height - 1) !== before) return "it does not follow a record of its log";
    const replaced = book.record(below(head, height) ?? "");
    if (replaced !== undefined && replaced.term >= term) return `it takes back a record of term ${replaced.term}`;
    const { certificate } = member;
    if (handover === "locks" && certificate !== undefined && certificate.height >= height) {
      return `it takes back a record that it holds a certificate for`;
    }
    const beforeTerm = book.record(before)?.term ?? 0;
    if (beforeTerm > term) return `it follows a record of term ${beforeTerm}`;
    if (areNodes) {
      const wrong = elections.onRecord(event, { height: height - 1, hash: before }, finalHeight);
      if (wrong !== undefined) return wrong;
    }
    const leader = elections.leaders.get(term);
    if (leader === undefined) return "nobody leads its term";
    if (known === undefined && !liars.includes(leader) && book.hasTwin(term, height)) {
      return "its leader, who is honest, has made another record there";
    }
    const isFirst = term > 1 && beforeTerm !== term;
    if (isFirst && handover === "published set") {
      const base = { height: height - 1, hash: before };
      if (!elections.isBase(base, term))
        return "no quorum's LeaderChanges name the record before it, and nothing higher";
      // The set of the first record shows it.
      if (height > 1) hold(book, member, { ...base, term: beforeTerm });
    }
    book.add(hash, { height, term, previous: before, voters });
    member.head = { height, hash };
    return undefined;
  }

  function onAcked(name: string, member: Seen, event: EventOf<"acked">): string | undefined {
    const { height, hash, term, certified } = event;
    if (term < member.term) return `it has promised to ack nothing below term ${member.term}`;
    if (!isOn(event, member.head)) return "the record is not on its disk";
    if (book.record(hash)?.term !== term) return "the record is of another term";
    const said = { height, hash, term, certified };
    if (book.contradicts(name, said)) return "it has acked another record there";
    const of = member.certificates.filter((each) => each.term === term && isOn(each, event));
    const held = of.reduce((highest, each) => Math.max(highest, each.height), 0);
    if (certified > held) return `it holds a certificate for ${held} only`;
    if (areNodes && !holdsBase(member, term)) return "it does not hold the certificate that the term goes on from";
    member.term = term;
    book.say(name, said);
    return undefined;
  }

  function onCertificate(name: string, member: Seen, event: EventOf<"certificate">): string | undefined {
    const { height, hash, term } = event;
    if (book.record(hash)?.term !== term) return "the record is of another term";
    if (!isOn(event, member.head)) return "it does not have the record";
    if (term < member.term && handover !== "locks") {
      // What it takes before it has named one counts as held before; then a new leader takes what it is shown, and the others what
      // their term stands on.
      const base = elections.baseOf(member.term);
      const isDue = member.promises.get(member.term) === name || (base !== undefined && !isHigher(event, base));
      const hasNamed = member.named.some((each) => each.term > term);
      if (!areNodes || (hasNamed && !isDue)) return `it has left that term for ${member.term}`;
    }
    if (!book.isCertified(event)) return "no quorum has acked the record";
    hold(book, member, { height, hash, term });
    return undefined;
  }

  /** Whether it can show what a term stands on, or something later; what is final needs no showing. */
  function holdsBase({ certificates }: Seen, term: number): boolean {
    const base = elections.baseOf(term);
    if (base === undefined || base.height <= finalHeight) return true;
    return certificates.some((each) => !isHigher(base, each));
  }

  function onTermChange(member: Seen, event: EventOf<"termChange">): string | undefined {
    const { term, newLeader, certificate } = event;
    if (term <= member.term) return `it has promised term ${member.term} already`;
    const { certificate: held } = member;
    if (certificate?.hash !== held?.hash || certificate?.term !== held?.term) {
      return `it holds ${held === undefined ? "no certificate" : `a certificate of term ${held.term} for ${held.height}`}`;
    }
    const leader = elections.leaders.get(term);
    if (leader !== undefined && leader !== newLeader) return `${leader} is to lead this term`;
    elections.leaders.set(term, newLeader);
    member.term = term;
    member.changes.set(term, certificate);
    return undefined;
  }

  function onPromised(member: Seen, { term, newLeader }: EventOf<"promised">): string | undefined {
    const promised = member.promises.get(term);
    if (promised !== undefined && promised !== newLeader) return `it has gone to this term with ${promised}`;
    if (promised === undefined && term < member.term) return `it has promised term ${member.term} already`;
    member.promises.set(term, newLeader);
    member.term = Math.max(member.term, term);
    return undefined;
  }

  /** What was given up with its record is named until the one that took its place is held; what is final, by nobody. */
  function onNamed(member: Seen, { term, newLeader, certificate }: EventOf<"named">): string | undefined {
    if (member.promises.get(term) !== newLeader) return "it has not gone to this term with that leader";
    if (term < member.term) return `it has gone on to term ${member.term}`;
    const { term: of, height } = certificate;
    const isHeld = (each: CertificateRef): boolean => each.term === of && each.height === height;
    if (height > finalHeight && !member.certificates.some(isHeld)) return "it holds no such certificate";
    const base = elections.baseOf(book.record(member.head.hash)?.term ?? 0);
    const isSure = base !== undefined && !isHigher(base, certificate);
    const hidden = member.certificates.find((each) => isHigher(each, certificate) && each.height > finalHeight);
    if (hidden !== undefined && (!isSure || isOn(hidden, member.head))) {
      return `it holds a certificate of term ${hidden.term} for ${hidden.height}`;
    }
    member.named.push({ term, newLeader, certificate });
    return undefined;
  }

  function onVoted(name: string, member: Seen, event: EventOf<"voted">): string | undefined {
    const { certificates, head, term } = member;
    if (!isOn(event, head)) return "it does not have the record";
    const above = certificates.filter((each) => isOn(event, each));
    if (above.length === 0) return "it holds no certificate for the height";
    if (handover !== "locks" && !above.some((each) => each.term === term)) {
      return `its certificate is not of term ${term}`;
    }
    book.vote(name, event);
    return undefined;
  }

  function onRestart(member: Seen, { head, certificate, term }: EventOf<"restart">): string | undefined {
    member.isUp = true;
    if (!isOn(member.head, head) || member.head.height !== head.height) return "its disk had another head";
    if (term < member.term) return `it had promised term ${member.term}`;
    if (isHigher(member.certificate, certificate)) return "a certificate that was on its disk is gone";
    member.term = term;
    return undefined;
  }

  function onLoaded(member: Seen, { height, hash, term }: EventOf<"loaded">): string | undefined {
    if (height > finalHeight || !isOn({ height, hash }, elections.final)) return "it is not final";
    member.head = { height, hash };
    member.term = Math.max(member.term, term);
    return undefined;
  }

  return (event) => {
    if (event.kind === "settled") {
      if (!book.isSettled(event, event.voters ?? everybody)) return "no quorum has voted for it";
      if (event.height > finalHeight) elections.final = event;
      finalHeight = Math.max(finalHeight, event.height);
      return book.keep(event);
    }
    const { member: name } = event;
    const member = seen.get(name);
    if (member === undefined) return liars.includes(name) ? undefined : "it is no member";
    if (!member.isUp && event.kind !== "restart" && event.kind !== "back") return "it is down";
    switch (event.kind) {
      case "played":
        return onPlayed(member, event);
      case "loaded":
        return onLoaded(member, event);
      case "cut": {
        const { height } = event;
        if (height > member.head.height) return "its log does not reach that far";
        member.head = { height, hash: below(member.head, height) ?? "" };
        return undefined;
      }
      case "acked":
        return onAcked(name, member, event);
      case "certificate":
        return onCertificate(name, member, event);
      case "termChange":
        return onTermChange(member, event);
      case "promised":
        return onPromised(member, event);
      case "named":
        return onNamed(member, event);
      case "termBegun":
        return elections.onBegun(event);
      case "committed":
        return book.isCommitted(event) ? book.keep(event) : "no quorum has said that it holds a certificate for it";
      case "voted":
        return onVoted(name, member, event);
      case "crash":
        member.isUp = false;
        return undefined;
      case "restart":
        return onRestart(member, event);
      case "back":
        member.isUp = true;
        return undefined;
      case "stands":
        return event.term < member.term ? `it had promised term ${member.term}` : undefined;
    }
  };
}
