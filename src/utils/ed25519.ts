import { createPublicKey, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";

import { StrKey } from "@stellar/stellar-sdk";

import { fromHex, toHex } from "./bytes.ts";

/** DER header of an ed25519 SubjectPublicKeyInfo (RFC 8410); the 32 key bytes follow. */
const SPKI_HEADER = Buffer.from("302a300506032b6570032100", "hex");

/** Parsed keys kept for the next signature by the same signer; bounded because strangers choose the keys. */
const MAX_CACHED_KEYS = 4096;

const cache = new Map<string, KeyObject>();

/** Whether an ed25519 signature over the message verifies; node:crypto, ten times faster than JavaScript. */
export function verifyEd25519(publicKeyHex: string, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  let key = cache.get(publicKeyHex);
  if (key === undefined) {
    key = createPublicKey({ key: Buffer.concat([SPKI_HEADER, fromHex(publicKeyHex)]), format: "der", type: "spki" });
    if (cache.size >= MAX_CACHED_KEYS) cache.clear();
    cache.set(publicKeyHex, key);
  }
  return verify(null, message, key, signature);
}

/** The same for the key of a ledger account, `G...`. */
export function verifyByAccount(address: string, message: Uint8Array, signature: Uint8Array): boolean {
  return verifyEd25519(toHex(StrKey.decodeEd25519PublicKey(address)), message, signature);
}
