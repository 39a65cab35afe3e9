import type { TransactionOperation } from "../transaction.ts";
import { accountMergeRules } from "./account-merge.ts";
import { bumpSequenceRules } from "./bump-sequence.ts";
import { createAccountRules } from "./create-account.ts";
import { manageDataRules } from "./manage-data.ts";
import type { OperationRules } from "./operation.ts";
import { paymentRules } from "./payment.ts";
import { revokeSponsorshipRules } from "./revoke-sponsorship.ts";
import { setOptionsRules } from "./set-options.ts";
import { beginSponsoringRules, endSponsoringRules } from "./sponsoring.ts";

/** The rules for an operation, or undefined for kinds that this ledger answers with `op_not_supported`. */
export function rulesOf({ body, sourceId }: TransactionOperation): OperationRules | undefined {
  switch (body.type) {
    case "createAccount":
      return createAccountRules(body.createAccountOp, sourceId);
    case "payment":
      return paymentRules(body.paymentOp);
    case "setOptions":
      return setOptionsRules(body.setOptionsOp, sourceId);
    case "accountMerge":
      return accountMergeRules(body.destination, sourceId);
    case "manageData":
      return manageDataRules(body.manageDataOp);
    case "bumpSequence":
      return bumpSequenceRules(body.bumpSequenceOp);
    case "beginSponsoringFutureReserves":
      return beginSponsoringRules(body.beginSponsoringFutureReservesOp, sourceId);
    case "endSponsoringFutureReserves":
      return endSponsoringRules(sourceId);
    case "revokeSponsorship":
      return revokeSponsorshipRules(body.revokeSponsorshipOp);
    default:
      return undefined;
  }
}
