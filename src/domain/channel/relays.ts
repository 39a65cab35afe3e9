import { candidatesOf } from "./candidates.ts";
import { CANDIDATES } from "./limits.ts";
import { memberOfSigner, type Member, type Membership } from "./membership.ts";

/** Of its even share of those who need a relay, each relay serves at most so many times as much: enough when half of them are gone. */
const SHARES = 2;

/** Whether some members are too far from the leader to be sent to by it: more than five would make it the channel's bottleneck. */
export function isRelayed({ members }: Membership): boolean {
  return members.size > CANDIDATES;
}

/** Whether a signer is sent records by the leader itself: it leads, or is a candidate. */
export function isInMesh(membership: Membership, signer: string, leader: string | undefined): boolean {
  return signer === leader || candidatesOf(membership).some((candidate) => candidate.signer === signer);
}

/**
 * Signers that a member may take records from, without itself and the leader. Each begins with another one, so that where delays say
 * nothing they have as much to do; none for those that the leader sends to, and where it sends to all.
 */
export function relaysFor(membership: Membership, self: string, leader: string | undefined): readonly string[] {
  if (!isRelayed(membership) || isInMesh(membership, self, leader)) return [];
  const signers = candidatesOf(membership)
    .map(({ signer }) => signer)
    .filter((signer) => signer !== leader);
  const start = rotationOf(memberOfSigner(membership, self), signers.length);
  return [...signers.slice(start), ...signers.slice(0, start)];
}

/** How many members one relay, or the leader in the place of relays that are gone, brings records to at most. */
export function capacityOf(membership: Membership): number {
  const candidates = Math.max(candidatesOf(membership).length, 1);
  const others = Math.max(membership.members.size - candidates, 1);
  return SHARES * Math.ceil(others / Math.max(candidates - 1, 1));
}

function rotationOf(member: Member | undefined, count: number): number {
  return count === 0 ? 0 : (member?.joinNumber ?? 0) % count;
}
