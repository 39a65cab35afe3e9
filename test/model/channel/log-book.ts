import type { CertificateRef, RecordRef, Voters } from "./events.ts";
import { isQuorum, SOUND } from "./rules.ts";

/** A record that somebody has played. */
export interface Played {
  readonly height: number;
  readonly term: number;
  readonly previous: string;
  /** Of whom a quorum certifies it. */
  readonly voters: Voters;
}

/** What one member has signed of a term: executed to a record, with a certificate for `certified`. */
export interface Said extends CertificateRef {
  readonly certified: number;
}

export const GENESIS: RecordRef = { height: 0, hash: "" };

/** All records of a run and what members have said of them, and what follows: as the model finds it in what was said (messages.ts). */
export interface LogBook {
  add(hash: string, record: Played): void;
  record(hash: string): Played | undefined;
  /** Whether somebody has made another record at a place of a term. */
  readonly hasTwin: (term: number, height: number) => boolean;
  /** The hash at a height of the chain that ends with a record, as far as it is known; record 0 has none. */
  readonly below: (tip: RecordRef, height: number) => string | undefined;
  readonly isOn: (record: RecordRef, tip: RecordRef) => boolean;
  /** An ack of somebody honest. Liars are taken to have signed whatever there is. */
  say(member: string, said: Said): void;
  vote(member: string, record: RecordRef): void;
  /** Whether it is another word of one that has acked something else there. */
  contradicts(member: string, said: Said): boolean;
  isCertified(record: CertificateRef): boolean;
  isCommitted(record: RecordRef): boolean;
  isSettled(record: RecordRef, voters: Voters): boolean;
  /** What is to stay for good; says so when it is of another chain than what was kept before. */
  keep(record: RecordRef): string | undefined;
}

/** Members that weigh the same. */
export function equals(members: readonly string[]): Voters {
  return {
    counted: members.length,
    weightOf: (names) => members.filter((name) => names.has(name)).length,
  };
}

export function createLogBook(liars: readonly string[]): LogBook {
  const records = new Map<string, Played>();
  const places = new Set<string>();
  /** By term, then member: what no later word of the member says as well. */
  const acks = new Map<number, Map<string, Said[]>>();
  const votes = new Map<string, RecordRef[]>();
  let kept = GENESIS;

  function below({ height, hash }: RecordRef, at: number): string | undefined {
    if (at > height) return undefined;
    if (at === 0) return "";
    let found = hash;
    for (let now = height; now > at; now -= 1) {
      const record = records.get(found);
      if (record === undefined) return undefined;
      found = record.previous;
    }
    return found;
  }

  const isOn = (record: RecordRef, tip: RecordRef): boolean =>
    record.height === 0 || below(tip, record.height) === record.hash;

  const isEnough = (names: Iterable<string>, { counted, weightOf }: Voters): boolean =>
    counted > 0 && isQuorum(SOUND, weightOf(new Set([...names, ...liars])), counted);

  function saying(term: number, says: (said: Said) => boolean): string[] {
    const found: string[] = [];
    for (const [name, all] of acks.get(term) ?? []) if (all.some(says)) found.push(name);
    return found;
  }

  return {
    add(hash, record) {
      records.set(hash, record);
      places.add(`${record.term} ${record.height}`);
    },
    record: (hash) => records.get(hash),
    hasTwin: (term, height) => places.has(`${term} ${height}`),
    below,
    isOn,
    say(member, said) {
      const byMember = acks.get(said.term) ?? new Map<string, Said[]>();
      acks.set(said.term, byMember);
      const before = byMember.get(member) ?? [];
      if (before.some((each) => each.certified >= said.certified && isOn(said, each))) return;
      const rest = before.filter((each) => each.certified > said.certified || !isOn(each, said));
      byMember.set(member, [...rest, said]);
    },
    vote(member, record) {
      const before = votes.get(member) ?? [];
      votes.set(member, [...before.filter((each) => !isOn(each, record)), record]);
    },
    contradicts(member, { term, height, hash }) {
      const before = acks.get(term)?.get(member) ?? [];
      return before.some((each) =>
        each.height >= height ? below(each, height) !== hash : !isOn(each, { height, hash }),
      );
    },
    isCertified(record) {
      const voters = records.get(record.hash)?.voters;
      return (
        voters !== undefined &&
        isEnough(
          saying(record.term, (said) => isOn(record, said)),
          voters,
        )
      );
    },
    isCommitted(record) {
      const voters = records.get(record.hash)?.voters;
      // Where liars need nobody else, there may be no word of anybody honest.
      if (voters !== undefined && isEnough([], voters)) return true;
      for (const [term, byMember] of acks) {
        const says = (said: Said): boolean => said.certified >= record.height && isOn(record, said);
        const names = saying(term, says);
        if (names.length === 0) continue;
        // A certificate above it counts with those who could make it.
        for (const { height, hash } of [...byMember.values()].flat().filter(says)) {
          for (let tip = hash, at = height; at >= record.height; at -= 1) {
            const above = records.get(tip);
            if (above === undefined) break;
            if (isEnough(names, above.voters)) return true;
            tip = above.previous;
          }
        }
      }
      return false;
    },
    isSettled(record, voters) {
      const names = [...votes].flatMap(([name, all]) => (all.some((vote) => isOn(record, vote)) ? [name] : []));
      return isEnough(names, voters);
    },
    keep(record) {
      const [low, high] = record.height < kept.height ? [record, kept] : [kept, record];
      if (!isOn(low, high)) return `it is of another chain than ${kept.hash} at ${kept.height}, which is to stay`;
      kept = high;
      return undefined;
    },
  };
}
