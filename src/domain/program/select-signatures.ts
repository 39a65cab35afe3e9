import { SprfError } from "../../errors.ts";
import type { LedgerSigner } from "../../ports/ledger.ts";

/** One check that the ledger makes of a transaction: enough weight of these signers. */
export interface SignatureCheck {
  readonly account: string;
  readonly signers: readonly LedgerSigner[];
  readonly threshold: number;
}

/**
 * Chooses among the keys whose signatures are at hand exactly those that the ledger will use, in an order in which it uses
 * them all: signatures are taken in envelope order until the weight is reached, and one that no check used refuses the whole
 * transaction (`tx_bad_auth_extra`). One signature serves every account that lists its key.
 *
 * @param available keys in order of preference
 * @throws SprfError `NOT_ENOUGH_SIGNATURES`
 */
export function selectSignatures(available: readonly string[], checks: readonly SignatureCheck[]): readonly string[] {
  let chosen = [...new Set(available)];
  for (;;) {
    const used = usedBy(chosen, checks);
    if (used.size === chosen.length) return chosen;
    // Fewer signatures can change which ones a check takes, so ask again until nothing is left over.
    chosen = chosen.filter((key) => used.has(key));
  }
}

function usedBy(signatures: readonly string[], checks: readonly SignatureCheck[]): ReadonlySet<string> {
  const used = new Set<string>();
  for (const check of checks) {
    // A threshold of 0 still needs one valid signature.
    const needed = Math.max(check.threshold, 1);
    let weight = 0;
    for (const key of signatures) {
      if (weight >= needed) break;
      const signer = check.signers.find((candidate) => candidate.key === key && candidate.weight > 0);
      if (signer === undefined) continue;
      weight += Math.min(signer.weight, 255);
      used.add(key);
    }
    if (weight < needed) {
      throw new SprfError("NOT_ENOUGH_SIGNATURES", `${check.account}: weight ${needed} needed, ${weight} signed`, {
        context: { account: check.account, needed, weight },
      });
    }
  }
  return used;
}
