import { xdr } from "@stellar/stellar-sdk";

import { fromHex, toHex } from "./hashing.ts";

/** The kinds of signer in the order in which the ledger sorts them. */
export type SignerKind = "ed25519" | "preAuthTx" | "hashX" | "signedPayload";

const SIGNER_KINDS: readonly SignerKind[] = ["ed25519", "preAuthTx", "hashX", "signedPayload"];

/** A signer's key: 32 bytes as hex, and for signed payloads the payload as hex. */
export interface SignerKey {
  readonly kind: SignerKind;
  readonly key: string;
  readonly payload: string;
}

/** The signer key that stands for an account's own (master) key. */
export function masterKey(accountId: string): SignerKey {
  return { kind: "ed25519", key: accountId, payload: "" };
}

/** Reads a signer key from XDR. */
export function signerKeyFromXdr(key: xdr.SignerKey): SignerKey {
  switch (key.type) {
    case "signerKeyTypeEd25519":
      return { kind: "ed25519", key: toHex(key.ed25519.value), payload: "" };
    case "signerKeyTypePreAuthTx":
      return { kind: "preAuthTx", key: toHex(key.preAuthTx.value), payload: "" };
    case "signerKeyTypeHashX":
      return { kind: "hashX", key: toHex(key.hashX.value), payload: "" };
    case "signerKeyTypeEd25519SignedPayload": {
      const { ed25519, payload } = key.ed25519SignedPayload;
      return { kind: "signedPayload", key: toHex(ed25519.value), payload: toHex(payload) };
    }
  }
}

/** Writes a signer key as XDR. */
export function signerKeyToXdr(signer: SignerKey): xdr.SignerKey {
  const key = fromHex(signer.key);
  switch (signer.kind) {
    case "ed25519":
      return xdr.SignerKey.signerKeyTypeEd25519(key);
    case "preAuthTx":
      return xdr.SignerKey.signerKeyTypePreAuthTx(key);
    case "hashX":
      return xdr.SignerKey.signerKeyTypeHashX(key);
    case "signedPayload":
      return xdr.SignerKey.signerKeyTypeEd25519SignedPayload(
        new xdr.SignerKeyEd25519SignedPayload({ ed25519: key, payload: fromHex(signer.payload) }),
      );
  }
}

/** Order of signers within an account: by kind, then by bytes; 0 means the same signer. */
export function compareSignerKeys(a: SignerKey, b: SignerKey): number {
  if (a.kind !== b.kind) return SIGNER_KINDS.indexOf(a.kind) - SIGNER_KINDS.indexOf(b.kind);
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  if (a.payload === b.payload) return 0;
  return a.payload < b.payload ? -1 : 1;
}

/** Whether two keys name the same signer. */
export function sameSignerKey(a: SignerKey, b: SignerKey): boolean {
  return compareSignerKeys(a, b) === 0;
}
