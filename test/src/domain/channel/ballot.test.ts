import { expect } from "chai";
import fc from "fast-check";

import { hubElectorate, supportersOf } from "../../../../src/domain/channel/ballot.ts";
import { countedWeight } from "../../../../src/domain/channel/membership.ts";
import { accountNumber, joinsOf, membershipAfter, type MemberAct } from "../../../helpers/member-entries.ts";

const delegation = (who: number, to: number): MemberAct => ({ kind: "delegate", who, to });
const setOf = (...numbers: number[]): Set<string> => new Set(numbers.map(accountNumber));

describe("domain/channel/ballot", () => {
  const now = membershipAfter([...joinsOf(11), delegation(6, 1), delegation(7, 1), delegation(8, 2)]);
  const voters = hubElectorate(9, [...now.members.values()].slice(0, 10), now);

  it("should give everybody one voice", () => {
    expect(countedWeight(voters)).to.equal(10n);
    expect(voters.cursor).to.equal(9);
  });

  it("should have a vote stand for those who delegated and did not vote", () => {
    expect(supportersOf(voters, setOf(1, 2), setOf(1, 2))).to.deep.equal(setOf(1, 2, 6, 7, 8));
    expect(supportersOf(voters, setOf(1, 2), setOf(1, 2, 6))).to.deep.equal(setOf(1, 2, 7, 8));
    expect(supportersOf(voters, setOf(1, 6), setOf(1, 6))).to.deep.equal(setOf(1, 6, 7));
    expect(supportersOf(voters, setOf(6), setOf(6))).to.deep.equal(setOf(6));
  });

  it("should count nobody who has no vote, nor delegations that wait", () => {
    expect(supportersOf(voters, setOf(11, 12), setOf(11, 12))).to.deep.equal(setOf());
    const fewer = membershipAfter([...joinsOf(11), delegation(6, 1), delegation(7, 1), { kind: "leave", who: 11 }]);
    expect(supportersOf(hubElectorate(9, now.members.values(), fewer), setOf(1), setOf(1))).to.deep.equal(setOf(1, 6));
  });

  it("should count up to five voters by their own hand only", () => {
    const five = [1, 2, 6, 7, 8].flatMap((number) => now.members.get(accountNumber(number)) ?? []);
    expect(supportersOf(hubElectorate(9, five, now), setOf(1), setOf(1))).to.deep.equal(setOf(1));
  });

  it("should have nobody on two sides", () => {
    const options = fc.array(fc.nat(2), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(options, (said) => {
        const who = (option: number): number[] => said.flatMap((what, i) => (what === option ? [i + 1] : []));
        const voted = setOf(...who(0), ...who(1));
        const [one, other] = [0, 1].map((option) => supportersOf(voters, setOf(...who(option)), voted));
        expect([...(one ?? [])].filter((account) => other?.has(account))).to.deep.equal([]);
      }),
    );
  });
});
