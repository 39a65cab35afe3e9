import { CANDIDATES } from "./limits.ts";

/** Who delegated to whom: the backers of an account, in the order in which they came. Nobody is in two places. */
export type Delegations = ReadonlyMap<string, readonly string[]>;

/** How many backers one member may have where so many are members: five of them then have room for all the others. */
export function delegationCap(members: number): number {
  return members <= CANDIDATES ? 0 : Math.ceil((members - CANDIDATES) / CANDIDATES);
}

/** Whoever delegated, to whomever, does so to `target` now, or to nobody. */
export function delegate(before: Delegations, account: string, target: string | undefined): Delegations {
  const after = new Map(before);
  for (const [candidate, backers] of before) {
    if (!backers.includes(account)) continue;
    const rest = backers.filter((backer) => backer !== account);
    if (rest.length === 0) after.delete(candidate);
    else after.set(candidate, rest);
  }
  if (target !== undefined) after.set(target, [...(after.get(target) ?? []), account]);
  return after;
}

/** Without one that is no member any more, neither as a backer nor as one who has some. */
export function withoutMember(before: Delegations, account: string): Delegations {
  const after = new Map(delegate(before, account, undefined));
  after.delete(account);
  return after;
}

/** The delegations that hold: the first ones of each, as many as it may have; the others wait until there is room. */
export function heldDelegations(delegations: Delegations, members: number): Delegations {
  const cap = delegationCap(members);
  if (cap === 0) return new Map();
  return new Map([...delegations].map(([candidate, backers]) => [candidate, backers.slice(0, cap)]));
}
