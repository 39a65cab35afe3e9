import type { PaidInput } from "../../domain/program/batch.ts";
import type { SmartAccount } from "../../domain/program/smart-account.ts";
import { findPriceStroops, type PriceComponents } from "../../execution/find-price.ts";

/**
 * Of requests that this worker has taken, those that are paid for by the history that `account` shows. A worker may have taken one by
 * an older look than the others, or by prices that nobody can look up any more: if it insisted on what they refuse, nobody's batch
 * would be signed.
 *
 * @throws what finding the tip and reading records throw
 */
export async function payableOf<T extends PaidInput>(
  components: PriceComponents,
  account: SmartAccount,
  inputs: readonly T[],
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly T[]> {
  const payable: T[] = [];
  for (const input of inputs) {
    const { signedRequest, paidStroops, payment } = input;
    const paid = { request: signedRequest.request, paidStroops, paidAt: payment.closeTime };
    if (paidStroops >= (await findPriceStroops(components, account, paid, options))) payable.push(input);
  }
  return payable;
}
