import type { JsonRpcProvider } from "ethers";

/** Wei that a unit of gas costs in the next block: its base fee, and the tip that this node suggests. */
export async function gasPriceWei(provider: JsonRpcProvider): Promise<bigint> {
  const [pending, fees] = await Promise.all([provider.getBlock("latest"), provider.getFeeData()]);
  const base = pending?.baseFeePerGas ?? null;
  return base === null ? (fees.gasPrice ?? 0n) : base + (fees.maxPriorityFeePerGas ?? 0n);
}
