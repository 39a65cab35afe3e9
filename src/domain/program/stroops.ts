const STROOPS_PER_XLM = 10_000_000n;
const DECIMALS = 7;

/** Stroops as the decimal number of XLM that transactions are built with. */
export function formatStroops(stroops: bigint): string {
  const fraction = (stroops % STROOPS_PER_XLM).toString().padStart(DECIMALS, "0");
  return `${stroops / STROOPS_PER_XLM}.${fraction}`;
}

/** The stroops of a decimal number of XLM, as parsed transactions give it. */
export function parseXlm(amount: string): bigint {
  const [whole = "0", fraction = ""] = amount.split(".");
  return BigInt(whole) * STROOPS_PER_XLM + BigInt(fraction.padEnd(DECIMALS, "0"));
}
