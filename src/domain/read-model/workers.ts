import type { LoggedEvent, MarketConstants } from "../../ports/event-log.ts";
import type { DispatcherEvent, RecordEvent } from "../../ports/market-events.ts";
import { known } from "./known.ts";
import { reputationOf } from "./reputation.ts";
import { TABLES, keys, type HistoryRow, type WorkerRow } from "./rows.ts";
import { addLine } from "./statement.ts";
import type { ModelView } from "./view.ts";

/** What a worker's history says beside the worker and the place. */
export type HistoryEntry = Pick<HistoryRow, "kind" | "agreement" | "epoch" | "outcome" | "amountWei" | "reputation">;

/** The worker's row. @throws SprfError `EVENTS_MISSING` when no event has registered it */
export async function workerOf(view: ModelView, workerId: number): Promise<WorkerRow> {
  return known(await view.get(TABLES.workers, keys.number(workerId)), `worker ${workerId}`);
}

/** Changes a worker's row and adds entries to its history. */
export function putWorker(view: ModelView, at: LoggedEvent, row: WorkerRow, ...history: readonly HistoryEntry[]): void {
  let { entries } = row;
  for (const entry of history) {
    entries++;
    view.put(TABLES.history, keys.ofNumber(row.workerId, entries), {
      block: at.block,
      timeSeconds: at.timeSeconds,
      transaction: at.transaction,
      workerId: row.workerId,
      ...entry,
    });
  }
  view.put(TABLES.workers, keys.number(row.workerId), { ...row, entries });
}

/** Adds the tester fees behind an agreement's epochs to a worker's record. */
export async function addRecord(
  view: ModelView,
  at: LoggedEvent,
  event: RecordEvent,
  constants: MarketConstants,
): Promise<void> {
  const row = await workerOf(view, event.workerId);
  const weightOkWei = row.weightOkWei + event.weightOkWei;
  const weightTotalWei = row.weightTotalWei + event.weightWei;
  const reputation = reputationOf({ weightOkWei, weightTotalWei }, constants);
  putWorker(view, at, { ...row, weightOkWei, weightTotalWei }, { kind: "record", reputation });
}

type WorkerEvent = Exclude<
  DispatcherEvent,
  { readonly name: "AgreementCreated" | "AgreementFinalized" | "PurchaseRejected" }
>;

const STATUS_OF = {
  WorkerPaused: { status: "paused", kind: "paused" },
  WorkerUnpaused: { status: "active", kind: "unpaused" },
  WorkerUnregistered: { status: "unregistered", kind: "unregistered" },
} as const;

