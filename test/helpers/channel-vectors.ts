import { addressOfKey, signDigest } from "../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../src/utils/secp256k1.ts";
import { hashAck, hashBatch } from "../../src/wire/channel/batch.ts";
import { encodeCallInput, hashCall } from "../../src/wire/channel/call.ts";
import { hashJoinConsent } from "../../src/wire/channel/consent.ts";
import { channelDomain, digestOf } from "../../src/wire/channel/domain.ts";
import { encodeInboxEntry, encodeJoin, hashInboxEntry } from "../../src/wire/channel/inbox-entry.ts";
import { merkleProof, merkleRoot } from "../../src/wire/channel/merkle.ts";
import { hashRecord, hashTouched, hashWrites } from "../../src/wire/channel/record.ts";
import { encodeRecordBody } from "../../src/wire/channel/record-body.ts";
import { encodeSessionInput, hashSessionGrant, hashSessionRevoke } from "../../src/wire/channel/session.ts";
import { changesRootOf, hashPunishment, hashSettlement, hashVote } from "../../src/wire/channel/settlement.ts";
import { keccak256 } from "../../src/utils/keccak.ts";
import { printable } from "./printable.ts";

const KEY = new Uint8Array(32).fill(0x11);
const SIGNER = addressOfKey(publicKeyOf(KEY));
const domain = channelDomain(31_337n, `0x${"c0".repeat(20)}`);
const filled = (value: number, length = 32): Uint8Array => new Uint8Array(length).fill(value);
const slot = (last: number): Uint8Array => new Uint8Array([...filled(0, 31), last]);
const other = (byte: string): string => `0x${byte.repeat(20)}`;

/** A struct with its hash, what is signed of it, and a signature by the key of these vectors. */
function signed(value: object, hash: Uint8Array): object {
  const digest = digestOf(domain, hash);
  return { value, structHash: hash, digest, signature: signDigest(digest, KEY) };
}

/** One example of each format of channels, as `test/vectors/channels/records.json` has them. */
export function channelVectors(): unknown {
  const call = {
    channel: 7n,
    sender: SIGNER,
    nonce: 3n,
    gasLimit: 100_000n,
    validUntilMs: 2n ** 63n,
    data: filled(5, 36),
  };
  const signedCall = { call, signature: signDigest(digestOf(domain, hashCall(call)), KEY) };
  const grant = {
    channel: 7n,
    wallet: SIGNER,
    key: other("0a"),
    functions: ["0xa9059cbb", "0x095ea7b3"],
    expiryMs: 99n,
  };
  const revoke = { channel: 7n, wallet: SIGNER, key: other("0a"), nonce: 4n };
  const signature = filled(9, 65);
  const entry = {
    index: 1,
    kind: 1,
    account: SIGNER,
    timeMs: 1_800_000_000_000,
    data: encodeJoin(SIGNER, 1, [{ kind: 0, token: other("00"), id: 0n, amount: 10n ** 18n }]),
  };
  const touched = [
    { slot: slot(1), before: filled(0), after: slot(7) },
    { slot: slot(2), before: slot(8), after: slot(8) },
    { slot: slot(3), before: slot(9), after: filled(0) },
  ];
  const body = {
    kind: 1,
    status: 1,
    timeMs: 1_800_000_000_123,
    gasUsed: 12_599,
    inboxCursor: 2,
    touchedHash: hashTouched(touched),
    writesHash: hashWrites(touched),
    returnHash: keccak256(new Uint8Array()),
    stateRoot: filled(0x77),
    input: encodeCallInput(signedCall),
  };
  const { input, ...fields } = body;
  const header = { channel: 7n, term: 1, height: 9, previous: filled(0x66), inputHash: keccak256(input), ...fields };
  const leaves = [1, 2, 3, 4, 5].map((value) => keccak256(slot(value)));
  const changes = Array.from({ length: 300 }, (_, i) => ({
    slot: new Uint8Array([...filled(0, 30), i >> 8, i & 0xff]),
    oldValue: filled(0),
    newValue: slot(1),
  }));
  const settlement = {
    channel: 7n,
    fromHeight: 0,
    toHeight: 9,
    timeMs: header.timeMs,
    head: hashRecord(header),
    recordsRoot: merkleRoot(leaves),
    stateRoot: header.stateRoot,
    changesRoot: changesRootOf(changes),
    inboxCursor: 2,
    mode: 0,
  };
  const punishment = { channel: 7n, term: 1, target: other("0b"), height: 9, recordHash: filled(2), reason: 1 };
  const vote = { channel: 7n, proposalHash: hashSettlement(settlement), option: 1 };
  const batch = { channel: 7n, term: 1, first: 5, last: 9, recordsRoot: merkleRoot(leaves) };
  const ack = { channel: 7n, term: 1, height: 9, recordHash: hashRecord(header), certified: 4 };
  const consent = {
    channel: 7n,
    app: other("01"),
    program: other("02"),
    member: SIGNER,
    signer: other("03"),
    stakeSource: other("00"),
    maxStake: 10n ** 18n,
    deadline: 1_900_000_000,
  };
  return printable({
    domain: { chainId: domain.chainId, hub: domain.hub, separator: domain.separator },
    privateKey: KEY,
    signer: SIGNER,
    call: { ...signed(call, hashCall(call)), input },
    sessionGrant: {
      ...signed(grant, hashSessionGrant(grant)),
      input: encodeSessionInput({ what: "grant", grant, signature }),
    },
    sessionRevoke: {
      ...signed(revoke, hashSessionRevoke(revoke)),
      input: encodeSessionInput({ what: "revoke", revoke, signature }),
    },
    batch: signed(batch, hashBatch(batch)),
    ack: signed(ack, hashAck(ack)),
    settlement: signed(settlement, hashSettlement(settlement)),
    punishment: signed(punishment, hashPunishment(punishment)),
    vote: signed(vote, hashVote(vote)),
    joinConsent: signed(consent, hashJoinConsent(consent)),
    inboxEntry: { value: entry, input: encodeInboxEntry(entry), hash: hashInboxEntry(entry) },
    touched: { slots: touched, touchedHash: header.touchedHash, writesHash: header.writesHash },
    record: { header, hash: hashRecord(header), packed: encodeRecordBody(body) },
    merkle: { leaves, root: merkleRoot(leaves), proofs: leaves.map((_, index) => merkleProof(leaves, index)) },
    changes: { count: changes.length, first: changes[0], last: changes.at(-1), root: changesRootOf(changes) },
  });
}
