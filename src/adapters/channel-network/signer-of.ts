import { ECDH } from "node:crypto";

import type { PeerId } from "@libp2p/interface";

import { addressOfKey } from "../../utils/recoverable-signature.ts";

const known = new Map<string, string>();
const MAX_KNOWN = 4_096;

/** The signer's address of a peer whose identity is a secp256k1 key, as a twin's message key is; undefined for others. */
export function signerOf(peerId: PeerId): string | undefined {
  const name = peerId.toString();
  const signer = known.get(name);
  if (signer !== undefined) return signer;
  if (peerId.type !== "secp256k1") return undefined;
  const key = ECDH.convertKey(peerId.publicKey.raw, "secp256k1", undefined, undefined, "uncompressed") as Buffer;
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(name, addressOfKey(new Uint8Array(key.subarray(1))));
  return known.get(name);
}
