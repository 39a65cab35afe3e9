import { createPublicKey, verify, type KeyObject } from "node:crypto";

import { StrKey, type FeeBumpTransaction, type Transaction } from "@stellar/stellar-sdk";

import { equalBytes } from "../../utils/bytes.ts";

/** DER header of an ed25519 SubjectPublicKeyInfo (RFC 8410); the 32 bytes of the key follow. */
const SPKI_HEADER = Buffer.from("302a300506032b6570032100", "hex");
const SIGNATURE_BYTES = 64;
const HINT_BYTES = 4;

/** Whether the key of `address` (`G...`) signed the message; node:crypto, ten times as fast as the SDK's JavaScript. */
export function isSignedBy(address: string, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  return verify(null, message, keyOf(address), signature);
}

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
      (address) => equalBytes(hintOf(address), hint.value) && isSignedBy(address, hash, signature.value),
    );
    if (signer === undefined || signers.has(signer)) others += 1;
    else signers.add(signer);
  }
  return { signers: candidates.filter((address) => signers.has(address)), others };
}

function hintOf(address: string): Uint8Array {
  return StrKey.decodeEd25519PublicKey(address).slice(-HINT_BYTES);
}

function keyOf(address: string): KeyObject {
  const key = Buffer.concat([SPKI_HEADER, StrKey.decodeEd25519PublicKey(address)]);
  return createPublicKey({ key, format: "der", type: "spki" });
}
