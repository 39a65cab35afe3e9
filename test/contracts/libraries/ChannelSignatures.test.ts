import { expect } from "chai";
import { AbiCoder, id, keccak256, toBeHex, TypedDataEncoder, type TypedDataField, ZeroHash } from "ethers";
import fc from "fast-check";
import { network } from "hardhat";

import { MAX_CALL_GAS, MAX_MEMBER_ASSETS, MAX_TOUCHED_SLOTS } from "../../../src/domain/channel/limits.ts";
import { MAX_CALLDATA_BYTES } from "../../../src/wire/channel/limits.ts";
import { CHUNK_CHANGES } from "../../../src/wire/channel/settlement.ts";

const { ethers } = await network.create();
const libraries = await ethers.deployContract("ChannelLibraries");
/** Some address. */
const HUB = ethers.getAddress(`0x${"ab".repeat(20)}`);
/** As many as a bit set of the hub has seats. */
const MAX_MEMBERS = 64;
const coder = AbiCoder.defaultAbiCoder();

/** What the specification of channels says is signed. */
const TYPES = {
  Call: "uint256 channel,address sender,uint64 nonce,uint64 gasLimit,uint64 validUntilMs,bytes data",
  SessionGrant: "uint256 channel,address wallet,address key,bytes4[] functions,uint64 expiryMs",
  SessionRevoke: "uint256 channel,address wallet,address key,uint64 nonce",
  Batch: "uint256 channel,uint64 term,uint64 first,uint64 last,bytes32 recordsRoot",
  Ack: "uint256 channel,uint64 term,uint64 height,bytes32 recordHash,uint64 certified",
  Settlement:
    "uint256 channel,uint64 fromHeight,uint64 toHeight,uint64 timeMs,bytes32 head,bytes32 recordsRoot,bytes32 stateRoot,bytes32 changesRoot,uint64 inboxCursor,uint8 mode",
  Punishment: "uint256 channel,uint64 term,address target,uint64 height,bytes32 recordHash,uint8 reason",
  JoinConsent:
    "uint256 channel,address app,address program,address member,address signer,address stakeSource,uint256 maxStake,uint64 deadline",
} as const;

function fieldsOf(type: string): TypedDataField[] {
  return type.split(",").map((field) => {
    const [fieldType = "", name = ""] = field.split(" ");
    return { type: fieldType, name };
  });
}

function arbitraryOf(type: string): fc.Arbitrary<unknown> {
  const bytes = (length: number): fc.Arbitrary<string> =>
    fc.uint8Array({ minLength: length, maxLength: length }).map((value) => ethers.hexlify(value));
  if (type === "bytes") return fc.uint8Array({ maxLength: 200 }).map((value) => ethers.hexlify(value));
  if (type === "bytes4[]") return fc.array(bytes(4), { maxLength: 5 });
  if (type === "bytes32") return bytes(32);
  if (type === "address") return bytes(20).map((value) => ethers.getAddress(value));
  return fc.bigInt({ min: 0n, max: 2n ** BigInt(type.slice("uint".length)) - 1n });
}

describe("ChannelSignatures", () => {
  for (const [name, type] of Object.entries(TYPES)) {
    it(`should hash a ${name} as EIP-712 does`, async () => {
      const fields = fieldsOf(type);
      const record = fc.record(Object.fromEntries(fields.map((field) => [field.name, arbitraryOf(field.type)])));
      await fc.assert(
        fc.asyncProperty(record, async (value) => {
          const expected = TypedDataEncoder.hashStruct(name, { [name]: fields }, value);
          expect(await libraries.getFunction(`hash${name}`)(value)).to.equal(expected);
        }),
        { numRuns: 20 },
      );
    });
  }

  it("should bind what is signed to the hub and the chain", async () => {
    const hub = HUB;
    const { chainId } = await ethers.provider.getNetwork();
    const domain = { name: "SPRF Channels", version: "1", chainId, verifyingContract: hub };
    expect(await libraries.domainOf(hub)).to.equal(TypedDataEncoder.hashDomain(domain));
    const types = { Vote: fieldsOf("uint256 channel,bytes32 proposalHash,uint8 option") };
    const vote = { channel: 5n, proposalHash: id("x"), option: 2n };
    const structHash = await libraries.voteHash(vote.channel, vote.proposalHash, vote.option);
    expect(await libraries.digestOf(hub, structHash)).to.equal(TypedDataEncoder.hash(domain, types, vote));
  });
});

describe("RecordHash", () => {
  it("should hash the 14 words of a record", async () => {
    const header = {
      channel: 1n,
      term: 2n,
      height: 3n,
      kind: 4n,
      timeMs: 5n,
      previous: toBeHex(6n, 32),
      inputHash: toBeHex(7n, 32),
      touchedHash: toBeHex(8n, 32),
      writesHash: toBeHex(9n, 32),
      status: 10n,
      gasUsed: 11n,
      returnHash: toBeHex(12n, 32),
      stateRoot: toBeHex(13n, 32),
      inboxCursor: 14n,
    };
    const words = Array.from({ length: 14 }, (_, index) => toBeHex(BigInt(index) + 1n, 32));
    expect(await libraries.recordHash(header)).to.equal(keccak256(ethers.concat(words)));
  });

  it("should hash an inbox entry as its ABI encoding", async () => {
    const account = HUB;
    const entry = { index: 1n, kind: 2n, account, timeMs: 3n, data: "0x1234" };
    const encoded = coder.encode(
      ["tuple(uint64,uint8,address,uint64,bytes)"],
      [[entry.index, entry.kind, account, entry.timeMs, entry.data]],
    );
    expect(await libraries.inboxHash(entry)).to.equal(keccak256(encoded));
  });
});

describe("ChannelLimits", () => {
  it("should be those of the nodes", async () => {
    expect([...(await libraries.limits())].map(Number)).to.deep.equal([
      MAX_TOUCHED_SLOTS,
      MAX_CALLDATA_BYTES,
      MAX_CALL_GAS,
      MAX_MEMBERS,
      MAX_MEMBER_ASSETS,
      CHUNK_CHANGES,
    ]);
  });
});

describe("ChannelSlots", () => {
  it("should be namespaces of ERC-7201, one each", async () => {
    const names = ["nonces", "sessions", "clock", "requests", "owned", "exits", "assets"];
    const expected = names.map((name) => {
      const inner = coder.encode(["uint256"], [BigInt(id(`sprf.channel.${name}`)) - 1n]);
      return `${keccak256(inner).slice(0, -2)}00`;
    });
    expect([...(await libraries.bases())]).to.deep.equal(expected);
    expect(expected).not.to.include(ZeroHash);
  });
});
