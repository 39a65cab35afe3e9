import { expect } from "chai";
import fc from "fast-check";

import { candidatesOf, isCandidate } from "../../../../src/domain/channel/candidates.ts";
import { delegationCap, heldDelegations } from "../../../../src/domain/channel/delegation.ts";
import { countedWeight, type Membership } from "../../../../src/domain/channel/membership.ts";
import { quorumOf } from "../../../../src/domain/channel/quorum.ts";
import {
  accountNumber,
  createMemberLife,
  isTaken,
  joinsOf,
  membershipAfter,
  type MemberAct,
} from "../../../helpers/member-entries.ts";

const MAX_MEMBERS = 40;
const namesOf = (members: Iterable<{ account: string }>): string[] => [...members].map(({ account }) => account);
const numbersOf = (membership: Membership): number[] =>
  candidatesOf(membership).map(({ account }) => Number(`0x${account.slice(3)}`));
const delegation = (who: number, to: number | undefined): MemberAct => ({ kind: "delegate", who, to });

/** A channel with up to 40 members: numbers choose what happens, and only what the hub lets happen does. */
function liveBy(
  joined: number,
  choices: readonly (readonly [number, number, number])[],
  isPresent: boolean,
): Membership {
  const life = createMemberLife(joinsOf(joined));
  for (const [what, a, b] of choices) {
    const who = (a % MAX_MEMBERS) + 1;
    const to = (b % MAX_MEMBERS) + 1;
    if (!life.membership.members.has(accountNumber(who))) life.add({ kind: "join", who });
    else if (what < 6) {
      if (isTaken(life.membership, accountNumber(who), accountNumber(to))) life.add(delegation(who, to));
    } else if (what === 6) life.add(delegation(who, undefined));
    else if (what === 7) life.add({ kind: "leave", who });
    else if (what === 8) life.add({ kind: "ban", who });
    else life.add({ kind: "presence", who, isAbsent: !isPresent && b % 2 === 0 });
  }
  return life.membership;
}

const joined = fc.integer({ min: 1, max: MAX_MEMBERS });
const choices = fc.array(fc.tuple(fc.nat(9), fc.nat(), fc.nat()), { maxLength: 60 });

describe("domain/channel/candidates", () => {
  it("should let all lead where there are up to five, and the first five where nobody delegated", () => {
    expect(numbersOf(membershipAfter(joinsOf(3)))).to.deep.equal([1, 2, 3]);
    expect(numbersOf(membershipAfter(joinsOf(9)))).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it("should elect those with most delegations, by join number where they have as many", () => {
    const after = membershipAfter([...joinsOf(11), delegation(1, 9), delegation(2, 9), delegation(3, 8)]);
    expect(numbersOf(after)).to.deep.equal([9, 8, 4, 5, 6]);
    expect(after.members.get(accountNumber(9))?.weight).to.equal(3n);
    expect(after.members.get(accountNumber(1))?.weight).to.equal(0n);
    expect(isCandidate(after, accountNumber(8))).to.equal(true);
    expect(isCandidate(after, accountNumber(7))).to.equal(false);
  });

  it("should give a seat to the next one when a candidate is absent, leaves or is not heard", () => {
    const six = [...joinsOf(6), delegation(6, 2)];
    expect(numbersOf(membershipAfter(six))).to.deep.equal([2, 1, 3, 4, 5]);
    const absent = membershipAfter([...six, { kind: "presence", who: 2, isAbsent: true }]);
    expect(numbersOf(absent)).to.deep.equal([1, 3, 4, 5, 6]);
    expect(countedWeight(absent)).to.equal(5n);
    expect(numbersOf(membershipAfter([...six, { kind: "leave", who: 2 }]))).to.deep.equal([1, 3, 4, 5, 6]);
    const heard = candidatesOf(membershipAfter(joinsOf(7)), ({ joinNumber }) => joinNumber !== 1);
    expect(namesOf(heard)).to.deep.equal([2, 3, 4, 5, 6].map(accountNumber));
  });

  it("should hold no more than the cap when members leave, the first ones, and more again when they come back", () => {
    const full = [...joinsOf(11), delegation(6, 1), delegation(7, 1)];
    expect(membershipAfter(full).members.get(accountNumber(1))?.weight).to.equal(3n);
    const fewer = [...full, { kind: "leave", who: 11 } as const];
    expect(membershipAfter(fewer).members.get(accountNumber(1))?.weight).to.equal(2n);
    expect(membershipAfter(fewer).members.get(accountNumber(7))?.weight).to.equal(1n);
    expect(membershipAfter([...fewer, { kind: "join", who: 11 }]).members.get(accountNumber(7))?.weight).to.equal(0n);
    expect(membershipAfter([...fewer, delegation(6, undefined)]).members.get(accountNumber(7))?.weight).to.equal(0n);
  });

  it("should have room with five for all the others, and no more than one in five with one", () => {
    for (let n = 6; n <= MAX_MEMBERS; n += 1) {
      expect(5 * delegationCap(n), `${n} members`).to.be.at.least(n - 5);
      expect(5 * (delegationCap(n) - 1), `${n} members`).to.be.lessThan(n - 5);
      // From seven members on one candidate may be dead, with all its weight.
      expect(BigInt(n - 1 - delegationCap(n)) >= quorumOf(BigInt(n)), `${n} members`).to.equal(n > 6);
    }
    expect([1, 5].map(delegationCap)).to.deep.equal([0, 0]);
  });

  it("should weigh all that count as many as they are, whatever happens, and never pass the cap", () => {
    fc.assert(
      fc.property(joined, choices, (n, what) => {
        const membership = liveBy(n, what, false);
        const members = [...membership.members.values()];
        expect(countedWeight(membership)).to.equal(BigInt(members.filter(({ isAbsent }) => !isAbsent).length));
        const cap = BigInt(delegationCap(members.length));
        expect(members.every(({ weight }) => weight >= 0n && weight <= 1n + cap)).to.equal(true);
      }),
    );
  });

  it("should have a candidate for everybody: itself, whom it has, or one with room", () => {
    fc.assert(
      fc.property(joined, choices, (n, what) => {
        const membership = liveBy(n, what, true);
        const { members, delegations = new Map() } = membership;
        const held = heldDelegations(delegations, members.size);
        const candidates = candidatesOf(membership);
        const cap = delegationCap(members.size);
        expect(candidates.length).to.be.at.least(Math.min(members.size, 3));
        for (const { account, weight } of members.values()) {
          if (weight === 0n || weight > 1n || isCandidate(membership, account)) continue;
          const hasRoom = candidates.some((candidate) => (held.get(candidate.account)?.length ?? 0) < cap);
          expect(hasRoom, account).to.equal(true);
        }
      }),
    );
  });
});
