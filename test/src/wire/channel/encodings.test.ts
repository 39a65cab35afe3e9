import { expect } from "chai";
import { AbiCoder, keccak256 as ethersKeccak } from "ethers";
import fc from "fast-check";

import { toHex } from "../../../../src/utils/bytes.ts";
import { decodeCallInput, encodeCallInput } from "../../../../src/wire/channel/call.ts";
import {
  contentOf,
  decodeInboxEntry,
  encodeBan,
  encodeDelegation,
  encodeInboxEntry,
  encodeJoin,
  encodeTerm,
  hashInboxEntry,
} from "../../../../src/wire/channel/inbox-entry.ts";
import { hashRecord } from "../../../../src/wire/channel/record.ts";
import { decodeRecordBody, encodeRecordBody } from "../../../../src/wire/channel/record-body.ts";
import { decodeSessionInput, encodeSessionInput } from "../../../../src/wire/channel/session.ts";
import {
  address,
  bytes,
  call,
  count,
  header,
  small,
  uint256,
  uint64,
  word,
} from "../../../helpers/channel-arbitraries.ts";
import { codeThrown } from "../../../helpers/code-of.ts";

const RUNS = { numRuns: 100 };
const coder = AbiCoder.defaultAbiCoder();
const CALL = "tuple(uint256 channel,address sender,uint64 nonce,uint64 gasLimit,uint64 validUntilMs,bytes data)";
const WORDS = [
  "uint256 channel,uint64 term,uint64 height,uint8 kind,uint64 timeMs,bytes32 previous,bytes32 inputHash",
  "bytes32 touchedHash,bytes32 writesHash,uint8 status,uint64 gasUsed,bytes32 returnHash,bytes32 stateRoot",
  "uint64 inboxCursor",
].join();
const HEADER = `tuple(${WORDS})`;
const entry = fc.record({
  index: count,
  kind: fc.integer({ min: 1, max: 8 }),
  account: address,
  timeMs: count,
  data: bytes,
});

