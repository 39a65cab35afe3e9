/** How much more than its gas a withdrawal has to bring, unless it is set otherwise. */
export const DEFAULT_WITHDRAW_FACTOR = 2;

/** Whether `amountWei` is at least `factor` times what `gas` units cost at this price; nothing is never worth a transaction. */
export function isWorthwhile(
  amountWei: bigint,
  { gas, gasPriceWei, factor }: { readonly gas: bigint; readonly gasPriceWei: bigint; readonly factor: number },
): boolean {
  return amountWei > 0n && amountWei >= gas * gasPriceWei * BigInt(factor);
}
