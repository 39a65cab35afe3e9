import type { CertificateRef, PlaceRef, RecordRef } from "./events.ts";
import { GENESIS, type LogBook } from "./log-book.ts";

/** A member as its disk has it, and what it has said. */
export interface Seen {
  isUp: boolean;
  head: RecordRef;
  term: number;
  /** The highest that it ever held. */
  certificate: CertificateRef | undefined;
  /** What it can show, and what it gave up with its record. */
  certificates: readonly CertificateRef[];
  /** By term: with whom it went there, and what it named. */
  readonly promises: Map<number, string>;
  readonly changes: Map<number, CertificateRef | undefined>;
  readonly named: { readonly term: number; readonly newLeader: string; readonly certificate: PlaceRef }[];
}

/** One that has done nothing yet. */
export function unborn(): Seen {
  return {
    isUp: true,
    head: GENESIS,
    term: 1,
    certificate: undefined,
    certificates: [],
    promises: new Map(),
    changes: new Map(),
    named: [],
  };
}

/** A member holds one more certificate, which says all that lower ones of its chain and term did. */
export function hold({ isOn }: Pick<LogBook, "isOn">, member: Seen, certificate: CertificateRef): void {
  const isSaid = (each: CertificateRef): boolean => each.term === certificate.term && isOn(each, certificate);
  member.certificates = [...member.certificates.filter((each) => !isSaid(each)), certificate];
  if (isHigher(certificate, member.certificate)) member.certificate = certificate;
}

/** Whether the first certificate is of a later term than the second, or of the same and higher. */
export function isHigher(a: PlaceRef | undefined, b: PlaceRef | undefined): boolean {
  if (a === undefined) return false;
  if (b === undefined) return true;
  return a.term > b.term || (a.term === b.term && a.height > b.height);
}
