import type { MarketConstants } from "../../ports/event-log.ts";
import type { WorkerRow } from "./rows.ts";

const BASIS_POINTS = 10_000n;

type Record = Pick<WorkerRow, "weightOkWei" | "weightTotalWei">;

/** The worker's rate of good epochs in basis points, Laplace-smoothed. */
export function reputationOf({ weightOkWei, weightTotalWei }: Record, { priorWeightWei }: MarketConstants): number {
  return Number(((weightOkWei + priorWeightWei) * BASIS_POINTS) / (weightTotalWei + 2n * priorWeightWei));
}

/** ok / (ok + unreachable) epochs in basis points; 10000 when there was neither. */
export function uptimeOf({ epochsOk, epochsUnreachable }: Pick<WorkerRow, "epochsOk" | "epochsUnreachable">): number {
  const total = epochsOk + epochsUnreachable;
  return total === 0 ? Number(BASIS_POINTS) : Number((BigInt(epochsOk) * BASIS_POINTS) / BigInt(total));
}
