import { expect } from "chai";
import fc from "fast-check";

import { adoptedFrom, proveElection, type Electorate } from "../../../../src/domain/channel/election.ts";
import { NO_MEMBERS, type Member, type Membership } from "../../../../src/domain/channel/membership.ts";
import { isQuorum } from "../../../../src/domain/channel/quorum.ts";
import { addressOfKey } from "../../../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../../../src/utils/secp256k1.ts";
import { channelDomain } from "../../../../src/wire/channel/domain.ts";
import {
  decodeElection,
  encodeElection,
  signLeaderChange,
  type Election,
  type Standing,
} from "../../../../src/wire/channel/leader-change.ts";
import { testKey } from "../../../helpers/channel-scene.ts";

const MEMBERS = 5;
const domain = channelDomain(31_337n, `0x${"aa".repeat(20)}`);
const keys = Array.from({ length: MEMBERS + 1 }, (_, index) => testKey(index + 1));
const signers = keys.map((key) => addressOfKey(publicKeyOf(key)));
const accountOf = (index: number): string => `0x${String(index + 1).padStart(40, "0")}`;
const voters: Membership = {
  ...NO_MEMBERS,
  members: new Map(
    signers.slice(0, MEMBERS).map((signer, index): [string, Member] => {
      const account = accountOf(index);
      return [account, { account, signer, joinNumber: index + 1, weight: 1n, isAbsent: false }];
    }),
  ),
};
const electorate: Electorate = { domain, channel: 1n, voters, sinceEntry: 0 };
const NOWHERE: Standing = { certifiedTerm: 0, certifiedHeight: 0, head: 0 };

/** By index of who signs; the sixth is no member. */
function electionOf(
  who: readonly number[],
  changes: Partial<Election> & { readonly signedTerm?: number } = {},
): Election {
  const { term = 2, newLeader = accountOf(1), signedTerm = term } = changes;
  const standings = who.map((index) => {
    const change = { channel: 1n, term: signedTerm, newLeader, ...NOWHERE };
    return { ...NOWHERE, signature: signLeaderChange(domain, change, keys[index]!) };
  });
  return { term, newLeader, standings };
}

describe("domain/channel/election", () => {
  it("should be proven by strictly more than two thirds of the members, each once", () => {
    fc.assert(
      fc.property(fc.subarray([0, 1, 2, 3, 4, 5]), (who) => {
        const weight = BigInt(who.filter((index) => index < MEMBERS).length);
        const proven = proveElection(electionOf(who), electorate);
        expect(proven !== undefined).to.equal(isQuorum(weight, BigInt(MEMBERS)));
        if (proven !== undefined) expect(proven).to.include({ term: 2, leader: accountOf(1), signer: signers[1] });
      }),
      { numRuns: 64 },
    );
    expect(proveElection(electionOf([0, 1, 2, 2]), electorate)).to.equal(undefined);
  });

  it("should take no words for another term, leader or channel, and none of who is accused", () => {
    expect(proveElection(electionOf([0, 1, 2, 3], { signedTerm: 3 }), electorate)).to.equal(undefined);
    const forAnother = { ...electionOf([0, 1, 2, 3]), newLeader: accountOf(2) };
    expect(proveElection(forAnother, electorate)).to.equal(undefined);
    expect(proveElection(electionOf([0, 1, 2, 3]), { ...electorate, channel: 2n })).to.equal(undefined);
    expect(proveElection(electionOf([0, 1, 2, 3], { newLeader: accountOf(7) }), electorate)).to.equal(undefined);
    expect(proveElection(electionOf([1, 2, 3]), electorate)).to.equal(undefined);
    expect(proveElection(electionOf([1, 2, 3]), { ...electorate, accused: accountOf(0) })).to.not.equal(undefined);
    expect(proveElection(electionOf([0, 1, 2]), { ...electorate, accused: accountOf(0) })).to.equal(undefined);
  });

  it("should go on from the certificate of the latest term, not from the highest one", () => {
    const standings = [
      { certifiedTerm: 1, certifiedHeight: 9, head: 20 },
      { certifiedTerm: 3, certifiedHeight: 5, head: 5 },
      { certifiedTerm: 3, certifiedHeight: 6, head: 6 },
      NOWHERE,
    ];
    expect(adoptedFrom(standings)).to.deep.equal({ term: 3, height: 6 });
    expect(adoptedFrom([])).to.deep.equal({ term: 0, height: 0 });
  });

  it("should be read from the bytes it is written to, and from no others", () => {
    const election = electionOf([0, 1, 2, 3]);
    const bytes = encodeElection(election);
    expect(decodeElection(bytes)).to.deep.equal(election);
    expect(() => decodeElection(bytes.subarray(0, -32))).to.throw();
    expect(() => decodeElection(new Uint8Array([...bytes, 0]))).to.throw();
  });
});
