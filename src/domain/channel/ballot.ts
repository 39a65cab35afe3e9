import { heldDelegations } from "./delegation.ts";
import { CANDIDATES } from "./limits.ts";
import type { Member, Membership } from "./membership.ts";

/**
 * Who votes at the hub, as it counts: everybody has a voice of its own, also who is absent, as soon as it votes; and the delegations
 * are those that hold now, whatever they were when these became members.
 */
export function hubElectorate(
  cursor: number,
  members: Iterable<Member>,
  { members: present, delegations = new Map(), bannedUntilMs, isClosing }: Membership,
): Membership {
  const voters = [...members].map((member): [string, Member] => [
    member.account,
    { ...member, weight: 1n, isAbsent: false },
  ]);
  const held = heldDelegations(delegations, present.size);
  return { cursor, members: new Map(voters), delegations: held, bannedUntilMs, isClosing };
}

/** Who stands behind the votes in favour: those who voted so, and who delegated to one of them and has said nothing itself. */
export function supportersOf(
  { members, delegations = new Map<string, readonly string[]>() }: Membership,
  inFavour: ReadonlySet<string>,
  voted: ReadonlySet<string>,
): ReadonlySet<string> {
  const own = [...inFavour].filter((account) => members.has(account));
  if (members.size <= CANDIDATES) return new Set(own);
  const backers = own.flatMap((account) => delegations.get(account) ?? []);
  return new Set([...own, ...backers.filter((account) => members.has(account) && !voted.has(account))]);
}
