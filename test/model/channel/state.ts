import type { RecordId, RecordTree } from "./records.ts";
import type { Bounds, Fsync, Rules } from "./rules.ts";

/** Something that a member has done and not written down yet: a crash takes it. */
export type Pending =
  { readonly record: RecordId; readonly certificate?: undefined } | { readonly certificate: RecordId };

/**
 * A member that follows the rules. What it said stays said: a message may come at any time, as often as anybody likes, or never, so all
 * that there is to keep of the network is who ever signed what.
 */
export interface Member {
  /** On its disk: the head of its log, the highest certificate that it holds, and the term below which it acks nothing. */
  readonly log: RecordId;
  readonly certificate: RecordId;
  readonly term: number;
  readonly pending: Pending | undefined;
  /** The terms that it leads, a bit each. */
  readonly leads: number;
  /** The LeaderChanges that it signed: by term, the certificate that each names. */
  readonly changes: readonly (RecordId | undefined)[];
  /** What it has signed acks for; those of a lower record of the same term go without saying. As a leader these are its batches too. */
  readonly acked: readonly RecordId[];
  /** The same for acks that say "I hold a certificate for this". */
  readonly holds: readonly RecordId[];
  /** Up to where it has voted to settle; for all below in its chain, too. */
  readonly voted: readonly RecordId[];
}

/** Everything. A liar has no state: whatever it could have said counts as said, and whatever it could lead with can be read. */
export interface State {
  readonly members: readonly Member[];
  /** The terms that the liar leads, a bit each. */
  readonly liarLeads: number;
}

/** What a search is about. */
export interface Model {
  readonly bounds: Bounds;
  readonly rules: Rules;
  readonly fsync: Fsync;
  readonly tree: RecordTree;
}

/** Whether a term is among those of a set of bits. */
export function hasTerm(terms: number, term: number): boolean {
  return (terms & (1 << term)) !== 0;
}

/** A set of terms with one more. */
export function withTerm(terms: number, term: number): number {
  return terms | (1 << term);
}

/** The beginning: everybody in term 1, which the liar leads or somebody honest. */
export function initialStates({ bounds }: Model): State[] {
  const honest = bounds.members - bounds.liars;
  const member: Member = {
    log: 0,
    certificate: 0,
    term: 1,
    pending: undefined,
    leads: 0,
    changes: [],
    acked: [],
    holds: [],
    voted: [],
  };
  const members = Array.from({ length: honest }, () => member);
  const first = { ...member, leads: withTerm(0, 1) };
  const states: State[] = [{ members: [first, ...members.slice(1)], liarLeads: 0 }];
  if (bounds.liars > 0) states.push({ members, liarLeads: withTerm(0, 1) });
  return states;
}
