import { xdr } from "@stellar/stellar-sdk";

import { fromHex } from "./hashing.ts";

/** Result codes without results of operations. */
export type BareCode =
  | "txTooEarly"
  | "txTooLate"
  | "txMissingOperation"
  | "txBadSeq"
  | "txBadAuth"
  | "txInsufficientBalance"
  | "txNoAccount"
  | "txInsufficientFee"
  | "txBadAuthExtra"
  | "txBadSponsorship"
  | "txBadMinSeqAgeOrGap"
  | "txMalformed";

/** What became of a plain transaction. */
export type Verdict =
  | { readonly code: BareCode }
  | { readonly code: "txSuccess" | "txFailed"; readonly operations: readonly xdr.OperationResult[] };

/** The result of a plain transaction in XDR. */
export function plainResult(feeChargedStroops: bigint, verdict: Verdict): xdr.TransactionResult {
  return new xdr.TransactionResult({
    feeCharged: feeChargedStroops,
    result:
      "operations" in verdict
        ? xdr.TransactionResultResult[verdict.code]([...verdict.operations])
        : xdr.TransactionResultResult[verdict.code](),
    ext: xdr.TransactionResultExt.v0(),
  });
}

/** The result of a fee bump whose inner transaction was looked at, in XDR. */
export function feeBumpResult(
  feeChargedStroops: bigint,
  inner: { readonly hash: string; readonly feeChargedStroops: bigint; readonly verdict: Verdict },
): xdr.TransactionResult {
  const { verdict } = inner;
  const pair = new xdr.InnerTransactionResultPair({
    transactionHash: fromHex(inner.hash),
    result: new xdr.InnerTransactionResult({
      feeCharged: inner.feeChargedStroops,
      result:
        "operations" in verdict
          ? xdr.InnerTransactionResultResult[verdict.code]([...verdict.operations])
          : xdr.InnerTransactionResultResult[verdict.code](),
      ext: xdr.InnerTransactionResultExt.v0(),
    }),
  });
  return new xdr.TransactionResult({
    feeCharged: feeChargedStroops,
    result:
      verdict.code === "txSuccess"
        ? xdr.TransactionResultResult.txFeeBumpInnerSuccess(pair)
        : xdr.TransactionResultResult.txFeeBumpInnerFailed(pair),
    ext: xdr.TransactionResultExt.v0(),
  });
}

/** Whether the transaction, or what a fee bump wraps, took effect. */
export function isSuccess(result: xdr.TransactionResult): boolean {
  return result.result.type === "txSuccess" || result.result.type === "txFeeBumpInnerSuccess";
}

/** Longest success result of an operation that has not run. */
const MAX_EMPTY_RESULT_BYTES = 128;

const emptyResults = new Map<number, xdr.OperationResult>();

/**
 * The result that an operation carries before it has been looked at: success with everything zero, as stellar-core leaves
 * it behind the first bad operation of a refused transaction.
 */
export function untouchedResult(body: xdr.OperationBody): xdr.OperationResult {
  const type = body.toXdrObject().type;
  let result = emptyResults.get(type);
  if (result === undefined) {
    result = readZeroes(type);
    emptyResults.set(type, result);
  }
  return result;
}

function readZeroes(type: number): xdr.OperationResult {
  for (let length = 12; length <= MAX_EMPTY_RESULT_BYTES; length += 4) {
    const bytes = new Uint8Array(length);
    bytes[7] = type;
    if (xdr.OperationResult.validateXdr(bytes)) return xdr.OperationResult.fromXdr(bytes);
  }
  return xdr.OperationResult.opNotSupported();
}
