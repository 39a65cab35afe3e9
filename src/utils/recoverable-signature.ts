import { createRequire } from "node:module";

import secp256k1 from "secp256k1";

import { SprfError } from "../errors.ts";
import { asBuffer, equalBytes, toHex } from "./bytes.ts";
import { keccak256 } from "./keccak.ts";

/** r, s and v. */
export const SIGNATURE_BYTES = 65;
const ADDRESS_BYTES = 20;
const COMPACT_BYTES = 64;
const V_OFFSET = 27;
const MAX_PARITY = 1;
const PUBLIC_KEY_BYTES = 65;
/** Half of the curve's order: a signature with a greater s is the same one said otherwise. */
const HALF_ORDER = Buffer.from("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0", "hex");

/** The key that was recovered last. */
const recovered = new Uint8Array(PUBLIC_KEY_BYTES);

/** Whether libsecp256k1 was loaded: its replacement in JavaScript, which is taken without a word, is fifty times slower. */
export function isSecp256k1Native(): boolean {
  try {
    const bindings: unknown = createRequire(import.meta.url)("secp256k1/bindings.js");
    return bindings === secp256k1;
  } catch {
    return false;
  }
}

/** Signs a digest: r || s || v (27 or 28), low s, the same each time. */
export function signDigest(digest: Uint8Array, privateKey: Uint8Array): Uint8Array {
  const { signature, recid } = secp256k1.ecdsaSign(digest, privateKey);
  const bytes = new Uint8Array(SIGNATURE_BYTES);
  bytes.set(signature);
  bytes[COMPACT_BYTES] = V_OFFSET + recid;
  return bytes;
}

/** The address (lower-case hex with 0x) whose key has signed the digest; undefined for what is no signature, and for a high s. */
export function recoverSigner(digest: Uint8Array, signature: Uint8Array): string | undefined {
  if (signature.length !== SIGNATURE_BYTES || !hasLowS(signature)) return undefined;
  const parity = (signature[COMPACT_BYTES] ?? 0) - V_OFFSET;
  if (parity < 0 || parity > MAX_PARITY) return undefined;
  try {
    secp256k1.ecdsaRecover(signature.subarray(0, COMPACT_BYTES), parity, asBuffer(digest), false, recovered);
  } catch {
    return undefined;
  }
  return addressOfKey(recovered.subarray(1));
}

/** The address of a public key of 64 bytes, lower-case hex with 0x. */
export function addressOfKey(publicKey: Uint8Array): string {
  return `0x${toHex(keccak256(publicKey).subarray(-ADDRESS_BYTES))}`;
}

/** @throws SprfError `INTERNAL` when signatures that are made here cannot be recovered here */
export function checkSecp256k1(): void {
  const key = new Uint8Array(32).fill(1);
  const digest = keccak256(key);
  const address = addressOfKey(secp256k1.publicKeyCreate(key, false).subarray(1));
  const signature = signDigest(digest, key);
  if (recoverSigner(digest, signature) !== address || !equalBytes(signature, signDigest(digest, key))) {
    throw new SprfError("INTERNAL", "the secp256k1 package does not recover what it has signed");
  }
}

function hasLowS(signature: Uint8Array): boolean {
  return HALF_ORDER.compare(signature, 32, COMPACT_BYTES) >= 0;
}