describe("wire/channel: encodings", () => {
  it("should encode a call's input as Solidity does, and read it again", () => {
    fc.assert(
      fc.property(call, bytes, (value, signature) => {
        const input = encodeCallInput({ call: value, signature });
        expect(`0x${toHex(input)}`).to.equal(coder.encode([CALL, "bytes"], [value, signature]));
        expect(decodeCallInput(input)).to.deep.equal({ call: value, signature });
      }),
      RUNS,
    );
  });

  it("should refuse a call's input with one bit changed, or read what stands there then", () => {
    fc.assert(
      fc.property(call, bytes, fc.nat(), (value, signature, at) => {
        const input = encodeCallInput({ call: value, signature });
        const place = at % (input.length * 8);
        input[place >> 3]! ^= 1 << (place & 7);
        try {
          expect(encodeCallInput(decodeCallInput(input))).to.deep.equal(input);
        } catch (error) {
          expect(error).to.have.property("code", "MESSAGE_INVALID");
        }
      }),
      { numRuns: 300 },
    );
    expect(codeThrown(() => decodeCallInput(new Uint8Array(10)))).to.equal("MESSAGE_INVALID");
    const endless = encodeCallInput({ call: fc.sample(call, 1)[0]!, signature: new Uint8Array(65) });
    endless.fill(0xff, 8 * 32, 9 * 32);
    expect(codeThrown(() => decodeCallInput(endless))).to.equal("MESSAGE_INVALID");
  });

  it("should hash a record's header as Solidity does", () => {
    fc.assert(
      fc.property(header, (value) => {
        expect(`0x${toHex(hashRecord(value))}`).to.equal(ethersKeccak(coder.encode([HEADER], [value])));
      }),
      RUNS,
    );
  });

  it("should pack a record and read it again", () => {
    const body = fc.record({
      kind: fc.integer({ min: 0, max: 5 }),
      status: small,
      timeMs: count,
      gasUsed: count,
      inboxCursor: count,
      touchedHash: word,
      writesHash: word,
      returnHash: word,
      stateRoot: word,
      input: bytes,
    });
    fc.assert(
      fc.property(body, (value) => {
        expect(decodeRecordBody(encodeRecordBody(value))).to.deep.equal(value);
      }),
      RUNS,
    );
    const packed = encodeRecordBody(fc.sample(body, 1)[0]!);
    expect(codeThrown(() => decodeRecordBody(packed.subarray(0, 100)))).to.equal("MESSAGE_INVALID");
    expect(codeThrown(() => decodeRecordBody(new Uint8Array([9, ...packed.subarray(1)])))).to.equal("MESSAGE_INVALID");
    packed.fill(0xff, 2, 10);
    expect(codeThrown(() => decodeRecordBody(packed))).to.equal("MESSAGE_INVALID");
  });

  it("should encode and read entries of the inbox", () => {
    fc.assert(
      fc.property(entry, (value) => {
        const input = encodeInboxEntry(value);
        expect(decodeInboxEntry(input)).to.deep.equal(value);
        expect(`0x${toHex(hashInboxEntry(value))}`).to.equal(ethersKeccak(input));
      }),
      RUNS,
    );
    expect(codeThrown(() => decodeInboxEntry(new Uint8Array(31)))).to.equal("MESSAGE_INVALID");
  });

  it("should read what entries of the inbox say", () => {
    const of = (kind: number, data: Uint8Array) =>
      contentOf({ index: 1, kind, account: `0x${"a".repeat(40)}`, timeMs: 1, data });
    const signer = `0x${"ab".repeat(20)}`;
    const assets = [{ kind: 1, token: signer, id: 0n, amount: 5n }];
    expect(of(1, encodeJoin(signer, 3, assets))).to.deep.equal({ kind: "join", signer, joinNumber: 3, assets });
    expect(of(2, new Uint8Array())).to.deep.equal({ kind: "leave" });
    expect(of(3, new Uint8Array())).to.deep.equal({ kind: "close" });
    expect(of(4, encodeBan(9, signer))).to.deep.equal({ kind: "ban", bannedUntilMs: 9, newLeader: signer });
    const signedCall = { call: fc.sample(call, 1)[0]!, signature: new Uint8Array(65) };
    expect(of(6, encodeCallInput(signedCall))).to.deep.equal({ kind: "forcedCall", signedCall });
    expect(of(7, new Uint8Array([...new Uint8Array(31), 1]))).to.deep.equal({ kind: "presence", isAbsent: true });
    expect(of(8, encodeTerm(2, signer))).to.deep.equal({ kind: "term", term: 2, leader: signer });
    expect(of(5, encodeDelegation(signer))).to.deep.equal({ kind: "delegate", candidate: signer });
    expect(of(5, encodeDelegation(undefined))).to.deep.equal({ kind: "delegate", candidate: undefined });
    expect(of(9, new Uint8Array())).to.deep.equal({ kind: "unknown" });
    expect(codeThrown(() => of(1, new Uint8Array(5)))).to.equal("MESSAGE_INVALID");
  });

  it("should encode and read sessions", () => {
    const selector = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((value) => `0x${toHex(value)}`);
    const parts = { channel: uint256, wallet: address, key: address };
    const session = fc.oneof(
      fc.record({
        what: fc.constant("grant" as const),
        grant: fc.record({ ...parts, functions: fc.array(selector), expiryMs: uint64 }),
        signature: bytes,
      }),
      fc.record({
        what: fc.constant("revoke" as const),
        revoke: fc.record({ ...parts, nonce: uint64 }),
        signature: bytes,
      }),
    );
    fc.assert(
      fc.property(session, (value) => {
        expect(decodeSessionInput(encodeSessionInput(value))).to.deep.equal(value);
      }),
      RUNS,
    );
    expect(codeThrown(() => decodeSessionInput(new Uint8Array(64).fill(9)))).to.equal("MESSAGE_INVALID");
    expect(codeThrown(() => decodeSessionInput(new Uint8Array()))).to.equal("MESSAGE_INVALID");
  });
});
