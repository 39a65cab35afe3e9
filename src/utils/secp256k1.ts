import { createECDH, ECDH } from "node:crypto";

const CURVE = "secp256k1";
const UNCOMPRESSED = 0x04;

/** Bytes of a secp256k1 public key without its prefix. */
export const PUBLIC_KEY_BYTES = 64;
/** Bytes of a secp256k1 private key. */
export const PRIVATE_KEY_BYTES = 32;

/** The 64-byte public key (no prefix) of a 32-byte private key. */
export function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  const ecdh = createECDH(CURVE);
  ecdh.setPrivateKey(privateKey);
  return new Uint8Array(ecdh.getPublicKey().subarray(1));
}

/** Whether `key` is a point of the curve: 64 bytes, no prefix. */
export function isPublicKey(key: Uint8Array): boolean {
  if (key.length !== PUBLIC_KEY_BYTES) return false;
  try {
    ECDH.convertKey(uncompressed(key), CURVE, undefined, undefined, "compressed");
    return true;
  } catch {
    return false;
  }
}

/** The key with its prefix 0x04: 65 bytes. */
export function uncompressed(key: Uint8Array): Uint8Array {
  return new Uint8Array([UNCOMPRESSED, ...key]);
}

/** The 33-byte form of a 64-byte key. */
export function compressed(key: Uint8Array): Uint8Array {
  const converted = ECDH.convertKey(uncompressed(key), CURVE, undefined, undefined, "compressed");
  return new Uint8Array(converted as Buffer);
}
