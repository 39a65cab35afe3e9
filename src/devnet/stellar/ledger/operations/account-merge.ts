import { xdr } from "@stellar/stellar-sdk";

import type { AccountId } from "../account.ts";
import { AUTH_IMMUTABLE, credited } from "../account.ts";
import { accountIdFromMuxed } from "../account-xdr.ts";
import { startingSequenceNumber } from "../parameters.ts";
import { ACCOUNT_RESERVES, releaseSponsor } from "../sponsorship.ts";
import type { OperationContext, OperationOutcome, OperationRules } from "./operation.ts";
import { failed, sourceAccount } from "./operation.ts";
import { removeSigner } from "./set-signer.ts";

const result = (code: xdr.AccountMergeResult): xdr.OperationResult =>
  xdr.OperationResult.opInner(xdr.OperationResultTr.accountMerge(code));

/** Rules of `accountMerge` (stellar-core, `MergeOpFrame`, from protocol 16). */
export function accountMergeRules(destination: xdr.MuxedAccount, sourceId: AccountId): OperationRules {
  const destinationId = accountIdFromMuxed(destination);
  return {
    threshold: "high",
    check: () => (destinationId === sourceId ? result(xdr.AccountMergeResult.accountMergeMalformed()) : undefined),
    apply: (context) => apply(context, destinationId),
  };
}

function apply(context: OperationContext, destinationId: AccountId): OperationOutcome {
  const { state, sourceId } = context;
  if (state.account(destinationId) === undefined) {
    return failed(result(xdr.AccountMergeResult.accountMergeNoAccount()));
  }
  const source = sourceAccount(context);
  const refusal = refuse(context);
  if (refusal !== undefined) return failed(result(refusal));
  for (const { key } of source.signers) removeSigner(state, sourceId, key);
  // Removing sponsored signers may have changed the destination, when that is their sponsor.
  const destination = state.account(destinationId);
  const paid = destination === undefined ? undefined : credited(destination, source.balanceStroops);
  if (paid === undefined) return failed(result(xdr.AccountMergeResult.accountMergeDestFull()));
  state.put(paid);
  releaseSponsor(state, source.sponsor, ACCOUNT_RESERVES);
  state.removeAccount(sourceId);
  return { ok: true, result: result(xdr.AccountMergeResult.accountMergeSuccess(source.balanceStroops)) };
}

function refuse(context: OperationContext): xdr.AccountMergeResult | undefined {
  const { state, sponsorships, sourceId } = context;
  const source = sourceAccount(context);
  if ((source.flags & AUTH_IMMUTABLE) !== 0) return xdr.AccountMergeResult.accountMergeImmutableSet();
  if (source.subentryCount !== source.signers.length) return xdr.AccountMergeResult.accountMergeHasSubEntries();
  // Neither its number nor one that waits in this ledger may come again when the account is made anew.
  const highest = state.highestNumbers.get(sourceId) ?? source.sequenceNumber;
  const beyond = startingSequenceNumber(state.ledgerSequence);
  if (source.sequenceNumber >= beyond || highest >= beyond) return xdr.AccountMergeResult.accountMergeSeqnumTooFar();
  const sponsorsNow = [...sponsorships.values()].includes(sourceId);
  if (source.sponsoringCount > 0 || sponsorsNow) return xdr.AccountMergeResult.accountMergeIsSponsor();
  return undefined;
}
