import { expect } from "chai";

import { createAckBook } from "../../../../src/domain/channel/acks.ts";
import { NO_MEMBERS, takeEntry } from "../../../../src/domain/channel/membership.ts";
import { encodeJoin } from "../../../../src/wire/channel/inbox-entry.ts";

const account = (n: number): string => `0x${"a".repeat(39)}${n}`;
const signer = (n: number): string => `0x${"b".repeat(39)}${n}`;
const members = (count: number) =>
  Array.from({ length: count }, (_, i) => i + 1).reduce(
    (before, n) =>
      takeEntry(before, { index: n, kind: 1, account: account(n), timeMs: n, data: encodeJoin(signer(n), n, []) }),
    NO_MEMBERS,
  );
const hashOf = (height: number): Uint8Array => new Uint8Array(32).fill(height);
const signature = new Uint8Array(65);
const ack = (height: number, certified = 0) => ({ height, recordHash: hashOf(height), certified, signature });
const head = (height: number, count: number) => ({ height, recordHash: hashOf(height), voters: members(count) });

describe("domain/channel/acks", () => {
  for (const [count, quorum] of [
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 3],
    [7, 5],
  ] as const) {
    it(`should certify by ${quorum} of ${count}, and commit when as many hold the certificate`, () => {
      const book = createAckBook(1);
      book.expect(head(5, count));
      for (let n = 1; n <= quorum; n += 1) {
        expect(book.certificate).to.equal(undefined);
        expect(book.add(signer(n), ack(5))).to.equal(true);
      }
      expect(book.certificate).to.include({ term: 1, height: 5 });
      expect(book.certificate?.acks).to.have.length(quorum);
      for (let n = 1; n <= quorum; n += 1) {
        expect(book.committed(members(count))).to.equal(0);
        expect(book.add(signer(n), ack(5, 5))).to.equal(true);
      }
      expect(book.committed(members(count))).to.equal(5);
    });
  }

  it("should count a member once, strangers never, and no ack of another record", () => {
    const book = createAckBook(1);
    book.expect(head(5, 3));
    for (let i = 0; i < 3; i += 1) book.add(signer(1), ack(5));
    expect(book.add(signer(9), ack(5))).to.equal(false);
    expect(book.add(signer(2), ack(5, 6))).to.equal(false);
    expect(book.add(signer(2), { ...ack(5), recordHash: hashOf(6) })).to.equal(false);
    expect(book.add(signer(2), ack(6))).to.equal(false);
    book.add(signer(2), ack(5));
    expect(book.certificate).to.equal(undefined);
    book.add(signer(3), ack(5));
    expect(book.certificate?.height).to.equal(5);
  });

  it("should commit nothing by strangers' words", () => {
    const book = createAckBook(1);
    book.expect(head(5, 1));
    book.add(signer(1), ack(5));
    for (let n = 2; n <= 9; n += 1) book.add(signer(n), ack(5, 5));
    expect(book.committed(members(1))).to.equal(0);
  });

  it("should forget heads that a later certificate covers", () => {
    const book = createAckBook(1);
    for (const height of [5, 6, 7, 8]) book.expect(head(height, 2));
    for (const n of [1, 2]) book.add(signer(n), ack(6));
    expect(book.openHeads).to.equal(2);
    expect(book.certificate?.height).to.equal(6);
  });
});
