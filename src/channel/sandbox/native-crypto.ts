import { createHash } from "node:crypto";

import type { CustomCrypto } from "@ethereumjs/common";
import secp256k1 from "secp256k1";

import { keccak256 } from "../../utils/keccak.ts";

const SIGNATURE_BYTES = 64;
const RECOVERY_OFFSET = 27n;

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
