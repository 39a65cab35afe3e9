import { createHash } from "node:crypto";

import type { CustomCrypto } from "@ethereumjs/common";
import secp256k1 from "secp256k1";

import { SprfError } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import { toHex } from "../../utils/bytes.ts";
import { keccak256 } from "../../utils/keccak.ts";
import { checkSecp256k1, isSecp256k1Native } from "../../utils/recoverable-signature.ts";

const SIGNATURE_BYTES = 64;
const RECOVERY_OFFSET = 27n;
const HASH_OF_NOTHING = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";

/**
 * Sees whether hashes and signatures are what they should be, and warns where they are fifty times slower than need be.
 *
 * @throws SprfError `INTERNAL` when they are wrong
 */
export function checkNativeCrypto(logger: Logger | undefined): void {
  if (toHex(keccak256(new Uint8Array(0))) !== HASH_OF_NOTHING)
    throw new SprfError("INTERNAL", "the hash-wasm package does not hash as the EVM does");
  checkSecp256k1();
  if (!isSecp256k1Native())
    logger?.warn("secp256k1 runs in JavaScript, fifty times slower: its native part has no build for this platform");
}

/** What programs hash and recover with: as the EVM's own, an order of magnitude faster. */
export const nativeCrypto: CustomCrypto = {
  keccak256,
  sha256: (message) => new Uint8Array(createHash("sha256").update(message).digest()),
  ecrecover(messageHash, v, r, s) {
    const signature = new Uint8Array(SIGNATURE_BYTES);
    signature.set(r);
    signature.set(s, r.length);
    return secp256k1.ecdsaRecover(signature, Number(v - RECOVERY_OFFSET), messageHash, false).subarray(1);
  },
};
