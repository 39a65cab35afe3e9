import type { SmartAccount } from "../program/smart-account.ts";
import { differenceOf, modelOf } from "./account-model.ts";
import { fault, unlessEqual, type AuditFault } from "./fault.ts";
import type { HistoryState } from "./history-state.ts";

/**
 * Whether the account is now what its history makes it.
 *
 * @param skipped how many transactions of the account landed and failed after the last record
 */
export function verifyTip(account: SmartAccount, last: HistoryState, skipped: number): readonly AuditFault[] {
  const { image, baseFeeStroops, gasPriceStroops, owner, workers } = account;
  const now = modelOf({ image, baseFeeStroops, gasPriceStroops, owner, workers }, account.state);
  const difference = differenceOf(now, modelOf(last.terms, last.state));
  return [
    ...(difference === undefined ? [] : [fault("ACCOUNT_MISMATCH", difference)]),
    ...(last.sequence === undefined
      ? []
      : unlessEqual("SEQUENCE_GAP", account.sequence, last.sequence + BigInt(skipped))),
  ];
}
