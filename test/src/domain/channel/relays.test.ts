import { expect } from "chai";
import fc from "fast-check";

import { candidatesOf } from "../../../../src/domain/channel/candidates.ts";
import { NO_MEMBERS, takeEntry, type Membership } from "../../../../src/domain/channel/membership.ts";
import { capacityOf, isInMesh, isRelayed, relaysFor } from "../../../../src/domain/channel/relays.ts";
import { encodeJoin, INBOX_KINDS } from "../../../../src/wire/channel/inbox-entry.ts";

const name = (kind: string, number: number): string => `0x${kind.repeat(38)}${String(number).padStart(2, "0")}`;
const signer = (number: number): string => name("b", number);

function membersOf(count: number): Membership {
  let members = NO_MEMBERS;
  for (let number = 1; number <= count; number += 1) {
    const account = name("a", number);
    const data = encodeJoin(signer(number), number, []);
    members = takeEntry(members, { index: number, kind: INBOX_KINDS.join, account, timeMs: number, data });
  }
  return members;
}

describe("domain/channel/relays", () => {
  it("should have no relays up to five members", () => {
    for (let count = 1; count <= 5; count += 1) {
      expect(isRelayed(membersOf(count))).to.equal(false);
      expect(relaysFor(membersOf(count), signer(count), signer(1))).to.deep.equal([]);
    }
    expect(isRelayed(membersOf(6))).to.equal(true);
  });

  it("should send members to candidates, each beginning with another one", () => {
    const members = membersOf(12);
    expect(relaysFor(members, signer(8), signer(1))).to.deep.equal([2, 3, 4, 5].map(signer));
    expect(relaysFor(members, signer(9), signer(1))).to.deep.equal([3, 4, 5, 2].map(signer));
    expect(relaysFor(members, signer(9), undefined)).to.have.length(5);
    // A leader that is no candidate has all five beside it.
    expect(relaysFor(members, signer(9), signer(7))).to.have.length(5);
    expect(isInMesh(members, signer(7), signer(7))).to.equal(true);
    expect(relaysFor(members, signer(7), signer(7))).to.deep.equal([]);
  });

  it("should never send anybody to itself, to the leader or to one that is no candidate, and have room for all", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.nat(63), fc.nat(63), (count, self, leader) => {
        const members = membersOf(count);
        const of = (number: number): string => signer(1 + (number % count));
        const relays = relaysFor(members, of(self), of(leader));
        const candidates = candidatesOf(members).map((candidate) => candidate.signer);
        expect(relays).to.not.include(of(self));
        expect(relays).to.not.include(of(leader));
        for (const relay of relays) expect(candidates).to.include(relay);
        expect(new Set(relays).size).to.equal(relays.length);
        const isServed = isInMesh(members, of(self), of(leader));
        expect(relays.length > 0).to.equal(count > 5 && !isServed);
        // Also when half of them are gone, without the leader.
        if (relays.length > 0) expect(Math.ceil(relays.length / 2) * capacityOf(members)).to.be.at.least(count - 5);
      }),
    );
  });
});
