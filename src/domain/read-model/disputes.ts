import type { LoggedEvent, MarketConstants } from "../../ports/event-log.ts";
import type { DisputeEvent } from "../../ports/market-events.ts";
import { known } from "./known.ts";
import { TABLES, keys, type AgreementRow, type DisputeRow } from "./rows.ts";
import { addLine } from "./statement.ts";
import { creditFee, testerIdOf, changeTester } from "./testers.ts";
import type { ModelView } from "./view.ts";
import { putWorker, workerOf } from "./workers.ts";

type BondWithdrawn = Extract<DisputeEvent, { readonly name: "BondWithdrawn" }>;

export async function applyBondWithdrawal(view: ModelView, at: LoggedEvent, event: BondWithdrawn): Promise<void> {
  const { account, amountWei } = event;
  await addBondCredit(view, account, -amountWei);
  await addLine(view, at, account, { kind: "bond-withdrawal", walletWei: amountWei });
}

/** Bonds, panels and what becomes of both in one epoch of an agreement, as contracts/market/Disputes.sol has them. */
export async function applyDisputeEvent(
  view: ModelView,
  at: LoggedEvent,
  event: Exclude<DisputeEvent, BondWithdrawn>,
  row: AgreementRow,
  { missPenaltyWei }: MarketConstants,
): Promise<void> {
  const { epoch } = event;
  const agreement = row.address;
  const before = await disputeOf(view, row.number, epoch);
  const put = (change: Partial<DisputeRow>): void =>
    view.put(TABLES.disputes, keys.ofNumber(row.number, epoch), { ...before, ...change });
  switch (event.name) {
    case "Appealed": {
      const { workerIndex, appellant } = event;
      put({ appeals: [...before.appeals, { workerIndex, appellant }] });
      const { workerId } = known(row.seats[workerIndex], `worker ${workerIndex} of ${agreement}`);
      putWorker(view, at, await workerOf(view, workerId), { kind: "appealed", agreement, epoch });
      await addLine(view, at, appellant, { kind: "bond", agreement, epoch, walletWei: -appealBondWei(row) });
      return;
    }
    case "PanelRevealed":
      put({ panel: [...before.panel, event.tester] });
      return;
    case "AppealResolved": {
      const { appellant } = known(
        before.appeals.find(({ workerIndex }) => workerIndex === event.workerIndex),
        `an appeal of epoch ${epoch} of ${agreement}`,
      );
      put({ chargedWei: 0n });
      // The bond pays of the panel's fees what those who were overturned do not.
      const costWei = panelFeesWei(row, before) - before.chargedWei;
      await addBondCredit(view, appellant, appealBondWei(row) - costWei);
      if (costWei > 0n) await addLine(view, at, appellant, { kind: "bond-loss", agreement, epoch, outWei: costWei });
      return;
    }
    case "Challenged": {
      const { seat, workerIndex, challenger } = event;
      put({ challenges: [...before.challenges, { seat, workerIndex, challenger }] });
      await addLine(view, at, challenger, { kind: "bond", agreement, epoch, walletWei: -missPenaltyWei });
      return;
    }
    case "ChallengeAnswered": {
      const challenger = challengerOf(before, event.seat, event.workerIndex);
      const tester = await testerAt(view, row, epoch, event.seat);
      await addLine(view, at, challenger, { kind: "bond-loss", agreement, epoch, outWei: missPenaltyWei });
      await addBondCredit(view, tester.account, missPenaltyWei);
      const { testerId, account } = tester;
      await addLine(view, at, account, { kind: "reward", agreement, epoch, testerId, inWei: missPenaltyWei });
      return;
    }
    case "ReportStruck": {
      const { seat, workers, rewardWei } = event;
      const { testerId } = await testerAt(view, row, epoch, seat);
      await changeTester(view, testerId, ({ missed }) => ({ missed: missed + 1 }));
      const shareWei = rewardWei / BigInt(workers.length);
      for (const workerIndex of workers) {
        const challenger = challengerOf(before, seat, workerIndex);
        await addBondCredit(view, challenger, missPenaltyWei + shareWei);
        if (shareWei > 0n) await addLine(view, at, challenger, { kind: "reward", agreement, epoch, inWei: shareWei });
      }
      return;
    }
    default:
      event satisfies never;
  }
}

/** Remembers what a tester was charged for its overturned verdict, until the appeal ends. */
export async function addCharge(view: ModelView, row: AgreementRow, amountWei: bigint): Promise<void> {
  // Charges come while an epoch is settled: the next one of the agreement.
  const before = await disputeOf(view, row.number, row.settledEpochs);
  const key = keys.ofNumber(row.number, row.settledEpochs);
  view.put(TABLES.disputes, key, { ...before, chargedWei: before.chargedWei + amountWei });
}

/** Pays the testers of the epoch's panel, each once for every appeal. */
export async function payPanel(view: ModelView, at: LoggedEvent, row: AgreementRow, epoch: number): Promise<void> {
  const dispute = await view.get(TABLES.disputes, keys.ofNumber(row.number, epoch));
  if (dispute === undefined) return;
  const feeWei = row.testerFeePerEpochWei * BigInt(dispute.appeals.length);
  for (const account of dispute.panel) {
    const testerId = await testerIdOf(view, account);
    await creditFee(view, at, testerId, feeWei, { agreement: row.address, epoch });
  }
}

async function disputeOf(view: ModelView, number: number, epoch: number): Promise<DisputeRow> {
  const row = await view.get(TABLES.disputes, keys.ofNumber(number, epoch));
  return row ?? { appeals: [], challenges: [], panel: [], chargedWei: 0n };
}

async function addBondCredit(view: ModelView, account: string, amountWei: bigint): Promise<void> {
  const key = keys.account(account);
  const before = await view.get(TABLES.bondCredits, key);
  const sumWei = (before?.amountWei ?? 0n) + amountWei;
  if (sumWei === 0n) view.delete(TABLES.bondCredits, key);
  else view.put(TABLES.bondCredits, key, { account, amountWei: sumWei });
}

function challengerOf({ challenges }: DisputeRow, seat: number, workerIndex: number): string {
  const found = challenges.find((challenge) => challenge.seat === seat && challenge.workerIndex === workerIndex);
  return known(found, `a challenge of seat ${seat} for worker ${workerIndex}`).challenger;
}

async function testerAt(
  view: ModelView,
  { number, address }: AgreementRow,
  epoch: number,
  seat: number,
): Promise<{ readonly testerId: number; readonly account: string }> {
  const testers = (await view.get(TABLES.epochs, keys.ofNumber(number, epoch)))?.testers;
  const account = known(testers?.[seat], `tester ${seat} of epoch ${epoch} of ${address}`);
  return { account, testerId: await testerIdOf(view, account) };
}

/** A panel has one seat more than twice as many as an epoch. */
function appealBondWei({ testerCount, testerFeePerEpochWei }: AgreementRow): bigint {
  return BigInt(2 * testerCount + 1) * testerFeePerEpochWei;
}

function panelFeesWei({ testerFeePerEpochWei }: AgreementRow, { panel }: DisputeRow): bigint {
  return BigInt(panel.length) * testerFeePerEpochWei;
}
