import type { Agreement, EpochWindows } from "../../ports/chain.ts";

/** The epoch of a block, from the windows of epoch 0; undefined outside the agreement's blocks of work. */
export function epochAt(agreement: Agreement, first: EpochWindows, block: number): number | undefined {
  if (block < agreement.startBlock || block >= agreement.endBlock) return undefined;
  const length = first.to - first.from + 1;
  return Math.floor((block - agreement.startBlock) / length);
}
