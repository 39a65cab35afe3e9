import type { JsonRpcMethod } from "./json-rpc.ts";
import type { RpcContext } from "./methods.ts";

/** Ledgers over which fees are reckoned (Stellar RPC default for classic transactions). */
const FEE_WINDOW_LEDGERS = 10;

const PERCENTILES = [10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99] as const;

/** `getFeeStats`; there are no contracts here, so their distribution is empty. */
export function feeStatsMethods({ ledger, store }: RpcContext): Record<string, JsonRpcMethod> {
  return {
    getFeeStats: () => {
      const window = Math.min(FEE_WINDOW_LEDGERS, store.latest().sequence);
      return {
        sorobanInclusionFee: distribution([], window),
        inclusionFee: distribution(store.operationFees(window), window),
        latestLedger: ledger.header().sequence,
      };
    },
  };
}

function distribution(sorted: readonly number[], ledgerCount: number): object {
  const at = (percent: number): string =>
    String(sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0);
  return {
    max: at(100),
    min: at(0),
    mode: mode(sorted),
    ...Object.fromEntries(PERCENTILES.map((percent) => [`p${String(percent)}`, at(percent)])),
    transactionCount: String(sorted.length),
    ledgerCount,
  };
}

function mode(sorted: readonly number[]): string {
  const counts = new Map<number, number>();
  for (const fee of sorted) counts.set(fee, (counts.get(fee) ?? 0) + 1);
  let best = 0;
  for (const [fee, count] of counts) if (count > (counts.get(best) ?? 0)) best = fee;
  return String(best);
}
