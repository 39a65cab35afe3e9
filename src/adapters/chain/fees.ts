import type { JsonRpcProvider } from "ethers";

/** Nodes take a replacement only when it pays at least a tenth more; 12.5 % is what the base fee rises by in a full block. */
const BUMP_NUMERATOR = 9n;
const BUMP_DENOMINATOR = 8n;
/** A transaction never pays more than this many times what it was first sent with. */
const MAX_FACTOR = 10n;

/** What a transaction offers for a unit of gas, in wei, and the type that says it. */
export type Fees =
  | { readonly type: 2; readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint }
  | { readonly type: 0; readonly gasPrice: bigint };

/** What the node suggests now. */
export async function suggestedFees(provider: JsonRpcProvider): Promise<Fees> {
  const { maxFeePerGas, maxPriorityFeePerGas, gasPrice } = await provider.getFeeData();
  if (maxFeePerGas === null || maxPriorityFeePerGas === null) return { type: 0, gasPrice: gasPrice ?? 0n };
  return { type: 2, maxFeePerGas, maxPriorityFeePerGas };
}

/**
 * The fees with which a pending transaction is sent again: an eighth more, and no less than what is suggested now. Undefined when
 * that is more than ten times what it was first sent with.
 */
export function bumpedFees(fees: Fees, first: Fees, suggested: Fees): Fees | undefined {
  const next = (field: (of: Fees) => bigint): bigint | undefined => {
    const raised = (field(fees) * BUMP_NUMERATOR + BUMP_DENOMINATOR - 1n) / BUMP_DENOMINATOR;
    const ceiling = field(first) * MAX_FACTOR;
    if (raised > ceiling) return undefined;
    const wanted = field(suggested) > raised ? field(suggested) : raised;
    return wanted > ceiling ? ceiling : wanted;
  };
  const total = next(totalOf);
  const tip = next(tipOf);
  if (total === undefined || tip === undefined) return undefined;
  if (fees.type === 0) return { type: 0, gasPrice: total };
  return { type: 2, maxFeePerGas: total, maxPriorityFeePerGas: tip > total ? total : tip };
}

/** Wei that a unit of gas costs in the next block: the base fee of the last one, and the tip that the node suggests. */
export async function gasPriceWei(provider: JsonRpcProvider): Promise<bigint> {
  const [latest, fees] = await Promise.all([provider.getBlock("latest"), provider.getFeeData()]);
  const base = latest?.baseFeePerGas ?? null;
  return base === null ? (fees.gasPrice ?? 0n) : base + (fees.maxPriorityFeePerGas ?? 0n);
}

function totalOf(fees: Fees): bigint {
  return fees.type === 2 ? fees.maxFeePerGas : fees.gasPrice;
}

function tipOf(fees: Fees): bigint {
  return fees.type === 2 ? fees.maxPriorityFeePerGas : fees.gasPrice;
}
