import type { Account } from "./account.ts";
import { fromHex, sha256Hex, toHex } from "./hashing.ts";
import { verifiesAsSeen } from "./seen-signatures.ts";
import type { SignerKey, SignerKind } from "./signer-key.ts";
import { masterKey } from "./signer-key.ts";

/** A signature of an envelope with the last four bytes of the key that made it. */
export interface EnvelopeSignature {
  /** Eight hex digits. */
  readonly hint: string;
  readonly signature: Uint8Array;
}

export interface WeightedSigner {
  readonly key: SignerKey;
  readonly weight: number;
}

/** Counts signatures for one transaction and remembers which were of use. */
export interface SignatureChecker {
  /**
   * Whether the signers' weights reach the need. Pre-authorised hashes count first, then hash preimages, ed25519 keys and
   * signed payloads, each in envelope order; counting stops as soon as the need is met, so a signature beyond it stays
   * unused. A need of 0 still takes one valid signature.
   */
  check(signers: readonly WeightedSigner[], need: number): boolean;
  /** Like {@link SignatureChecker.check} for an account's signers and master key. */
  checkAccount(account: Account, need: number): boolean;
  allUsed(): boolean;
}

const MAX_WEIGHT = 255;
/** Pre-authorised transactions come before these and need no signature. */
const SIGNED_KINDS: readonly SignerKind[] = ["hashX", "ed25519", "signedPayload"];

/** A checker for the signatures over one hash (stellar-core, `SignatureChecker`). */
export function createSignatureChecker(
  contentsHash: Uint8Array,
  signatures: readonly EnvelopeSignature[],
): SignatureChecker {
  const contentsHashHex = toHex(contentsHash);
  const used = signatures.map(() => false);

  const check = (signers: readonly WeightedSigner[], need: number): boolean => {
    let total = 0;
    for (const { key, weight } of signers) {
      if (key.kind !== "preAuthTx" || key.key !== contentsHashHex) continue;
      total += Math.min(weight, MAX_WEIGHT);
      if (total >= need) return true;
    }
    for (const kind of SIGNED_KINDS) {
      const waiting = signers.filter((signer) => signer.key.kind === kind);
      for (let i = 0; i < signatures.length && waiting.length > 0; i++) {
        const signature = signatures[i];
        if (signature === undefined) continue;
        const found = waiting.findIndex((signer) => verifies(signer.key, signature, contentsHash));
        const signer = waiting[found];
        if (signer === undefined) continue;
        used[i] = true;
        total += Math.min(signer.weight, MAX_WEIGHT);
        if (total >= need) return true;
        waiting.splice(found, 1);
      }
    }
    return false;
  };

  return {
    check,
    checkAccount(account, need) {
      const { master } = account.thresholds;
      const own = master > 0 ? [{ key: masterKey(account.id), weight: master }] : [];
      return check([...own, ...account.signers], need);
    },
    allUsed: () => used.every((flag) => flag),
  };
}

function verifies(signer: SignerKey, { hint, signature }: EnvelopeSignature, contentsHash: Uint8Array): boolean {
  switch (signer.kind) {
    case "preAuthTx":
      return false;
    case "hashX":
      return hint === signer.key.slice(-8) && sha256Hex(signature) === signer.key;
    case "ed25519":
      return hint === signer.key.slice(-8) && verifiesAsSeen(signer.key, contentsHash, signature);
    case "signedPayload": {
      const payload = fromHex(signer.payload);
      return hint === payloadHint(signer.key, payload) && verifiesAsSeen(signer.key, payload, signature);
    }
  }
}

/** Hint of a signed payload: the key's hint xor the payload's last four bytes, zero-padded behind (CAP-40). */
function payloadHint(keyHex: string, payload: Uint8Array): string {
  const hint = fromHex(keyHex.slice(-8));
  const tail = payload.length > 4 ? payload.subarray(-4) : payload;
  for (const [i, byte] of tail.entries()) hint[i] = (hint[i] ?? 0) ^ byte;
  return toHex(hint);
}
