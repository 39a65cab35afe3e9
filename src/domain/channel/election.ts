import type { ChannelDomain } from "../../wire/channel/domain.ts";
import { recoverElection, type Election, type Standing } from "../../wire/channel/leader-change.ts";
import { isQuorumOfPresent } from "./absent-voters.ts";
import type { Membership } from "./membership.ts";
import type { Term } from "./terms.ts";

/** The record that a new leader goes on from: nothing above it can be committed. */
export interface Adopted {
  readonly term: number;
  readonly height: number;
}

/** What an election proves to whoever knows the members. */
export interface ProvenElection extends Term {
  readonly adopted: Adopted;
}

/** Who votes, and in whose election. */
export interface Electorate {
  readonly domain: ChannelDomain;
  readonly channel: bigint;
  readonly voters: Membership;
  /** Whom the chain took the office from: it does not count. */
  readonly accused?: string | undefined;
  /** The entry of the inbox that began the term, 0 where the members did. */
  readonly sinceEntry: number;
  /** What the voters have come to since, where the chain has begun the term: who was absent then was not waited for. */
  readonly later?: () => Iterable<Membership>;
}

/**
 * The term that an election begins, when a quorum of `voters` has signed it, or of those who were left of them at some later time;
 * undefined otherwise. Two quorums of one term share an honest member, which signs for one leader a term.
 */
export function proveElection(
  election: Election,
  { domain, channel, voters, accused, sinceEntry, later = () => [] }: Electorate,
): ProvenElection | undefined {
  const standings = recoverElection(domain, channel, election);
  const leader = voters.members.get(election.newLeader);
  if (standings === undefined || leader === undefined) return undefined;
  const signers = new Set(standings.keys());
  let isProven = isQuorumOfPresent(voters, signers, { accused });
  for (const now of isProven ? [] : later()) isProven ||= isQuorumOfPresent(voters, signers, { accused, now });
  if (!isProven) return undefined;
  return {
    term: election.term,
    leader: leader.account,
    signer: leader.signer,
    sinceEntry,
    adopted: adoptedFrom(standings.values()),
  };
}

/** Whether a certificate outranks the one that is held, by term and then height. */
export function isHigher(given: Adopted, held: Adopted | undefined): boolean {
  if (held === undefined) return true;
  return given.term > held.term || (given.term === held.term && given.height > held.height);
}

/** The highest certificate, by term and then height: a later term's certificate stands on all that was committed before it. */
export function adoptedFrom(standings: Iterable<Standing>): Adopted {
  let adopted: Adopted = { term: 0, height: 0 };
  for (const { certifiedTerm: term, certifiedHeight: height } of standings) {
    if (isHigher({ term, height }, adopted)) adopted = { term, height };
  }
  return adopted;
}
