import { createPublicKey, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";

import { fromHex, toHex } from "./hashing.ts";

/** DER header of an ed25519 SubjectPublicKeyInfo (RFC 8410); the 32 key bytes follow. */
const SPKI_HEADER = Buffer.from("302a300506032b6570032100", "hex");

/** Parsed keys kept for the next signature by the same signer; bounded because strangers choose the keys. */
const MAX_CACHED_KEYS = 4096;

/**
 * Verdicts kept, as stellar-core does: a transaction's signatures are looked at when it is submitted, when its ledger is put
 * together and when it is applied, and they cost more than all the rest.
 */
const MAX_CACHED_VERDICTS = 65_535;

const keys = new Map<string, KeyObject>();
const verdicts = new Map<string, boolean>();

/** Whether an ed25519 signature over the message verifies; node:crypto, ten times faster than JavaScript. */
export function verifyEd25519(publicKeyHex: string, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  // Key and signature have one length each, so no two questions share a name.
  const question = publicKeyHex + toHex(signature) + toHex(message);
  let verdict = verdicts.get(question);
  if (verdict === undefined) {
    verdict = verify(null, message, keyOf(publicKeyHex), signature);
    forgetOldest(verdicts, MAX_CACHED_VERDICTS);
    verdicts.set(question, verdict);
  }
  return verdict;
}

function keyOf(publicKeyHex: string): KeyObject {
  let key = keys.get(publicKeyHex);
  if (key === undefined) {
    key = createPublicKey({ key: Buffer.concat([SPKI_HEADER, fromHex(publicKeyHex)]), format: "der", type: "spki" });
    forgetOldest(keys, MAX_CACHED_KEYS);
    keys.set(publicKeyHex, key);
  }
  return key;
}

function forgetOldest(cache: Map<string, unknown>, limit: number): void {
  if (cache.size < limit) return;
  const [oldest] = cache.keys();
  if (oldest !== undefined) cache.delete(oldest);
}
