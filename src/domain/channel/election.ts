import type { ChannelDomain } from "../../wire/channel/domain.ts";
import { recoverElection, type Election, type Standing } from "../../wire/channel/leader-change.ts";
import { countedWeight, weightOf, type Membership } from "./membership.ts";
import { isQuorum } from "./quorum.ts";
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
}

/**
 * The term that an election begins, when a quorum of `voters` has signed it; undefined otherwise. Two quorums of one term share an
 * honest member, which signs for one leader a term.
 */
export function proveElection(
  election: Election,
  { domain, channel, voters, accused, sinceEntry }: Electorate,
): ProvenElection | undefined {
  const standings = recoverElection(domain, channel, election);
  const leader = voters.members.get(election.newLeader);
  if (standings === undefined || leader === undefined) return undefined;
  if (!isQuorum(weightOf(voters, new Set(standings.keys()), accused), countedWeight(voters, accused))) return undefined;
  return {
    term: election.term,
    leader: leader.account,
    signer: leader.signer,
    sinceEntry,
    adopted: adoptedFrom(standings.values()),
  };
}

/** The highest certificate, by term and then height: a later term's certificate stands on all that was committed before it. */
export function adoptedFrom(standings: Iterable<Standing>): Adopted {
  let adopted: Adopted = { term: 0, height: 0 };
  for (const { certifiedTerm: term, certifiedHeight: height } of standings) {
    if (term > adopted.term || (term === adopted.term && height > adopted.height)) adopted = { term, height };
  }
  return adopted;
}
