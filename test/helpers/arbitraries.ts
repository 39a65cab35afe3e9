import { Keypair } from "@stellar/stellar-sdk";
import fc from "fast-check";
import { CID } from "multiformats/cid";
import { create as createDigest } from "multiformats/hashes/digest";

const RAW = 0x55;
const DAG_PB = 0x70;
const DAG_CBOR = 0x71;
const SHA2_256 = 0x12;
const MAX_UINT64 = 2n ** 64n - 1n;

/** Bytes of one length. */
export const bytesArbitrary = (length: number): fc.Arbitrary<Uint8Array<ArrayBuffer>> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => new Uint8Array(bytes));

/** A CIDv1 in base32, of any of the codecs in use. */
export const cidArbitrary: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom(RAW, DAG_PB, DAG_CBOR), bytesArbitrary(32))
  .map(([codec, hash]) => CID.createV1(codec, createDigest(SHA2_256, hash)).toString());

/** The CID of a record. */
export const recordCidArbitrary: fc.Arbitrary<string> = bytesArbitrary(32).map((hash) =>
  CID.createV1(DAG_CBOR, createDigest(SHA2_256, hash)).toString(),
);

/** A key pair of the ledger. */
export const keypairArbitrary: fc.Arbitrary<Keypair> = bytesArbitrary(32).map((seed) =>
  Keypair.fromRawEd25519Seed(Buffer.from(seed)),
);

/** `G...` */
export const addressArbitrary: fc.Arbitrary<string> = keypairArbitrary.map((key) => key.publicKey());

/** An unsigned 64-bit integer, small ones and the edges among them. */
export const uint64Arbitrary: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0n, max: MAX_UINT64 }),
  fc.constantFrom(0n, 1n, 23n, 24n, 2n ** 53n - 1n, 2n ** 53n, MAX_UINT64),
);
