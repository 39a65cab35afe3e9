import type { Transaction } from "@stellar/stellar-sdk";

import { majorityOf } from "../program/smart-account.ts";
import { signersOf } from "../program/verify-signature.ts";
import { fault, type AuditFault } from "./fault.ts";
import type { AccountTerms } from "./history-state.ts";

/** Who signed a transaction, and what is wrong with that. */
export interface SignatureCheck {
  readonly faults: readonly AuditFault[];
  /** Ledger keys of the workers that signed. */
  readonly signedBy: readonly string[];
  /** Signatures by keys that neither the workers nor the payer are: perhaps of the payer's account, which only the ledger knows. */
  readonly unknown: number;
}

/** Whether exactly a majority of the workers signed and, where another account pays, that one. */
export function verifySignatures(
  transaction: Transaction,
  { workers }: Pick<AccountTerms, "workers">,
  payer: string | undefined,
): SignatureCheck {
  const keys = workers.map(({ ledgerKey }) => ledgerKey);
  const { signers, others } = signersOf(
    transaction,
    payer === undefined || keys.includes(payer) ? keys : [...keys, payer],
  );
  const signedBy = signers.filter((key) => keys.includes(key));
  const majority = majorityOf(keys.length);
  // A worker that also pays signs once for both, perhaps after a majority of the others.
  const most = payer !== undefined && signedBy.includes(payer) ? majority + 1 : majority;
  const faults: AuditFault[] = [];
  if (signedBy.length < majority) faults.push(fault("SIGNATURES_MISSING", `${signedBy.length} of ${majority}`));
  if (signedBy.length > most) faults.push(fault("SIGNATURES_EXCESS", `${signedBy.length} workers`));
  if (payer === undefined && others > 0) faults.push(fault("SIGNATURES_EXCESS", `${others} by others`));
  if (payer !== undefined && others === 0 && !signers.includes(payer))
    faults.push(fault("USER_SIGNATURE_MISSING", payer));
  return { faults, signedBy, unknown: payer === undefined ? 0 : others };
}
