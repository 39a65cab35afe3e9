import { verifyEd25519 } from "../../../utils/ed25519.ts";
import { toHex } from "./hashing.ts";

/**
 * Verdicts kept, as stellar-core does: a transaction's signatures are looked at when it is submitted, when its ledger is put
 * together and when it is applied, and they cost more than all the rest.
 */
const MAX_VERDICTS = 65_535;

const verdicts = new Map<string, boolean>();

/** Whether an ed25519 signature over the message verifies; asked again, it answers from memory. */
export function verifiesAsSeen(publicKeyHex: string, message: Uint8Array, signature: Uint8Array): boolean {
  // Key and signature have one length each, so no two questions share a name.
  if (signature.length !== 64) return false;
  const question = publicKeyHex + toHex(signature) + toHex(message);
  let verdict = verdicts.get(question);
  if (verdict === undefined) {
    verdict = verifyEd25519(publicKeyHex, message, signature);
    const [oldest] = verdicts.size < MAX_VERDICTS ? [] : verdicts.keys();
    if (oldest !== undefined) verdicts.delete(oldest);
    verdicts.set(question, verdict);
  }
  return verdict;
}
