import { memoHashOf } from "../program/envelope.ts";
import { isRecovery } from "../program/recovery.ts";
import { RECOVERED_WEIGHT } from "../program/smart-account.ts";
import { recordCidFromHash } from "../../wire/canonical.ts";
import { verifyChange } from "../../wire/change-request.ts";
import type { ProgramRecord } from "../../wire/record.ts";
import { isSprfError } from "../../errors.ts";
import { applyTransaction, differenceOf, modelOf, type AccountModel } from "./account-model.ts";
import { fault, type AuditFault } from "./fault.ts";
import type { HistoryContext, HistoryState } from "./history-state.ts";
import { readEnvelope } from "./read-envelope.ts";
import { verifySignatures } from "./verify-signatures.ts";

/** A recovery, as the record after it or the ledger names it. */
export interface RecoveryLink {
  readonly recordCid: string;
  readonly envelope: Uint8Array;
}

/** What an account is after its recovery; undefined where what is said to have been one cannot be read. */
export interface RecoveredAccount {
  readonly faults: readonly AuditFault[];
  readonly after?: { readonly model: AccountModel; readonly sequence: bigint; readonly owner: string };
}

/** Whether a majority handed the account to its owner, and did nothing else. */
export function verifyRecovery(
  before: HistoryState,
  { recordCid, envelope }: RecoveryLink,
  { network, program }: HistoryContext,
): RecoveredAccount {
  const landed = readEnvelope(envelope, network);
  const { owner } = before.terms;
  if (landed === undefined || landed.source !== program || !isRecovery(landed)) {
    return { faults: [fault("RECOVERY_INVALID", "it is no recovery of this account")] };
  }
  if (owner === undefined) return { faults: [fault("RECOVERY_INVALID", "the account has no owner")] };
  const memo = memoHashOf(landed);
  const isLinked = memo !== undefined && recordCidFromHash(memo) === recordCid;
  const own = modelOf(before.terms, before.state);
  const { model, payments, foreign } = applyTransaction(own, landed, program);
  const expected: AccountModel = {
    entries: own.entries,
    // One worker may have had to make room.
    signers: new Map([...[...own.signers].filter(([key]) => model.signers.has(key)), [owner, RECOVERED_WEIGHT]]),
    thresholds: [0, RECOVERED_WEIGHT, RECOVERED_WEIGHT, RECOVERED_WEIGHT],
  };
  const difference = foreign ?? differenceOf(model, expected) ?? (payments.length > 0 ? "it pays" : undefined);
  return {
    faults: [
      ...(isLinked ? [] : [fault("RECOVERY_INVALID", `its memo is not ${recordCid}`)]),
      ...(difference === undefined ? [] : [fault("RECOVERY_INVALID", difference)]),
      ...verifySignatures(landed, before.terms, undefined).faults,
    ],
    after: { model, sequence: BigInt(landed.sequence), owner },
  };
}

/** Whether a recovery's record is that of one which the account's owner asked for. */
export function verifyRecoveryRecord(
  { terms }: HistoryState,
  record: ProgramRecord,
  { network, program }: HistoryContext,
): readonly AuditFault[] {
  if (record.kind !== "recovery") return [fault("RECOVERY_INVALID", `its record is of kind ${record.kind}`)];
  const { request } = record.signedChange;
  if (request.program !== program || request.network !== network) {
    return [fault("RECOVERY_INVALID", `it was asked for ${request.program}`)];
  }
  try {
    verifyChange(record.signedChange, terms.owner ?? request.program);
    return [];
  } catch (error) {
    if (isSprfError(error)) return [fault("RECOVERY_INVALID", error.message)];
    throw error;
  }
}
