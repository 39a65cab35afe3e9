import { xdr } from "@stellar/stellar-sdk";

import { availableBalance, newAccount } from "../account.ts";
import type { AccountId } from "../account.ts";
import { accountIdFromXdr } from "../account-xdr.ts";
import { startingSequenceNumber } from "../parameters.ts";
import { ACCOUNT_RESERVES, canReserve, withSponsored, withSponsoring } from "../sponsorship.ts";
import type { OperationContext, OperationOutcome, OperationRules } from "./operation.ts";
import { failed, sourceAccount } from "./operation.ts";

const result = (code: xdr.CreateAccountResult): xdr.OperationResult =>
  xdr.OperationResult.opInner(xdr.OperationResultTr.createAccount(code));

/** Rules of `createAccount` (stellar-core, `CreateAccountOpFrame`, from protocol 14). */
export function createAccountRules(op: xdr.CreateAccountOp, sourceId: AccountId): OperationRules {
  const destinationId = accountIdFromXdr(op.destination);
  return {
    threshold: "medium",
    check: () =>
      op.startingBalance < 0n || destinationId === sourceId
        ? result(xdr.CreateAccountResult.createAccountMalformed())
        : undefined,
    apply: (context) => apply(context, destinationId, op.startingBalance),
  };
}

function apply(context: OperationContext, destinationId: AccountId, startingBalance: bigint): OperationOutcome {
  const { state, parameters, sponsorships } = context;
  if (state.account(destinationId) !== undefined) {
    return failed(result(xdr.CreateAccountResult.createAccountAlreadyExist()));
  }
  let created = newAccount(destinationId, startingBalance, startingSequenceNumber(state.ledgerSequence));
  const sponsorId = sponsorships.get(destinationId);
  if (sponsorId === undefined) {
    if (startingBalance < BigInt(ACCOUNT_RESERVES) * parameters.baseReserveStroops) {
      return failed(result(xdr.CreateAccountResult.createAccountLowReserve()));
    }
  } else {
    const sponsor = state.account(sponsorId);
    if (sponsor === undefined || !canReserve(sponsor, ACCOUNT_RESERVES, parameters)) {
      return failed(result(xdr.CreateAccountResult.createAccountLowReserve()));
    }
    state.put(withSponsoring(sponsor, ACCOUNT_RESERVES));
    created = { ...withSponsored(created, ACCOUNT_RESERVES), sponsor: sponsorId };
  }
  const source = sourceAccount(context);
  if (availableBalance(source, parameters) < startingBalance) {
    return failed(result(xdr.CreateAccountResult.createAccountUnderfunded()));
  }
  state.put({ ...source, balanceStroops: source.balanceStroops - startingBalance });
  state.put(created);
  return { ok: true, result: result(xdr.CreateAccountResult.createAccountSuccess()) };
}
