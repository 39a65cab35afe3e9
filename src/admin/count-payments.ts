import type { Chain } from "../ports/chain.ts";
import type { Metrics } from "../ports/metrics.ts";

const WEI_PER_ETHER = 1e18;

/** The same chain; what this account withdraws is counted. */
export function countPayments<C extends Pick<Chain, "withdraw" | "withdrawFees">>(chain: C, metrics: Metrics): C {
  const counted = (what: "work" | "fees", wei: bigint): bigint => {
    metrics.count("sprf_chain_payments_total", { for: what });
    metrics.count("sprf_chain_paid_ether", { for: what }, Number(wei) / WEI_PER_ETHER);
    return wei;
  };
  return {
    ...chain,
    withdraw: async (agreement, options) => counted("work", await chain.withdraw(agreement, options)),
    withdrawFees: async (options) => counted("fees", await chain.withdrawFees(options)),
  };
}
