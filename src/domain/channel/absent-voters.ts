import { countedWeight, weightOf, type Member, type Membership } from "./membership.ts";
import { isQuorum } from "./quorum.ts";

/**
 * Whether signers are a quorum of the voters without the `accused`, or of those of them that are left when nobody waits for who is
 * absent `now`. But if those who say nothing could be a quorum, all that is committed may be theirs alone, and they are waited for.
 */
export function isQuorumOfPresent(
  voters: Membership,
  signers: ReadonlySet<string>,
  { accused, now }: { readonly accused?: string | undefined; readonly now?: Membership | undefined } = {},
): boolean {
  if (isQuorum(weightOf(voters, signers, accused), countedWeight(voters, accused))) return true;
  const present = withoutAbsent(voters, now);
  if (present === voters) return false;
  const isMissed = isQuorum(countedWeight(voters) - weightOf(voters, signers), countedWeight(voters));
  return !isMissed && isQuorum(weightOf(present, signers, accused), countedWeight(present, accused));
}

/** With those absent that are absent now. */
function withoutAbsent(before: Membership, now: Membership | undefined): Membership {
  const isLost = ({ account, isAbsent }: Member): boolean => !isAbsent && now?.members.get(account)?.isAbsent === true;
  if (![...before.members.values()].some(isLost)) return before;
  const members = [...before.members].map(([account, member]): [string, Member] => [
    account,
    isLost(member) ? { ...member, isAbsent: true } : member,
  ]);
  return { ...before, members: new Map(members) };
}
