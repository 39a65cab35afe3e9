import { signDigest, recoverSigner } from "../../utils/recoverable-signature.ts";
import { digestOf, type ChannelDomain } from "./domain.ts";
import { typeHashOf } from "./type-hashes.ts";
import { createWords } from "./words.ts";

/** What a leader signs for a run of records. */
export interface Batch {
  readonly channel: bigint;
  readonly term: number;
  /** Heights, both within. */
  readonly first: number;
  readonly last: number;
  /** Merkle root over the records' hashes. */
  readonly recordsRoot: Uint8Array;
}

/** "I executed all to `height`, came to the same, and keep it; and I hold a certificate for `certified`", 0 for none. */
export interface Ack {
  readonly channel: bigint;
  readonly term: number;
  readonly height: number;
  readonly recordHash: Uint8Array;
  readonly certified: number;
}

/** A member's ack with its signature. */
export interface SignedAck {
  readonly certified: number;
  readonly signature: Uint8Array;
}

/** Acks of a quorum for one record: it certifies all heights up to it. */
export interface Certificate {
  readonly term: number;
  readonly height: number;
  readonly recordHash: Uint8Array;
  readonly acks: readonly SignedAck[];
}

const BATCH_TYPE_HASH = typeHashOf("Batch");
const ACK_TYPE_HASH = typeHashOf("Ack");
const words = createWords(6);

export function hashBatch(batch: Batch): Uint8Array {
  return words
    .begin()
    .bytes32(BATCH_TYPE_HASH)
    .uint(batch.channel)
    .number(batch.term)
    .number(batch.first)
    .number(batch.last)
    .bytes32(batch.recordsRoot)
    .hash();
}

export function hashAck(ack: Ack): Uint8Array {
  return words
    .begin()
    .bytes32(ACK_TYPE_HASH)
    .uint(ack.channel)
    .number(ack.term)
    .number(ack.height)
    .bytes32(ack.recordHash)
    .number(ack.certified)
    .hash();
}

export function signBatch(domain: ChannelDomain, batch: Batch, signerKey: Uint8Array): Uint8Array {
  return signDigest(digestOf(domain, hashBatch(batch)), signerKey);
}

/** The signer of a batch; undefined for what is no signature. */
export function recoverBatch(domain: ChannelDomain, batch: Batch, signature: Uint8Array): string | undefined {
  return recoverSigner(digestOf(domain, hashBatch(batch)), signature);
}

export function signAck(domain: ChannelDomain, ack: Ack, signerKey: Uint8Array): Uint8Array {
  return signDigest(digestOf(domain, hashAck(ack)), signerKey);
}

/** The signer of an ack; undefined for what is no signature. */
export function recoverAck(domain: ChannelDomain, ack: Ack, signature: Uint8Array): string | undefined {
  return recoverSigner(digestOf(domain, hashAck(ack)), signature);
}

/** What each signer of a certificate holds; undefined when an ack is none, or of one who is there already. */
export function recoverCertificate(
  domain: ChannelDomain,
  channel: bigint,
  { term, height, recordHash, acks }: Certificate,
): ReadonlyMap<string, number> | undefined {
  const signers = new Map<string, number>();
  for (const { certified, signature } of acks) {
    const signer = recoverAck(domain, { channel, term, height, recordHash, certified }, signature);
    if (signer === undefined || signers.has(signer)) return undefined;
    signers.set(signer, certified);
  }
  return signers;
}
