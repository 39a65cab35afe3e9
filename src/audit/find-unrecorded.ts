import { innerTransactionOf, memoHashOf } from "../domain/program/envelope.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import type { Ledger } from "../ports/ledger.ts";

/** A transaction of a smart account that succeeded and names no record. */
export interface UnrecordedTransaction {
  readonly envelope: Uint8Array;
  readonly hash: string;
  readonly ledger: number;
}

/**
 * Looks for a transaction of the account, since the one that set its state, that has no record as its memo: no honest worker signs
 * such a one, and no history leads past it.
 */
export async function findUnrecorded(
  ledger: Ledger,
  account: SmartAccount,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<UnrecordedTransaction | undefined> {
  for await (const landed of ledger.transactions(account.stateLedger, account.ledger, { signal })) {
    if (!landed.successful) continue;
    const transaction = innerTransactionOf(landed.envelopeXdr, ledger.networkPassphrase);
    if (transaction.source !== account.id || memoHashOf(transaction) !== undefined) continue;
    const envelope = new Uint8Array(Buffer.from(landed.envelopeXdr, "base64"));
    return { envelope, hash: landed.hash, ledger: landed.ledger };
  }
  return undefined;
}
