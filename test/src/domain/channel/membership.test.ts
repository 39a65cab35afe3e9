import { expect } from "chai";

import {
  changesMembers,
  countedWeight,
  memberOfSigner,
  NO_MEMBERS,
  takeEntry,
  votersBetween,
  weightOf,
} from "../../../../src/domain/channel/membership.ts";
import { termBegunBy } from "../../../../src/domain/channel/terms.ts";
import {
  encodeBan,
  encodeDelegation,
  encodeJoin,
  encodeTerm,
  type InboxEntry,
} from "../../../../src/wire/channel/inbox-entry.ts";
import { codeThrown } from "../../../helpers/code-of.ts";

const account = (n: number): string => `0x${"a".repeat(39)}${n}`;
const signer = (n: number): string => `0x${"b".repeat(39)}${n}`;
const of = (index: number, kind: number, who: number, data: Uint8Array = new Uint8Array()): InboxEntry => ({
  index,
  kind,
  account: account(who),
  timeMs: index,
  data,
});
const join = (index: number, who: number): InboxEntry => of(index, 1, who, encodeJoin(signer(who), who, []));
const fold = (...entries: InboxEntry[]) => entries.reduce(takeEntry, NO_MEMBERS);
const three = [join(1, 1), join(2, 2), join(3, 3)];

describe("domain/channel/membership", () => {
  it("should have who joined and did not leave", () => {
    const after = fold(...three, of(4, 2, 2));
    expect([...after.members.keys()]).to.deep.equal([account(1), account(3)]);
    expect(after.cursor).to.equal(4);
    expect(fold(...three).members.get(account(2))).to.include({ signer: signer(2), joinNumber: 2 });
  });

  it("should remove who is banned, and remember until when", () => {
    const after = fold(...three, of(4, 4, 1, encodeBan(9_000, account(2))));
    expect(after.members.has(account(1))).to.equal(false);
    expect(after.bannedUntilMs.get(account(1))).to.equal(9_000);
  });

  it("should not count who is absent, nor who is accused, and each signer once", () => {
    const word = (last: number): Uint8Array => new Uint8Array([...new Uint8Array(31), last]);
    const absent = fold(...three, of(4, 7, 3, word(1)));
    expect(countedWeight(absent)).to.equal(2n);
    expect(weightOf(absent, new Set([signer(1), signer(3), signer(9)]))).to.equal(1n);
    expect(countedWeight(absent, account(1))).to.equal(1n);
    expect(weightOf(absent, new Set([signer(1), signer(2)]), account(1))).to.equal(1n);
    expect(countedWeight(takeEntry(absent, of(5, 7, 3, word(0))))).to.equal(3n);
    expect(countedWeight(takeEntry(absent, of(5, 7, 8, word(1))))).to.equal(2n);
  });

  it("should take entries in their order only", () => {
    expect(codeThrown(() => fold(join(2, 1)))).to.equal("MESSAGE_INVALID");
    expect(codeThrown(() => fold(join(1, 1), join(1, 1)))).to.equal("MESSAGE_INVALID");
  });

  it("should know what changes members, when it closes, and whose signer is whose", () => {
    expect(
      [
        join(1, 1),
        of(1, 2, 1),
        of(1, 3, 1),
        of(1, 5, 1, encodeDelegation(account(2))),
        of(1, 8, 1, encodeTerm(2, account(1))),
      ].map(changesMembers),
    ).to.deep.equal([true, true, false, true, false]);
    expect(fold(...three, of(4, 3, 1)).isClosing).to.equal(true);
    expect(memberOfSigner(fold(...three), signer(2))?.account).to.equal(account(2));
    expect(memberOfSigner(fold(...three), account(2))).to.equal(undefined);
  });

  it("should begin term 1 with the first member, and later ones as the hub says", () => {
    const begun = termBegunBy(join(1, 1), fold(join(1, 1)));
    expect(begun).to.deep.equal({ term: 1, leader: account(1), signer: signer(1), sinceEntry: 1 });
    expect(termBegunBy(join(2, 2), fold(...three))).to.equal(undefined);
    const next = termBegunBy(of(4, 8, 2, encodeTerm(2, account(2))), fold(...three));
    expect(next).to.deep.equal({ term: 2, leader: account(2), signer: signer(2), sinceEntry: 4 });
  });

  it("should let a record that takes an absence be certified without the absent one, and all others by those before", () => {
    const flag = (is: boolean): Uint8Array => new Uint8Array(32).fill(is ? 1 : 0, 31);
    const before = fold(...three);
    const absent = takeEntry(before, of(4, 7, 3, flag(true)));
    const back = takeEntry(absent, of(5, 7, 3, flag(false)));
    const joined = takeEntry(before, join(4, 4));
    expect(countedWeight(votersBetween(before, absent))).to.equal(2n);
    expect(countedWeight(votersBetween(absent, back))).to.equal(2n);
    expect(votersBetween(before, joined)).to.equal(before);
    expect(votersBetween(before, undefined)).to.equal(before);
  });
});
