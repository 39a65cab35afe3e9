import type { LoggedEvent } from "../../ports/event-log.ts";
import type { TesterEvent } from "../../ports/market-events.ts";
import { known } from "./known.ts";
import { TABLES, keys, type TesterRow } from "./rows.ts";
import { addLine } from "./statement.ts";
import type { ModelView } from "./view.ts";

/** What testers offer, stake, earn and lose. */
export async function applyTesterEvent(view: ModelView, at: LoggedEvent, event: TesterEvent): Promise<void> {
  if (event.name === "TesterRegistered") {
    await register(view, at, event);
    return;
  }
  const { testerId } = event;
  switch (event.name) {
    case "TesterUpdated": {
      const { feePerEpochWei, capacity } = event;
      const { before, after } = await changeTester(view, testerId, ({ unbondingWei }) => ({
        feePerEpochWei,
        capacity,
        stakeWei: event.stakeWei + unbondingWei,
      }));
      await stakeMoved(view, at, after, after.stakeWei - before.stakeWei);
      return;
    }
    case "TesterUnregistered":
      await changeTester(view, testerId, () => ({ active: false }));
      return;
    case "TesterStakeUnbonding": {
      const { amountWei, releaseBlock } = event;
      // One that left unbonds all, what was unbonding before included.
      await changeTester(view, testerId, ({ active, unbondingWei }) => ({
        unbondingWei: active ? unbondingWei + amountWei : amountWei,
        releaseBlock,
      }));
      return;
    }
    case "TesterStakeWithdrawn": {
      const { amountWei, account } = event;
      await changeTester(view, testerId, ({ stakeWei, unbondingWei }) => ({
        stakeWei: stakeWei - amountWei,
        unbondingWei: unbondingWei - amountWei,
      }));
      await addLine(view, at, account, { kind: "stake-withdrawal", testerId, walletWei: amountWei });
      return;
    }
    case "DutyMissed":
      await changeTester(view, testerId, ({ missed }) => ({ missed: missed + 1 }));
      await penalize(view, at, testerId, event.penaltyWei, event.agreement);
      return;
    case "TesterCharged":
      if (event.overturned) {
        await changeTester(view, testerId, ({ overturned }) => ({ overturned: overturned + 1 }));
      }
      await penalize(view, at, testerId, event.amountWei, event.agreement);
      return;
    case "FeesWithdrawn": {
      const { account, amountWei } = event;
      await changeTester(view, testerId, ({ creditWei }) => ({ creditWei: creditWei - amountWei }));
      await addLine(view, at, account, { kind: "fee-withdrawal", testerId, walletWei: amountWei });
      return;
    }
    default:
      event satisfies never;
  }
}

/** Credits a tester for a report that stands. */
export async function creditFee(
  view: ModelView,
  at: LoggedEvent,
  testerId: number,
  feeWei: bigint,
  of: { readonly agreement: string; readonly epoch: number },
): Promise<void> {
  const { after } = await changeTester(view, testerId, ({ creditWei, earnedWei, reported }) => ({
    creditWei: creditWei + feeWei,
    earnedWei: earnedWei + feeWei,
    reported: reported + 1,
  }));
  if (feeWei > 0n) await addLine(view, at, after.account, { kind: "tester-fee", ...of, testerId, inWei: feeWei });
}

/** @throws SprfError `EVENTS_MISSING` for an account that never was a tester */
export async function testerIdOf(view: ModelView, account: string): Promise<number> {
  return known(await view.get(TABLES.testerOf, keys.account(account)), `tester ${account}`).id;
}

/** @throws SprfError `EVENTS_MISSING` when no event has registered the tester */
export async function changeTester(
  view: ModelView,
  testerId: number,
  change: (row: TesterRow) => Partial<TesterRow>,
): Promise<{ readonly before: TesterRow; readonly after: TesterRow }> {
  const before = known(await view.get(TABLES.testers, keys.number(testerId)), `tester ${testerId}`);
  const after = { ...before, ...change(before) };
  view.put(TABLES.testers, keys.number(testerId), after);
  return { before, after };
}

/** What is unbonding pays, too, when nothing else is left. */
async function penalize(
  view: ModelView,
  at: LoggedEvent,
  testerId: number,
  amountWei: bigint,
  agreement: string,
): Promise<void> {
  const { after } = await changeTester(view, testerId, (row) => {
    const stakeWei = row.stakeWei - amountWei;
    const unbondingWei = row.unbondingWei > stakeWei ? stakeWei : row.unbondingWei;
    return { stakeWei, unbondingWei, penalizedWei: row.penalizedWei + amountWei };
  });
  if (amountWei === 0n) return;
  await addLine(view, at, after.account, { kind: "penalty", agreement, testerId, outWei: amountWei });
}

/** An account that left and comes back has its old id, and what it left. */
async function register(
  view: ModelView,
  at: LoggedEvent,
  event: Extract<TesterEvent, { readonly name: "TesterRegistered" }>,
): Promise<void> {
  const { testerId, account, feePerEpochWei, capacity } = event;
  const before = await view.get(TABLES.testers, keys.number(testerId));
  const row: TesterRow = {
    testerId,
    account,
    unbondingWei: 0n,
    releaseBlock: 0,
    creditWei: 0n,
    earnedWei: 0n,
    penalizedWei: 0n,
    reported: 0,
    missed: 0,
    overturned: 0,
    ...before,
    active: true,
    feePerEpochWei,
    capacity,
    stakeWei: event.stakeWei + (before?.unbondingWei ?? 0n),
  };
  view.put(TABLES.testers, keys.number(testerId), row);
  view.put(TABLES.testerOf, keys.account(account), { id: testerId });
  await stakeMoved(view, at, row, row.stakeWei - (before?.stakeWei ?? 0n));
}

async function stakeMoved(
  view: ModelView,
  at: LoggedEvent,
  { account, testerId }: TesterRow,
  addedWei: bigint,
): Promise<void> {
  if (addedWei !== 0n) await addLine(view, at, account, { kind: "stake", testerId, walletWei: -addedWei });
}
