import { xdr } from "@stellar/stellar-sdk";

import { recordKeyToXdr, recordToXdr } from "./account-xdr.ts";
import { sha256, toHex } from "./hashing.ts";
import type { RecordChange } from "./ledger-state.ts";
import type { LedgerParameters } from "./parameters.ts";
import { TOTAL_COINS_STROOPS } from "./parameters.ts";

const ZERO_HASH = new Uint8Array(32);

/** A closed ledger's header with its hash. */
export interface LedgerHeader {
  readonly sequence: number;
  /** Seconds since 1970. */
  readonly closeTime: bigint;
  /** Lower-case hex. */
  readonly hash: string;
  readonly header: xdr.LedgerHeader;
}

export interface HeaderInput {
  readonly sequence: number;
  readonly closeTime: bigint;
  readonly previous: LedgerHeader | undefined;
  readonly transactionSetHash: Uint8Array;
  readonly results: readonly { readonly hash: Uint8Array; readonly result: xdr.TransactionResult }[];
  readonly changes: readonly RecordChange[];
  readonly feePoolStroops: bigint;
}

/**
 * Builds the header of a ledger. Every field is what stellar-core would have but two: `bucketListHash` is a running hash
 * over all changed entries instead of a bucket list's, and the skip list stays zero.
 */
export function buildHeader(input: HeaderInput, parameters: LedgerParameters): LedgerHeader {
  const { previous } = input;
  const header = new xdr.LedgerHeader({
    ledgerVersion: parameters.protocolVersion,
    previousLedgerHash: previous === undefined ? ZERO_HASH : Buffer.from(previous.hash, "hex"),
    scpValue: new xdr.StellarValue({
      txSetHash: input.transactionSetHash,
      closeTime: input.closeTime,
      upgrades: [],
      ext: xdr.StellarValueExt.stellarValueBasic(),
    }),
    txSetResultHash: resultSetHash(input.results),
    bucketListHash: stateHash(previous?.header.bucketListHash.value ?? ZERO_HASH, input.changes),
    ledgerSeq: input.sequence,
    totalCoins: TOTAL_COINS_STROOPS,
    feePool: input.feePoolStroops,
    inflationSeq: 0,
    idPool: 0n,
    baseFee: Number(parameters.baseFeeStroops),
    baseReserve: Number(parameters.baseReserveStroops),
    maxTxSetSize: parameters.maxOperationsPerLedger,
    skipList: [ZERO_HASH, ZERO_HASH, ZERO_HASH, ZERO_HASH],
    ext: xdr.LedgerHeaderExt.v0(),
  });
  return withHash(header);
}

/** A header with its hash: sha256 of its XDR. */
export function withHash(header: xdr.LedgerHeader): LedgerHeader {
  return {
    sequence: header.ledgerSeq,
    closeTime: header.scpValue.closeTime,
    hash: toHex(sha256(header.toXdr())),
    header,
  };
}

function resultSetHash(results: HeaderInput["results"]): Uint8Array {
  const set = new xdr.TransactionResultSet({
    results: results.map(({ hash, result }) => new xdr.TransactionResultPair({ transactionHash: hash, result })),
  });
  return sha256(set.toXdr());
}

function stateHash(before: Uint8Array, changes: readonly RecordChange[]): Uint8Array {
  if (changes.length === 0) return before;
  const parts = changes.map(({ before: old, after }) => {
    if (after !== undefined) return recordToXdr(after).toXdr();
    return old === undefined ? new Uint8Array() : recordKeyToXdr(old).toXdr();
  });
  return sha256(before, ...parts.sort((a, b) => Buffer.compare(a, b)));
}
