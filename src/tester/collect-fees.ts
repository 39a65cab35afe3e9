import { isWorthwhile } from "../domain/worthwhile.ts";
import type { Chain, ChainOptions } from "../ports/chain.ts";

/** Gas as bench/results/gas.json has it, rounded up. */
const WITHDRAW_FEES_GAS = 60_000n;

/** Pulls the fees that this account has earned, of all agreements, once they are worth the gas; resolves with the wei withdrawn. */
export async function collectFees(
  chain: Chain,
  { signal, withdrawFactor: factor }: ChainOptions & { readonly withdrawFactor: number },
): Promise<bigint> {
  const testerId = await chain.testerOf(chain.account, { signal });
  const entry = testerId === undefined ? undefined : await chain.tester(testerId, { signal });
  if (entry === undefined || entry.creditWei === 0n) return 0n;
  const gasPriceWei = await chain.gasPriceWei({ signal });
  if (!isWorthwhile(entry.creditWei, { gas: WITHDRAW_FEES_GAS, gasPriceWei, factor })) return 0n;
  return await chain.withdrawFees({ signal });
}
