import type { SmartAccount } from "../program/smart-account.ts";
import { differenceOf, modelOf, modelOfSnapshot } from "./account-model.ts";
import { fault, unlessEqual, type AuditFault } from "./fault.ts";
import type { HistoryContext, HistoryState } from "./history-state.ts";
import { verifyRecovery, type RecoveryLink } from "./verify-recovery.ts";

/**
 * Whether the account is now what its history makes it.
 *
 * @param end how many transactions of the account landed and failed after the last record, and whether its owner recovered it
 */
export function verifyTip(
  account: SmartAccount,
  last: HistoryState,
  end: { readonly skipped: number; readonly recovered?: RecoveryLink | undefined },
  context: HistoryContext,
): readonly AuditFault[] {
  const now = modelOfSnapshot(account.snapshot);
  if (end.recovered !== undefined) {
    const { faults, after } = verifyRecovery(last, end.recovered, context);
    const difference = after === undefined ? undefined : differenceOf(now, after.model);
    return [...faults, ...(difference === undefined ? [] : [fault("ACCOUNT_MISMATCH", difference)])];
  }
  const difference = differenceOf(now, modelOf(last.terms, last.state));
  return [
    ...(difference === undefined ? [] : [fault("ACCOUNT_MISMATCH", difference)]),
    ...(last.sequence === undefined
      ? []
      : unlessEqual("SEQUENCE_GAP", account.sequence, last.sequence + BigInt(end.skipped))),
  ];
}
