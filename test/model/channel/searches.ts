import { SOUND, type Bounds, type Rules } from "./rules.ts";
import type { SearchOptions } from "./search.ts";

/** One search that is made, and what it has to come to. */
export interface Search {
  readonly name: string;
  readonly bounds: Bounds;
  readonly rules: Rules;
  readonly options: SearchOptions;
  /** Whether it finds a breach, and its trace is kept. */
  readonly isUnsafe: boolean;
  /** Too long for `npm test`. */
  readonly isLong?: boolean;
}

const THREE: Bounds = { members: 3, liars: 0, terms: 2, heights: 2 };
const FOUR: Bounds = { members: 4, liars: 1, terms: 2, heights: 2 };
/** As many liars as members may not have; two thirds of three need no more than the liar and one other. */
const THREE_WITH_LIAR: Bounds = { members: 3, liars: 1, terms: 2, heights: 2 };
const LARGEST = { terms: 3, heights: 3 };
const AT_ONCE: SearchOptions = { fsync: "at once" };
const EAGER: SearchOptions = { fsync: "at once", isEager: true };

/** The rules as they have to be. */
export const SOUND_SEARCHES: readonly Search[] = [
  sound("three members, every crash before an fsync", THREE, {}),
  sound("three members, one of them a liar, every crash before an fsync", THREE_WITH_LIAR, {}),
  sound("three members, full bounds", { ...THREE, ...LARGEST }, EAGER),
  sound("four members, one of them a liar, every step", FOUR, AT_ONCE),
  sound("four members, one of them a liar, three heights", { ...FOUR, heights: 3 }, EAGER),
  { ...sound("four members, one of them a liar, three terms", { ...FOUR, terms: 3 }, EAGER), isLong: true },
  { ...sound("four members, one of them a liar, full bounds", { ...FOUR, ...LARGEST }, EAGER), isLong: true },
];

/** Faults, each of which must be found. */
export const FAULTS: readonly Search[] = [
  fault("committed when the leader holds a certificate", THREE, { commit: "when the leader holds a certificate" }),
  fault("a quorum of two thirds", THREE_WITH_LIAR, { quorum: "two thirds" }),
  fault("acks sent before the fsync", THREE, { says: "before fsync" }),
  fault("acks of a term that was left by a LeaderChange", THREE, { lowerTerms: "acks" }),
  fault("the highest certificate by height alone", { ...FOUR, ...LARGEST }, { adopts: "highest height" }, EAGER),
  fault("a vote to settle without a certificate", THREE, { votes: "record" }),
  fault("a vote by a certificate of another term, with a liar", FOUR, { votes: "any certificate" }, AT_ONCE),
  fault("a vote by a certificate of a term that was left, nobody lying", THREE, {
    votes: "any certificate",
    lowerTerms: "takes certificates",
  }),
];

/** What the node did before a set of LeaderChanges was published (ADR 45): members take back nothing that they hold a certificate for. */
export const LOCKS: Partial<Rules> = { handover: "locks", lowerTerms: "takes certificates", votes: "any certificate" };

export const LOCKED_SEARCHES: readonly Search[] = [
  { ...sound("locks, three members", THREE, {}), rules: { ...SOUND, ...LOCKS } },
  fault("locks, and a vote by a certificate that is not written down", THREE, {
    ...LOCKS,
    votes: "any certificate, unwritten too",
  }),
];

function sound(name: string, bounds: Bounds, options: SearchOptions): Search {
  return { name, bounds, rules: SOUND, options, isUnsafe: false };
}

function fault(name: string, bounds: Bounds, rules: Partial<Rules>, options: SearchOptions = {}): Search {
  return { name, bounds, rules: { ...SOUND, ...rules }, options, isUnsafe: true };
}
