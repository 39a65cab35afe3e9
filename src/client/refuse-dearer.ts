import { SprfError } from "../errors.ts";

/** @throws SprfError `PURCHASE_REJECTED` when the quote is above the client's own limit */
export function refuseDearer(quoteWei: bigint, maxPriceWei: bigint | undefined): void {
  if (maxPriceWei === undefined || quoteWei <= maxPriceWei) return;
  throw new SprfError("PURCHASE_REJECTED", `the quote is ${quoteWei} wei, more than the ${maxPriceWei} allowed`);
}
