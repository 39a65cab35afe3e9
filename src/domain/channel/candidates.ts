import { CANDIDATES } from "./limits.ts";
import type { Member, Membership } from "./membership.ts";

/**
 * Who may lead and relays for the others: the five with most weight, by join number where they have the same. Up to five members all
 * are. Nobody who is absent or gave its voice to another one.
 *
 * @param isAlive - Leaves out whom a node hears no more; what all must agree on does without.
 */
export function candidatesOf(
  { members }: Membership,
  isAlive: (member: Member) => boolean = () => true,
): readonly Member[] {
  return [...members.values()]
    .filter((member) => !member.isAbsent && member.weight > 0n && isAlive(member))
    .sort((a, b) => Number(b.weight - a.weight) || a.joinNumber - b.joinNumber)
    .slice(0, CANDIDATES);
}

/** Whether an account is one of them. */
export function isCandidate(membership: Membership, account: string, isAlive?: (member: Member) => boolean): boolean {
  return candidatesOf(membership, isAlive).some((candidate) => candidate.account === account);
}
