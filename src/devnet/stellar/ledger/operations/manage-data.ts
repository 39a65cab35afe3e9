import { xdr } from "@stellar/stellar-sdk";

import { latin1 } from "../account-xdr.ts";
import { releaseSubentry, reserveSubentry } from "../sponsorship.ts";
import type { OperationContext, OperationOutcome, OperationRules } from "./operation.ts";
import { failed, isLedgerString, sourceAccount } from "./operation.ts";

const result = (code: xdr.ManageDataResult): xdr.OperationResult =>
  xdr.OperationResult.opInner(xdr.OperationResultTr.manageData(code));

const success = (): OperationOutcome => ({ ok: true, result: result(xdr.ManageDataResult.manageDataSuccess()) });

/** Rules of `manageData` (stellar-core, `ManageDataOpFrame`). */
export function manageDataRules(op: xdr.ManageDataOp): OperationRules {
  const name = latin1(op.dataName.bytes);
  return {
    threshold: "medium",
    check: () =>
      name === "" || !isLedgerString(name) ? result(xdr.ManageDataResult.manageDataInvalidName()) : undefined,
    apply: (context) => (op.dataValue === null ? remove(context, name) : set(context, name, op.dataValue.value)),
  };
}

function set(context: OperationContext, name: string, value: Uint8Array): OperationOutcome {
  const { state, sourceId } = context;
  const existing = state.data(sourceId, name);
  if (existing !== undefined) {
    state.put({ ...existing, value });
    return success();
  }
  const reserved = reserveSubentry(context, sourceAccount(context));
  if (reserved === "lowReserve") return failed(result(xdr.ManageDataResult.manageDataLowReserve()));
  if (reserved === "tooManySubentries") return failed(xdr.OperationResult.opTooManySubentries());
  state.put({ kind: "data", accountId: sourceId, name, value, sponsor: reserved.sponsor, lastModifiedLedger: 0 });
  return success();
}

function remove({ state, sourceId }: OperationContext, name: string): OperationOutcome {
  const existing = state.data(sourceId, name);
  if (existing === undefined) return failed(result(xdr.ManageDataResult.manageDataNameNotFound()));
  state.removeData(sourceId, name);
  releaseSubentry(state, sourceId, existing.sponsor);
  return success();
}
