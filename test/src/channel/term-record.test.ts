import { expect } from "chai";

import { judgeTermRecord, type TermVerdict } from "../../../src/channel/term-record.ts";
import { NO_MEMBERS, type Member, type Membership } from "../../../src/domain/channel/membership.ts";
import type { Term } from "../../../src/domain/channel/terms.ts";
import { addressOfKey } from "../../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../../src/utils/secp256k1.ts";
import { channelDomain } from "../../../src/wire/channel/domain.ts";
import { encodeElection, signLeaderChange, type Standing } from "../../../src/wire/channel/leader-change.ts";
import { EMPTY_HASH, hashRecord, ZERO_HASH, type RecordHeader } from "../../../src/wire/channel/record.ts";
import { testKey } from "../../helpers/channel-scene.ts";

const domain = channelDomain(31_337n, `0x${"aa".repeat(20)}`);
const keys = [1, 2, 3, 4].map(testKey);
const signers = keys.map((key) => addressOfKey(publicKeyOf(key)));
const accountOf = (index: number): string => `0x${String(index + 1).padStart(40, "0")}`;
const members = new Map(
  signers.map((signer, index): [string, Member] => {
    const account = accountOf(index);
    return [account, { account, signer, joinNumber: index + 1, weight: 1n, isAbsent: false }];
  }),
);
const membership: Membership = { ...NO_MEMBERS, cursor: 4, members };
const first: Term = { term: 1, leader: accountOf(0), signer: signers[0]!, sinceEntry: 1 };
const parentHeader: RecordHeader = {
  channel: 1n,
  term: 1,
  height: 9,
  kind: 1,
  timeMs: 1_000,
  previous: ZERO_HASH,
  inputHash: EMPTY_HASH,
  touchedHash: EMPTY_HASH,
  writesHash: EMPTY_HASH,
  status: 1,
  gasUsed: 0,
  returnHash: EMPTY_HASH,
  stateRoot: ZERO_HASH,
  inboxCursor: 4,
};
const parent = { header: parentHeader, hash: hashRecord(parentHeader) };

/** The second member wants to lead term 2 on top of height 9. */
function judge(
  who: readonly number[],
  {
    standing = { certifiedTerm: 1, certifiedHeight: 9, head: 9 },
    chainTerms = [first],
    settled = false,
    input,
    absent = [],
    seenMs = 1_000_000,
  }: {
    readonly standing?: Standing;
    readonly chainTerms?: readonly Term[];
    readonly settled?: boolean;
    readonly input?: Uint8Array;
    /** Members that are absent from entry 7 on. */
    readonly absent?: readonly number[];
    readonly seenMs?: number;
  } = {},
): TermVerdict {
  const term = 2;
  const newLeader = accountOf(1);
  const standings = who.map((index) => {
    const change = { channel: 1n, term, newLeader, ...standing };
    return { ...standing, signature: signLeaderChange(domain, change, keys[index]!) };
  });
  const body = {
    ...parentHeader,
    kind: 5,
    input: input ?? encodeElection({ term, newLeader, standings }),
  };
  const header = { ...parentHeader, kind: 5, term, height: 10, previous: parent.hash };
  const termOf = (number: number): Term | undefined => chainTerms.find((each) => each.term === number);
  const out = new Set(absent.map(accountOf));
  const later = [...members].map(([account, member]): [string, Member] => [
    account,
    { ...member, isAbsent: out.has(account) },
  ]);
  const chain = {
    termOf,
    inboxLength: 8,
    seenMs,
    membershipAt(cursor: number): Membership | undefined {
      if (cursor < 4) return undefined;
      return cursor < 7 ? membership : { ...membership, members: new Map(later) };
    },
    isSettled: () => settled,
  };
  return judgeTermRecord(
    { domain, channel: 1n, chain, terms: { of: termOf } },
    { header, body, hash: hashRecord(header) },
    parent,
  );
}

describe("channel/term-record", () => {
  it("should begin a term that a quorum has signed, on the record that it stands on", () => {
    const judged = judge([0, 1, 2]);
    expect(judged.verdict).to.equal("proven");
    if (judged.verdict === "proven") {
      expect(judged.election).to.include({ term: 2, leader: accountOf(1), signer: signers[1], sinceEntry: 0 });
      expect(judged.kept.cursor).to.equal(4);
    }
  });

  it("should wait for the chain where too few have signed, and call it a lie where the chain has begun the term", () => {
    expect(judge([1, 2]).verdict).to.equal("early");
    const second: Term = { term: 2, leader: accountOf(1), signer: signers[1]!, sinceEntry: 5 };
    // Whom the chain took the office from does not count: three are left, and all are needed.
    expect(judge([1, 2, 3], { chainTerms: [first, second] }).verdict).to.equal("proven");
    expect(judge([0, 1], { chainTerms: [first, second] }).verdict).to.equal("fault");
    const another: Term = { term: 2, leader: accountOf(3), signer: signers[3]!, sinceEntry: 5 };
    expect(judge([1, 2], { chainTerms: [first, another] }).verdict).to.equal("fault");
    // Members have gone there with another one before the chain said whose it is.
    expect(judge([0, 1, 2], { chainTerms: [first, another] }).verdict).to.equal("proven");
  });

  it("should leave a term to whom its members have elected, also when the chain names the same one for it before that is seen", () => {
    const second: Term = { term: 2, leader: accountOf(1), signer: signers[1]!, sinceEntry: 5 };
    const judged = judge([0, 1, 2], { chainTerms: [first, second] });
    expect(judged.verdict).to.equal("proven");
    // Its records need not begin with the entry that it had not seen.
    if (judged.verdict === "proven") expect(judged.election.sinceEntry).to.equal(0);
  });

  it("should not wait for who is absent by now, where the chain has begun the term and too few are silent to have been a quorum", () => {
    const second: Term = { term: 2, leader: accountOf(1), signer: signers[1]!, sinceEntry: 5 };
    const chainTerms = [first, second];
    expect(judge([1, 2], { chainTerms, absent: [3] }).verdict).to.equal("proven");
    expect(judge([1], { chainTerms, absent: [2, 3] }).verdict).to.equal("fault");
    expect(judge([1, 2], { absent: [3] }).verdict).to.equal("early");
    // Somebody may be absent by a block that is not seen here yet.
    expect(judge([1, 2], { chainTerms, seenMs: 60_000 }).verdict).to.equal("early");
    expect(judge([1, 2], { chainTerms, seenMs: 61_000 }).verdict).to.equal("fault");
  });

  it("should not go on from below what a quorum stands on, or from another record of that height", () => {
    const above = { certifiedTerm: 1, certifiedHeight: 10, head: 10 };
    expect(judge([0, 1, 2], { standing: above }).verdict).to.equal("fault");
    const later = { certifiedTerm: 2, certifiedHeight: 9, head: 9 };
    expect(judge([0, 1, 2], { standing: later }).verdict).to.equal("fault");
  });

  it("should go on from above that only where the chain has settled it", () => {
    const below = { certifiedTerm: 1, certifiedHeight: 5, head: 9 };
    expect(judge([0, 1, 2], { standing: below }).verdict).to.equal("early");
    expect(judge([0, 1, 2], { standing: below, settled: true }).verdict).to.equal("proven");
  });

  it("should call an input that is no election a lie", () => {
    expect(judge([], { input: Uint8Array.of(1, 2, 3) }).verdict).to.equal("fault");
    const ofAnother = encodeElection({ term: 3, newLeader: accountOf(1), standings: [] });
    expect(judge([], { input: ofAnother }).verdict).to.equal("fault");
  });
});
