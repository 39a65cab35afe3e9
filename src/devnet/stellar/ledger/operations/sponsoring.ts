import { xdr } from "@stellar/stellar-sdk";

import type { AccountId } from "../account.ts";
import { accountIdFromXdr } from "../account-xdr.ts";
import type { OperationRules } from "./operation.ts";
import { failed } from "./operation.ts";

const begun = (code: xdr.BeginSponsoringFutureReservesResult): xdr.OperationResult =>
  xdr.OperationResult.opInner(xdr.OperationResultTr.beginSponsoringFutureReserves(code));

const ended = (code: xdr.EndSponsoringFutureReservesResult): xdr.OperationResult =>
  xdr.OperationResult.opInner(xdr.OperationResultTr.endSponsoringFutureReserves(code));

/** Rules of `beginSponsoringFutureReserves` (CAP-33): the source pays reserves of the named account until it ends. */
export function beginSponsoringRules(op: xdr.BeginSponsoringFutureReservesOp, sourceId: AccountId): OperationRules {
  const sponsoredId = accountIdFromXdr(op.sponsoredId);
  const Result = xdr.BeginSponsoringFutureReservesResult;
  return {
    threshold: "medium",
    check: () => (sponsoredId === sourceId ? begun(Result.beginSponsoringFutureReservesMalformed()) : undefined),
    apply: ({ sponsorships }) => {
      if (sponsorships.has(sponsoredId)) return failed(begun(Result.beginSponsoringFutureReservesAlreadySponsored()));
      if (sponsorships.has(sourceId) || [...sponsorships.values()].includes(sponsoredId)) {
        return failed(begun(Result.beginSponsoringFutureReservesRecursive()));
      }
      sponsorships.set(sponsoredId, sourceId);
      return { ok: true, result: begun(Result.beginSponsoringFutureReservesSuccess()) };
    },
  };
}

/** Rules of `endSponsoringFutureReserves`: the sponsored account closes what was begun for it. */
export function endSponsoringRules(sourceId: AccountId): OperationRules {
  const Result = xdr.EndSponsoringFutureReservesResult;
  return {
    threshold: "medium",
    check: () => undefined,
    apply: ({ sponsorships }) =>
      sponsorships.delete(sourceId)
        ? { ok: true, result: ended(Result.endSponsoringFutureReservesSuccess()) }
        : failed(ended(Result.endSponsoringFutureReservesNotSponsored())),
  };
}
