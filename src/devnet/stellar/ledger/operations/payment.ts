import { xdr } from "@stellar/stellar-sdk";

import { availableBalance, credited } from "../account.ts";
import type { AccountId } from "../account.ts";
import { accountIdFromMuxed, accountIdFromXdr } from "../account-xdr.ts";
import type { OperationContext, OperationOutcome, OperationRules } from "./operation.ts";
import { failed, sourceAccount } from "./operation.ts";

const result = (code: xdr.PaymentResult): xdr.OperationResult =>
  xdr.OperationResult.opInner(xdr.OperationResultTr.payment(code));

/**
 * Rules of `payment` (stellar-core, `PaymentOpFrame`). This ledger has no trust lines, so a credit asset moves only from
 * and to its issuer.
 */
export function paymentRules(op: xdr.PaymentOp): OperationRules {
  return {
    threshold: "medium",
    check: () =>
      op.amount <= 0n || !isAssetValid(op.asset) ? result(xdr.PaymentResult.paymentMalformed()) : undefined,
    apply: (context) => apply(context, op),
  };
}

function apply(context: OperationContext, op: xdr.PaymentOp): OperationOutcome {
  const { state, parameters, sourceId } = context;
  const destinationId = accountIdFromMuxed(op.destination);
  if (op.asset.type !== "assetTypeNative")
    return payCredit(context, destinationId, accountIdFromXdr(op.asset.value.issuer));
  // A payment to itself succeeds whatever the amount.
  if (destinationId === sourceId) return { ok: true, result: result(xdr.PaymentResult.paymentSuccess()) };
  const destination = state.account(destinationId);
  if (destination === undefined) return failed(result(xdr.PaymentResult.paymentNoDestination()));
  const paid = credited(destination, op.amount);
  if (paid === undefined) return failed(result(xdr.PaymentResult.paymentLineFull()));
  const source = sourceAccount(context);
  if (op.amount > availableBalance(source, parameters)) {
    return failed(result(xdr.PaymentResult.paymentUnderfunded()));
  }
  state.put(paid);
  state.put({ ...source, balanceStroops: source.balanceStroops - op.amount });
  return { ok: true, result: result(xdr.PaymentResult.paymentSuccess()) };
}

function payCredit(
  { state, sourceId }: OperationContext,
  destinationId: AccountId,
  issuerId: AccountId,
): OperationOutcome {
  if (destinationId !== issuerId) {
    const missing = state.account(destinationId) === undefined;
    return failed(result(missing ? xdr.PaymentResult.paymentNoDestination() : xdr.PaymentResult.paymentNoTrust()));
  }
  if (sourceId !== issuerId) return failed(result(xdr.PaymentResult.paymentSrcNoTrust()));
  return { ok: true, result: result(xdr.PaymentResult.paymentSuccess()) };
}

/** An asset code is letters and digits, zero-padded, and a long code really needs more than four. */
function isAssetValid(asset: xdr.Asset): boolean {
  if (asset.type === "assetTypeNative") return true;
  const code = Buffer.from(asset.value.assetCode.value).toString("latin1");
  return asset.type === "assetTypeCreditAlphanum4"
    ? /^[a-zA-Z0-9]{1,4}\0*$/.test(code)
    : /^[a-zA-Z0-9]{5,12}\0*$/.test(code);
}
