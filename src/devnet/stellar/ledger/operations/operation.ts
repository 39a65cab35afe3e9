import type { xdr } from "@stellar/stellar-sdk";

import { SprfError } from "../../../../errors.ts";
import type { AccountId, Thresholds } from "../account.ts";
import type { LedgerState } from "../ledger-state.ts";
import type { LedgerParameters } from "../parameters.ts";

export type ThresholdLevel = Exclude<keyof Thresholds, "master">;

/** What an operation may see and change while its transaction is applied. */
export interface OperationContext {
  readonly state: LedgerState;
  readonly parameters: LedgerParameters;
  readonly sourceId: AccountId;
  /** Open sponsorships of this transaction: sponsored account -> sponsor (CAP-33). */
  readonly sponsorships: Map<AccountId, AccountId>;
}

/** Result of one operation; `ok` tells whether its effects stand. */
export interface OperationOutcome {
  readonly ok: boolean;
  readonly result: xdr.OperationResult;
}

/** The rules of one kind of operation. */
export interface OperationRules {
  /** Which of the source account's thresholds its signatures must reach. */
  readonly threshold: ThresholdLevel;
  /** Looks at the operation alone; the failure, or undefined when it is well formed. */
  check(): xdr.OperationResult | undefined;
  apply(context: OperationContext): OperationOutcome;
}

/** A failure code that every operation knows, in the form of an outcome. */
export function failed(result: xdr.OperationResult): OperationOutcome {
  return { ok: false, result };
}

/** Whether a ledger string has printable ASCII characters only (stellar-core, `isStringValid`). */
export function isLedgerString(latin1: string): boolean {
  return /^[\x20-\x7e]*$/.test(latin1);
}

/** The source of an operation, which exists because signatures and existence were checked before. */
export function sourceAccount({ state, sourceId }: OperationContext) {
  const account = state.account(sourceId);
  if (account === undefined)
    throw new SprfError("INTERNAL", `operation source ${sourceId} vanished while its operation ran`);
  return account;
}
