import { expect } from "chai";
import { TypedDataEncoder, Wallet, type TypedDataField } from "ethers";
import fc from "fast-check";

import { fromHex, toHex } from "../../../../src/utils/bytes.ts";
import { recoverSigner } from "../../../../src/utils/recoverable-signature.ts";
import { hashAck, hashBatch } from "../../../../src/wire/channel/batch.ts";
import { hashCall } from "../../../../src/wire/channel/call.ts";
import { hashJoinConsent } from "../../../../src/wire/channel/consent.ts";
import { channelDomain, digestOf } from "../../../../src/wire/channel/domain.ts";
import { hashLeaderChange } from "../../../../src/wire/channel/leader-change.ts";
import { hashSessionGrant, hashSessionRevoke } from "../../../../src/wire/channel/session.ts";
import { hashPunishment, hashSettlement, hashVote } from "../../../../src/wire/channel/settlement.ts";
import { CHANNEL_TYPES } from "../../../../src/wire/channel/type-hashes.ts";
import { address, call, count, small, uint256, uint64, word } from "../../../helpers/channel-arbitraries.ts";

const RUNS = { numRuns: 40 };
const HUB = "0x1111111111111111111111111111111111111111";
const DOMAIN = { name: "SPRF Channels", version: "1", chainId: 31337n, verifyingContract: HUB };

type Name = keyof typeof CHANNEL_TYPES;

/** The fields of a type, read from its words. */
function fieldsOf(name: Name): Record<string, TypedDataField[]> {
  const inner = CHANNEL_TYPES[name].slice(name.length + 1, -1);
  return {
    [name]: inner.split(",").map((field) => {
      const [type, fieldName] = field.split(" ");
      return { type: type!, name: fieldName! };
    }),
  };
}

const selector = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => `0x${toHex(bytes)}`);

const settlement = fc.record({
  channel: uint256,
  fromHeight: count,
  toHeight: count,
  timeMs: count,
  head: word,
  recordsRoot: word,
  stateRoot: word,
  changesRoot: word,
  inboxCursor: count,
  mode: small,
});

function same<T extends object>(name: Name, values: fc.Arbitrary<T>, hash: (value: T) => Uint8Array): void {
  it(`should hash a ${name} as ethers does`, () => {
    fc.assert(
      fc.property(values, (value) => {
        const expected = TypedDataEncoder.hashStruct(name, fieldsOf(name), value);
        expect(`0x${toHex(hash(value))}`).to.equal(expected);
        const digest = TypedDataEncoder.hash(DOMAIN, fieldsOf(name), value);
        expect(`0x${toHex(digestOf(channelDomain(DOMAIN.chainId, HUB), hash(value)))}`).to.equal(digest);
      }),
      RUNS,
    );
  });
}

describe("wire/channel: what is signed", () => {
  same("Call", call, hashCall);
  same(
    "SessionGrant",
    fc.record({ channel: uint256, wallet: address, key: address, functions: fc.array(selector), expiryMs: uint64 }),
    hashSessionGrant,
  );
  same(
    "SessionRevoke",
    fc.record({ channel: uint256, wallet: address, key: address, nonce: uint64 }),
    hashSessionRevoke,
  );
  same("Batch", fc.record({ channel: uint256, term: count, first: count, last: count, recordsRoot: word }), hashBatch);
  same("Ack", fc.record({ channel: uint256, term: count, height: count, recordHash: word, certified: count }), hashAck);
  same("Settlement", settlement, hashSettlement);
  same(
    "Punishment",
    fc.record({
      channel: uint256,
      term: count,
      target: address,
      height: count,
      recordHash: word,
      reason: small,
    }),
    hashPunishment,
  );
  same("Vote", fc.record({ channel: uint256, proposalHash: word, option: small }), hashVote);
  same(
    "JoinConsent",
    fc.record({
      channel: uint256,
      app: address,
      program: address,
      member: address,
      signer: address,
      stakeSource: address,
      maxStake: uint256,
      deadline: count,
    }),
    hashJoinConsent,
  );
  same(
    "LeaderChange",
    fc.record({
      channel: uint256,
      term: count,
      newLeader: address,
      certifiedTerm: count,
      certifiedHeight: count,
      head: count,
    }),
    hashLeaderChange,
  );

  it("should take a wallet's signature for its address", async () => {
    const wallet = new Wallet(`0x${"11".repeat(32)}`);
    const value = {
      channel: 7n,
      sender: wallet.address.toLowerCase(),
      nonce: 1n,
      gasLimit: 100_000n,
      validUntilMs: 2n ** 60n,
      data: new Uint8Array([1, 2, 3]),
    };
    const signature = fromHex(await wallet.signTypedData(DOMAIN, fieldsOf("Call"), value));
    const digest = digestOf(channelDomain(DOMAIN.chainId, HUB), hashCall(value));
    expect(recoverSigner(digest, signature)).to.equal(wallet.address.toLowerCase());
  });
});
