import { xdr } from "@stellar/stellar-sdk";

import type { AccountId } from "./account.ts";
import { accountIdFromMuxed } from "./account-xdr.ts";
import { sha256, sha256Hex, toHex } from "./hashing.ts";
import type { EnvelopeSignature } from "./signature-checker.ts";
import type { SignerKey } from "./signer-key.ts";
import { signerKeyFromXdr } from "./signer-key.ts";

/** What makes a transaction valid only for a while; 0 or undefined means no bound (CAP-21). */
export interface Preconditions {
  readonly minTime: bigint;
  readonly maxTime: bigint;
  readonly minLedger: number;
  readonly maxLedger: number;
  readonly minSequenceNumber: bigint | undefined;
  readonly minSequenceAge: bigint;
  readonly minSequenceLedgerGap: number;
  readonly extraSigners: readonly SignerKey[];
}

export interface TransactionOperation {
  /** The operation's own source or else the transaction's. */
  readonly sourceId: AccountId;
  readonly hasOwnSource: boolean;
  readonly body: xdr.OperationBody;
}

interface Envelope {
  /** Transaction hash: what is signed, and under which the transaction is found. */
  readonly hash: string;
  readonly contentsHash: Uint8Array;
  /** Hash of the whole envelope, signatures included. */
  readonly envelopeHash: string;
  readonly envelopeBytes: Uint8Array;
  readonly signatures: readonly EnvelopeSignature[];
  readonly feeBidStroops: bigint;
}

export interface PlainTransaction extends Envelope {
  readonly kind: "plain";
  readonly sourceId: AccountId;
  readonly sequenceNumber: bigint;
  readonly preconditions: Preconditions;
  readonly operations: readonly TransactionOperation[];
}

export interface FeeBumpTransaction extends Envelope {
  readonly kind: "feeBump";
  readonly feeSourceId: AccountId;
  readonly inner: PlainTransaction;
}

/** A decoded envelope; an envelope of version 0 has become the equal one of version 1. */
export type LedgerTransaction = PlainTransaction | FeeBumpTransaction;

/** Bytes that an envelope may have at most; the largest classic one is below 120 kB. */
export const MAX_ENVELOPE_BYTES = 128 * 1024;

/** The transaction that carries operations and sequence number: itself, or what a fee bump wraps. */
export function innerOf(tx: LedgerTransaction): PlainTransaction {
  return tx.kind === "plain" ? tx : tx.inner;
}

/** Whether the transaction wants its account's sequence number to have a certain age (CAP-21). */
export function waitsForAge(tx: LedgerTransaction): boolean {
  const { minSequenceAge, minSequenceLedgerGap } = innerOf(tx).preconditions;
  return minSequenceAge > 0n || minSequenceLedgerGap > 0;
}

/** The account that pays the fee. */
export function feeSourceOf(tx: LedgerTransaction): AccountId {
  return tx.kind === "plain" ? tx.sourceId : tx.feeSourceId;
}

/** Operations for which a fee is due; a fee bump counts as one more. */
export function feeOperationCount(tx: LedgerTransaction): number {
  return tx.kind === "plain" ? tx.operations.length : tx.inner.operations.length + 1;
}

/** The network's id, which every signature covers. */
export function networkId(passphrase: string): Uint8Array {
  return sha256(Buffer.from(passphrase, "utf8"));
}

/**
 * Decodes an envelope from base64 XDR.
 *
 * @throws whatever the XDR reader throws when the bytes are no envelope; nothing has been checked beyond the form.
 */
export function decodeTransaction(envelopeXdr: string, network: Uint8Array): LedgerTransaction {
  return fromEnvelope(xdr.TransactionEnvelope.fromXdr(envelopeXdr, "base64"), network);
}

function fromEnvelope(envelope: xdr.TransactionEnvelope, network: Uint8Array): LedgerTransaction {
  switch (envelope.type) {
    case "envelopeTypeTxV0":
      return plain(upgrade(envelope.v0), network);
    case "envelopeTypeTx":
      return plain(envelope.v1, network);
    case "envelopeTypeTxFeeBump": {
      const { tx } = envelope.feeBump;
      return {
        kind: "feeBump",
        ...common(envelope, contentsHash(network, 5, tx.toXdr()), envelope.feeBump.signatures),
        feeBidStroops: tx.fee,
        feeSourceId: accountIdFromMuxed(tx.feeSource),
        inner: plain(tx.innerTx.v1, network),
      };
    }
  }
}

function plain(v1: xdr.TransactionV1Envelope, network: Uint8Array): PlainTransaction {
  const { tx } = v1;
  const sourceId = accountIdFromMuxed(tx.sourceAccount);
  return {
    kind: "plain",
    ...common(xdr.TransactionEnvelope.envelopeTypeTx(v1), contentsHash(network, 2, tx.toXdr()), v1.signatures),
    feeBidStroops: BigInt(tx.fee),
    sourceId,
    sequenceNumber: tx.seqNum,
    preconditions: preconditionsOf(tx.cond),
    operations: tx.operations.map(({ sourceAccount, body }) => ({
      sourceId: sourceAccount === null ? sourceId : accountIdFromMuxed(sourceAccount),
      hasOwnSource: sourceAccount !== null,
      body,
    })),
  };
}

function common(
  envelope: xdr.TransactionEnvelope,
  hash: Uint8Array,
  signatures: readonly xdr.DecoratedSignature[],
): Omit<Envelope, "feeBidStroops"> {
  const envelopeBytes = envelope.toXdr();
  return {
    hash: toHex(hash),
    contentsHash: hash,
    envelopeHash: sha256Hex(envelopeBytes),
    envelopeBytes,
    signatures: signatures.map(({ hint, signature }) => ({ hint: toHex(hint.value), signature: signature.value })),
  };
}

function contentsHash(network: Uint8Array, envelopeType: number, txBytes: Uint8Array): Uint8Array {
  return sha256(network, Uint8Array.of(0, 0, 0, envelopeType), txBytes);
}

function upgrade({ tx, signatures }: xdr.TransactionV0Envelope): xdr.TransactionV1Envelope {
  return new xdr.TransactionV1Envelope({
    tx: new xdr.Transaction({
      sourceAccount: xdr.MuxedAccount.keyTypeEd25519(tx.sourceAccountEd25519),
      fee: tx.fee,
      seqNum: tx.seqNum,
      cond: tx.timeBounds === null ? xdr.Preconditions.precondNone() : xdr.Preconditions.precondTime(tx.timeBounds),
      memo: tx.memo,
      operations: tx.operations,
      ext: xdr.TransactionExt.v0(),
    }),
    signatures,
  });
}

function preconditionsOf(cond: xdr.Preconditions): Preconditions {
  const v2 = cond.type === "precondV2" ? cond.v2 : undefined;
  const timeBounds = cond.type === "precondTime" ? cond.timeBounds : v2?.timeBounds;
  return {
    minTime: timeBounds?.minTime ?? 0n,
    maxTime: timeBounds?.maxTime ?? 0n,
    minLedger: v2?.ledgerBounds?.minLedger ?? 0,
    maxLedger: v2?.ledgerBounds?.maxLedger ?? 0,
    minSequenceNumber: v2?.minSeqNum ?? undefined,
    minSequenceAge: v2?.minSeqAge ?? 0n,
    minSequenceLedgerGap: v2?.minSeqLedgerGap ?? 0,
    extraSigners: v2?.extraSigners.map(signerKeyFromXdr) ?? [],
  };
}
