import { isQuorumOfPresent } from "../domain/channel/absent-voters.ts";
import { isHigher } from "../domain/channel/election.ts";
import { isQuorum } from "../domain/channel/quorum.ts";
import { countedWeight, weightOf, type Membership } from "../domain/channel/membership.ts";
import { recoverCertificate, type Certificate } from "../wire/channel/batch.ts";
import { signLeaderChange, type SignedStanding } from "../wire/channel/leader-change.ts";
import { holdsBase, keep, type Core } from "./core.ts";

/** Where a member stands, with the certificate that shows it. */
export interface ShownStanding extends SignedStanding {
  readonly certificate?: Certificate | undefined;
}

/** This node's word for the leader with whom it went to its term. In turn: what it names is written down. */
export async function standingOf(core: Core, newLeader: string): Promise<ShownStanding> {
  await keep(core, []);
  const { term, info, domain, player, signerKey, givenUp } = core;
  // Nobody is elected in the term that it goes to: what its log stands on is of the term that it leaves.
  const isSure =
    holdsBase(core, player.head.header.term) || givenUp === undefined || !isHigher(givenUp, core.certificate);
  const certificate = isSure ? core.certificate : givenUp;
  const standing = {
    certifiedTerm: certificate?.term ?? 0,
    certifiedHeight: certificate?.height ?? 0,
    head: player.head.header.height,
  };
  const change = { channel: info.channel, term, newLeader, ...standing };
  return { ...standing, signature: signLeaderChange(domain, change, signerKey), certificate };
}

/** What a node knows of those who may have certified something. */
export interface Electorates {
  readonly chain: Pick<Core["chain"], "inboxLength" | "membershipAt" | "settled">;
  readonly player: Pick<Core["player"], "at">;
  readonly certificate: Core["certificate"];
}

/** All who may have certified what this node has not seen: the members as of what it holds, and after each change since. */
function electorates({ chain, player, certificate }: Electorates): Membership[] {
  const floor = player.at(Math.max(certificate?.height ?? 0, chain.settled.height))?.membership.cursor;
  const all: Membership[] = [];
  for (let cursor = floor ?? chain.settled.inboxCursor; cursor <= chain.inboxLength; cursor += 1) {
    const membership = chain.membershipAt(cursor);
    if (membership !== undefined && membership.members !== all.at(-1)?.members) all.push(membership);
  }
  return all;
}

/**
 * Whether the signers are a quorum of all who may have certified something; nobody waits for the word of the `accused`. Where the chain
 * has begun the term, who is absent by now is not waited for either; members that elect by themselves need the quorum that the record
 * has which they go on from, or nobody would find their election proven.
 */
export function isQuorumOfAll(
  core: Electorates,
  signers: ReadonlySet<string>,
  { accused, isByChain = false }: { readonly accused?: string | undefined; readonly isByChain?: boolean } = {},
): boolean {
  const { chain } = core;
  const now = isByChain ? chain.membershipAt(chain.inboxLength) : undefined;
  return electorates(core).every(
    (members) => countedWeight(members, accused) === 0n || isQuorumOfPresent(members, signers, { accused, now }),
  );
}

/** A quorum has signed it, or nobody needs to look for its records. */
export function isProven(core: Core, certificate: Certificate): boolean {
  const signers = recoverCertificate(core.domain, core.info.channel, certificate);
  if (signers === undefined) return false;
  const names = new Set(signers.keys());
  return electorates(core).some((members) => isQuorum(weightOf(members, names), countedWeight(members)));
}