/** What workers offer, stake and serve. */
export async function applyWorkerEvent(view: ModelView, at: LoggedEvent, event: WorkerEvent): Promise<void> {
  if (event.name === "WorkerRegistered") {
    await register(view, at, event);
    return;
  }
  const row = await workerOf(view, event.workerId);
  const { workerId, operator } = row;
  switch (event.name) {
    case "WorkerUpdated": {
      const addedWei = event.stakeWei - row.stakeWei;
      const { terms, stakeWei } = event;
      putWorker(view, at, { ...row, ...termsOf(terms), stakeWei }, { kind: "updated", amountWei: addedWei });
      if (addedWei !== 0n) await addLine(view, at, operator, { kind: "stake", workerId, walletWei: -addedWei });
      return;
    }
    case "WorkerPaused":
    case "WorkerUnpaused":
    case "WorkerUnregistered": {
      const { status, kind } = STATUS_OF[event.name];
      putWorker(view, at, { ...row, status }, { kind });
      return;
    }
    case "StakeAdded": {
      const { amountWei } = event;
      putWorker(view, at, { ...row, stakeWei: row.stakeWei + amountWei }, { kind: "stake-added", amountWei });
      await addLine(view, at, operator, { kind: "stake", workerId, walletWei: -amountWei });
      return;
    }
    case "StakeUnbonding": {
      const { amountWei, releaseBlock } = event;
      const stakeWei = row.stakeWei - amountWei;
      const unbondingWei = row.unbondingWei + amountWei;
      const after = { ...row, stakeWei, unbondingWei, releaseBlock };
      putWorker(view, at, after, { kind: "stake-unbonding", amountWei });
      return;
    }
    case "StakeWithdrawn": {
      const { amountWei } = event;
      const after = { ...row, unbondingWei: row.unbondingWei - amountWei };
      putWorker(view, at, after, { kind: "stake-withdrawn", amountWei });
      await addLine(view, at, operator, { kind: "stake-withdrawal", workerId, walletWei: amountWei });
      return;
    }
    case "WorkerAssigned": {
      const { agreement, lockWei } = event;
      view.put(TABLES.locks, keys.pair(workerId, agreement), { lockWei });
      const after = { ...row, lockedWei: row.lockedWei + lockWei, slotsUsed: row.slotsUsed + 1 };
      putWorker(view, at, after, { kind: "assigned", agreement, amountWei: lockWei });
      return;
    }
    case "LockExtended": {
      const { agreement, lockWei } = event;
      const key = keys.pair(workerId, agreement);
      const before = known(await view.get(TABLES.locks, key), `a lock of worker ${workerId}`);
      view.put(TABLES.locks, key, { lockWei });
      const after = { ...row, lockedWei: row.lockedWei + lockWei - before.lockWei };
      putWorker(view, at, after, { kind: "lock-extended", agreement, amountWei: lockWei });
      return;
    }
    case "WorkerReleased": {
      const { agreement, unlockedWei } = event;
      const key = keys.pair(workerId, agreement);
      const { lockWei } = known(await view.get(TABLES.locks, key), `a lock of worker ${workerId}`);
      view.delete(TABLES.locks, key);
      const after = { ...row, lockedWei: row.lockedWei - lockWei, slotsUsed: row.slotsUsed - 1 };
      putWorker(view, at, after, { kind: "released", agreement, amountWei: unlockedWei });
      return;
    }
    case "WorkerSlashed": {
      const { agreement, amountWei } = event;
      const after = { ...row, stakeWei: row.stakeWei - amountWei, slashedWei: row.slashedWei + amountWei };
      putWorker(view, at, after, { kind: "slashed", agreement, amountWei });
      await addLine(view, at, operator, { kind: "slash", agreement, workerId, outWei: amountWei });
      return;
    }
    default:
      event satisfies never;
  }
}

async function register(
  view: ModelView,
  at: LoggedEvent,
  event: Extract<DispatcherEvent, { readonly name: "WorkerRegistered" }>,
): Promise<void> {
  const { workerId, operator, twinId, stakeWei, terms } = event;
  const row: WorkerRow = {
    workerId,
    operator,
    twinId,
    status: "active",
    ...termsOf(terms),
    slotsUsed: 0,
    stakeWei,
    lockedWei: 0n,
    unbondingWei: 0n,
    releaseBlock: 0,
    epochsOk: 0,
    epochsUnreachable: 0,
    epochsWrong: 0,
    agreementsCompleted: 0,
    slashedWei: 0n,
    weightOkWei: 0n,
    weightTotalWei: 0n,
    earnedWei: 0n,
    entries: 0,
  };
  view.put(TABLES.workersOf, keys.ofAccount(operator, workerId), { number: workerId });
  putWorker(view, at, row, { kind: "registered", amountWei: stakeWei });
  await addLine(view, at, operator, { kind: "stake", workerId, walletWei: -stakeWei });
}

function termsOf(
  terms: Extract<DispatcherEvent, { readonly name: "WorkerRegistered" }>["terms"],
): Pick<WorkerRow, "pricePerBlockWei" | "maxLengthBlocks" | "slots" | "applicationType" | "vettedDigests"> {
  const { pricePerBlockWei, maxLengthBlocks, slots, applicationType, vettedDigests } = terms;
  return { pricePerBlockWei, maxLengthBlocks, slots, applicationType, vettedDigests: [...vettedDigests] };
}
