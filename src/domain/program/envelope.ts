import type { Transaction } from "@stellar/stellar-sdk";
import { FeeBumpTransaction, TransactionBuilder } from "@stellar/stellar-sdk";

import { SprfError, messageOf } from "../../errors.ts";

/**
 * The transaction in an envelope, without the fee bump around it.
 *
 * @throws SprfError `LEDGER_UNREACHABLE` when the envelope cannot be read: the service gave nonsense
 */
export function innerTransactionOf(envelopeXdr: string, network: string): Transaction {
  try {
    const parsed = TransactionBuilder.fromXdr(envelopeXdr, network);
    return parsed instanceof FeeBumpTransaction ? parsed.innerTransaction : parsed;
  } catch (error) {
    throw new SprfError("LEDGER_UNREACHABLE", `an envelope that cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** The 32 bytes of a memo of type hash. */
export function memoHashOf(transaction: Transaction): Uint8Array | undefined {
  const { memo } = transaction;
  return memo.type === "hash" && memo.value instanceof Uint8Array ? new Uint8Array(memo.value) : undefined;
}
