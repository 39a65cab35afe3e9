import { publicKeyFromRaw } from "@libp2p/crypto/keys";
import { peerIdFromPublicKey } from "@libp2p/peer-id";

import { compressed } from "../../utils/secp256k1.ts";

/** The libp2p peer id of the holder of a message key (64-byte secp256k1 key): both are the same identity. */
export function peerIdOf(messageKey: Uint8Array): string {
  return peerIdFromPublicKey(publicKeyFromRaw(compressed(messageKey))).toString();
}
