import { StrKey, type FeeBumpTransaction, type Transaction } from "@stellar/stellar-sdk";

import { equalBytes } from "../../utils/bytes.ts";
import { verifyByAccount } from "../../utils/ed25519.ts";

const HINT_BYTES = 4;

/**
 * Who signed a transaction, among those asked for, and how many of its signatures are by none of them. A signature carries the end
 * of its key, so each is verified against hardly more than one.
 */
export function signersOf(
  transaction: Transaction | FeeBumpTransaction,
  candidates: readonly string[],
): { readonly signers: readonly string[]; readonly others: number } {
  const hash = transaction.hash();
  const signers = new Set<string>();
  let others = 0;
  for (const { hint, signature } of transaction.signatures) {
    const signer = candidates.find(
      (address) => equalBytes(hintOf(address), hint.value) && verifyByAccount(address, hash, signature.value),
    );
    if (signer === undefined || signers.has(signer)) others += 1;
    else signers.add(signer);
  }
  return { signers: candidates.filter((address) => signers.has(address)), others };
}

function hintOf(address: string): Uint8Array {
  return StrKey.decodeEd25519PublicKey(address).slice(-HINT_BYTES);
}
