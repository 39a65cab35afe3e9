import { createHash } from "node:crypto";

import { publicKeyOf } from "../../src/utils/secp256k1.ts";

export interface MessageKeys {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** The same key pair for the same name. */
export function messageKeysOf(name: string): MessageKeys {
  const privateKey = new Uint8Array(createHash("sha256").update(`test key ${name}`).digest());
  return { privateKey, publicKey: publicKeyOf(privateKey) };
}
