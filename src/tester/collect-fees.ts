import { isWorthwhile } from "../domain/worthwhile.ts";
import type { Chain } from "../ports/chain.ts";
import type { Logger } from "../ports/logger.ts";

/** `withdrawFees` and the `withdraw` of bonds: bench/results/gas.json, rounded up. */
const WITHDRAW_GAS = 60_000n;

/** Pulls the fees and bonds of all agreements, each once it is worth its gas at the current price. */
export async function collectFees(
  chain: Chain,
  testerId: number,
  { factor, logger, signal }: { readonly factor: number; readonly logger: Logger; readonly signal: AbortSignal },
): Promise<void> {
  const [entry, bondsWei] = await Promise.all([
    chain.tester(testerId, { signal }),
    chain.bondCreditWei(chain.account, { signal }),
  ]);
  const feesWei = entry?.creditWei ?? 0n;
  if (feesWei === 0n && bondsWei === 0n) return;
  const price = { gas: WITHDRAW_GAS, gasPriceWei: await chain.gasPriceWei({ signal }), factor };
  if (isWorthwhile(feesWei, price)) {
    const amountWei = await chain.withdrawFees({ signal });
    logger.info("fees withdrawn", { amountWei: amountWei.toString() });
  }
  if (isWorthwhile(bondsWei, price)) {
    const amountWei = await chain.withdrawBonds({ signal });
    logger.info("bonds withdrawn", { amountWei: amountWei.toString() });
  }
}
