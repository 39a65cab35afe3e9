import { xdr } from "@stellar/stellar-sdk";

import { withSequence } from "../account.ts";
import type { OperationRules } from "./operation.ts";
import { sourceAccount } from "./operation.ts";

const result = (code: xdr.BumpSequenceResult): xdr.OperationResult =>
  xdr.OperationResult.opInner(xdr.OperationResultTr.bumpSequence(code));

/** Rules of `bumpSequence`: a bump backwards does nothing but renews the date of the sequence number (protocol 19). */
export function bumpSequenceRules(op: xdr.BumpSequenceOp): OperationRules {
  return {
    threshold: "low",
    check: () => (op.bumpTo < 0n ? result(xdr.BumpSequenceResult.bumpSequenceBadSeq()) : undefined),
    apply: (context) => {
      const { state } = context;
      const source = sourceAccount(context);
      const next = op.bumpTo > source.sequenceNumber ? op.bumpTo : source.sequenceNumber;
      state.put(withSequence(source, next, state.ledgerSequence, state.closeTime));
      return { ok: true, result: result(xdr.BumpSequenceResult.bumpSequenceSuccess()) };
    },
  };
}
