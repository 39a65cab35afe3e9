import { withoutParams } from "./json-rpc.ts";
import type { JsonRpcMethod } from "./json-rpc.ts";
import type { RpcContext } from "./methods.ts";

/** Ledgers over which fees are reckoned (Stellar RPC default for classic transactions). */
const FEE_WINDOW_LEDGERS = 10;

const PERCENTILES = [10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99] as const;

/** `getFeeStats`; there are no contracts here, so their distribution is empty. */
export function feeStatsMethods({ store }: RpcContext): Record<string, JsonRpcMethod> {
  return {
    getFeeStats: withoutParams(() => {
      const latestLedger = store.latest().sequence;
      const window = Math.min(FEE_WINDOW_LEDGERS, latestLedger);
      return {
        sorobanInclusionFee: distribution([], 0),
        inclusionFee: distribution(store.operationFees(window), window),
        latestLedger,
      };
    }),
  };
}

/** Of fees in ascending order, by nearest rank; without any fee the service counts no ledger either. */
function distribution(sorted: readonly number[], ledgers: number): object {
  const at = (percent: number): string => {
    const rank = Math.ceil((percent * sorted.length) / 100);
    return String(sorted[Math.max(1, rank) - 1] ?? 0);
  };
  return {
    max: at(100),
    min: at(0),
    mode: mode(sorted),
    ...Object.fromEntries(PERCENTILES.map((percent) => [`p${String(percent)}`, at(percent)])),
    transactionCount: String(sorted.length),
    ledgerCount: sorted.length === 0 ? 0 : ledgers,
  };
}

/** The most frequent fee, the lowest of those as frequent. */
function mode(sorted: readonly number[]): string {
  const counts = new Map<number, number>();
  for (const fee of sorted) counts.set(fee, (counts.get(fee) ?? 0) + 1);
  let best = 0;
  for (const [fee, count] of counts) if (count > (counts.get(best) ?? 0)) best = fee;
  return String(best);
}
