/** What can be wrong with one transaction of a history. Codes are part of the report and stay as they are. */
export const AUDIT_FAULTS = {
  RECORD_INVALID: "its record cannot be read as one",
  RECORD_OF_OTHER_PROGRAM: "its record is of another program or network",
  RECORD_OUT_OF_ORDER: "its record does not come after the one before it",
  ENVELOPE_INVALID: "what landed for it cannot be read as a transaction",
  ENVELOPE_MISMATCH: "what landed for it is not what the record after it names",
  MEMO_MISMATCH: "its memo is not the hash of its record",
  TRANSACTION_MISMATCH: "its transaction is not the one that its record gives",
  SIGNATURES_MISSING: "fewer than a majority of the workers of that time signed it",
  SIGNATURES_EXCESS: "it has a signature that the ledger would not have used",
  USER_SIGNATURE_MISSING: "the user who pays did not sign it",
  SEQUENCE_GAP: "transactions of the account before it are not accounted for",
  SKIPPED_INVALID: "a transaction that it skips is not one that landed and failed",
  REQUEST_SIGNATURE_INVALID: "the user did not sign its request",
  REQUEST_NOT_OBEYED: "its request does not allow it",
  PREVIOUS_STATE_MISMATCH: "it does not go on from the state before it",
  STATE_UNCHANGED: "it changes nothing",
  IMAGE_MISMATCH: "it ran another program than the account named",
  LIMITS_MISMATCH: "it ran with other limits",
  GAS_TABLE_UNKNOWN: "it is charged by an unknown table",
  GAS_FEE_MISMATCH: "its fee does not follow from its gas",
  TIME_MISMATCH: "its time does not follow from its payment",
  SEED_MISMATCH: "its seed does not follow from its payment",
  PAYMENT_USED: "its payment bought a transition before",
  PAYMENT_INVALID: "its payment is not what the ledger holds",
  NOT_LANDED: "the ledger does not hold it as a success",
  CHANGE_NOT_ALLOWED: "its change is not one that the owner signed for this sequence",
  STANDING_MISMATCH: "its record says another state or time than the history before it",
  ACCOUNT_MISMATCH: "the account is not what its history makes it",
  RECOVERY_INVALID: "the recovery that it goes on from is not one that the owner asked for and a majority signed",
  TERMS_MISMATCH: "it charges by other fees than the account names",
  INPUTS_DISORDERED: "its inputs are not in the order of their payments, or too many",
  STATE_CHANGED: "what was not accepted changes the state",
  BATCH_STATE_MISMATCH: "its state is not the one that its last input leaves",
  CREDITS_MISMATCH: "what it says that the program owes does not follow from the history before it",
  REFUND_INVALID: "it pays back something else than what the program owes",
  RETURN_INVALID: "it gives back another amount than what was paid less the base fee",
  PAYOUT_INVALID: "it does not pay all workers the same",
  UNRECORDED: "it has no record in the history",
  RESULT_REJECTED: "the program rejects this input",
  RESULT_STATUS: "the program does otherwise with this input",
  RESULT_STATE: "the program comes to another state",
  RESULT_OUTPUT: "the program gives another output",
  RESULT_GAS: "the run costs another amount of gas",
} as const satisfies Record<string, string>;

export type AuditFaultCode = keyof typeof AUDIT_FAULTS;

/** One thing that is wrong, in words for people. */
export interface AuditFault {
  readonly code: AuditFaultCode;
  readonly message: string;
}

/** A fault, with the values that show it where there are any. */
export function fault(code: AuditFaultCode, detail?: string): AuditFault {
  return { code, message: detail === undefined ? AUDIT_FAULTS[code] : `${AUDIT_FAULTS[code]}: ${detail}` };
}

/** The same faults, said of one input of a batch, counted from 0. */
export function inputFaults(index: number, faults: readonly AuditFault[]): readonly AuditFault[] {
  return faults.map(({ code, message }) => ({ code, message: `input ${index + 1}: ${message}` }));
}

/** The fault, unless what was found is what was expected. */
export function unlessEqual<T extends string | bigint | number>(
  code: AuditFaultCode,
  found: T,
  expected: T,
): readonly AuditFault[] {
  return found === expected ? [] : [fault(code, `${found} instead of ${expected}`)];
}
