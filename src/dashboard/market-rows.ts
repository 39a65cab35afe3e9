import type { AgreementRow } from "../domain/read-model/rows.ts";
import type { IndexedWorker, ReadModel } from "../indexer/read-model.ts";
import type { AgreementSummary, ContractsView, WorkerSummary } from "./views.ts";

/** Records that a small chart of a worker's reputation shows. */
const TREND_LENGTH = 24;
/** How far back in a worker's history they are looked for. */
const TREND_ENTRIES = 120;

/** What the sources of the market's views read from. */
export interface MarketComponents {
  readonly model: ReadModel;
  readonly contracts: ContractsView;
  /** Whether the chain's node answers no more. */
  readonly isChainAway: () => boolean;
}

/** An agreement as a row. */
export function summaryOf(row: AgreementRow): AgreementSummary {
  const { number, address, client, seats, startBlock, endBlock, epochLength, settledEpochs, paidWei, finalized } = row;
  return {
    number,
    address,
    client,
    workerIds: seats.map(({ workerId }) => workerId),
    startBlock,
    endBlock,
    epochLength,
    settledEpochs,
    paidWei: String(paidWei),
    finalized,
  };
}

/** A worker as a row. */
export function workerSummary(worker: IndexedWorker, trend: readonly number[]): WorkerSummary {
  const { workerId, operator, status, maxLengthBlocks, slots, slotsUsed, reputation, uptime, agreementsCompleted } =
    worker;
  return {
    workerId,
    operator,
    status,
    pricePerBlockWei: String(worker.pricePerBlockWei),
    maxLengthBlocks,
    slots,
    slotsUsed,
    reputation,
    uptime,
    stakeWei: String(worker.stakeWei),
    earnedWei: String(worker.earnedWei),
    agreementsCompleted,
    trend,
  };
}

/** Reads workers' trends, each anew only when something has happened to that worker. */
export function createTrends(model: ReadModel): (worker: IndexedWorker, reorgs: number) => Promise<readonly number[]> {
  const known = new Map<
    number,
    { readonly entries: number; readonly reorgs: number; readonly trend: readonly number[] }
  >();
  return async ({ workerId, entries }, reorgs) => {
    const found = known.get(workerId);
    if (found !== undefined && found.entries === entries && found.reorgs === reorgs) return found.trend;
    const history = await model.history(workerId, { limit: TREND_ENTRIES });
    const trend = history
      .flatMap(({ reputation }) => (reputation === undefined ? [] : [reputation]))
      .slice(0, TREND_LENGTH)
      .reverse();
    known.set(workerId, { entries, reorgs, trend });
    return trend;
  };
}

/** The numbers of the agreements that rows name by their addresses. */
export async function numbersOf(
  model: ReadModel,
  rows: ReadonlyArray<{ readonly agreement?: string | undefined }>,
): Promise<ReadonlyMap<string, number>> {
  const addresses = new Set(rows.flatMap(({ agreement }) => (agreement === undefined ? [] : [agreement])));
  const numbers = new Map<string, number>();
  for (const address of addresses) {
    const row = await model.agreementAt(address);
    if (row !== undefined) numbers.set(address, row.number);
  }
  return numbers;
}
