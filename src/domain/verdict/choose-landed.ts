import { hashWithDomain } from "../../wire/canonical.ts";
import { toHex } from "../../utils/bytes.ts";

/** The most records, counted back from the tip, among which a tester chooses a transition or batch to run again. */
export const MAX_LANDED_DEPTH = 32;

/**
 * Which of `count` transitions and batches a tester runs again, 0 being the newest: sha256("sprf/landed/1" || seed || salt) mod count. The
 * seed is the hash of the block that the epoch's testers were drawn by, so the tester does not choose it; the salt is secret until
 * the reveal, so the workers do not know it; together they let anybody check the choice afterwards.
 */
export function chooseLanded(
  { seed, salt }: { readonly seed: Uint8Array; readonly salt: Uint8Array },
  count: number,
): number {
  if (!Number.isSafeInteger(count) || count < 1) return 0;
  return Number(BigInt(`0x${toHex(hashWithDomain("sprf/landed/1", seed, salt))}`) % BigInt(count));
}
