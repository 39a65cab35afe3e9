import { SprfError } from "../../errors.ts";
import type { LoggedEvent } from "../../ports/event-log.ts";
import type { AgreementEvent } from "../../ports/market-events.ts";
import { payPanel } from "./disputes.ts";
import { TABLES, keys, type AgreementRow, type SeatRow } from "./rows.ts";
import { addCredit, addLine } from "./statement.ts";
import { creditFee, testerIdOf } from "./testers.ts";
import type { ModelView } from "./view.ts";
import { putWorker, workerOf } from "./workers.ts";

type Settled = Extract<AgreementEvent, { readonly name: "EpochSettled" }>;

/**
 * Credits an epoch as WorkAgreement does: each wei of its price goes to a worker or back to the client, each fee to a tester or back
 * to the client. Returns the agreement after it.
 *
 * @throws SprfError `EVENTS_MISSING` when an epoch before it is missing
 */
export async function settleEpoch(
  view: ModelView,
  at: LoggedEvent,
  row: AgreementRow,
  event: Settled,
): Promise<AgreementRow> {
  const { epoch, outcomes, reported } = event;
  if (epoch !== row.settledEpochs) {
    throw new SprfError("EVENTS_MISSING", `${row.address} settled epoch ${epoch} after ${row.settledEpochs} epochs`);
  }
  const agreement = row.address;
  const from = row.startBlock + epoch * row.epochLength;
  const blocks = BigInt(Math.min(from + row.epochLength, row.endBlock) - from);
  const hasQuorum = reported.length * 2 >= row.testerCount;
  let priceWei = 0n;
  let refundWei = row.testerFeePerEpochWei * BigInt(row.testerCount - reported.length);
  const seats: SeatRow[] = [];
  for (const [index, seat] of row.seats.entries()) {
    const outcome = outcomes[index] ?? "pending";
    const isPaid = outcome === "ok" || outcome === "no-quorum";
    const payWei = blocks * seat.pricePerBlockWei;
    priceWei += payWei;
    if (!isPaid) refundWei += payWei;
    await payWorker(view, at, row, seat, { epoch, outcome, payWei: isPaid ? payWei : 0n });
    seats.push({
      ...seat,
      epochsOk: seat.epochsOk + (isPaid && hasQuorum ? 1 : 0),
      epochsUnreachable: seat.epochsUnreachable + (outcome === "unreachable" ? 1 : 0),
      epochsWrong: seat.epochsWrong + (outcome === "wrong" ? 1 : 0),
    });
  }
  if (refundWei > 0n) {
    await addCredit(view, row.client, row, refundWei);
    await addLine(view, at, row.client, { kind: "refund", agreement, epoch, inWei: refundWei });
  }
  await payTesters(view, at, row, event);
  await payPanel(view, at, row, epoch);
  const feesWei = row.testerFeePerEpochWei * BigInt(row.testerCount);
  return { ...row, seats, settledEpochs: epoch + 1, unsettledWei: row.unsettledWei - priceWei - feesWei };
}

async function payWorker(
  view: ModelView,
  at: LoggedEvent,
  row: AgreementRow,
  { workerId, operator }: SeatRow,
  { epoch, outcome, payWei }: { readonly epoch: number; readonly outcome: string; readonly payWei: bigint },
): Promise<void> {
  const agreement = row.address;
  const worker = await workerOf(view, workerId);
  const after = { ...worker, earnedWei: worker.earnedWei + payWei };
  putWorker(view, at, after, { kind: "epoch", agreement, epoch, outcome, amountWei: payWei });
  if (payWei === 0n) return;
  await addCredit(view, operator, row, payWei);
  await addLine(view, at, operator, { kind: "pay", agreement, epoch, workerId, inWei: payWei });
}

/** The testers whose report stands, by their places among those drawn. */
async function payTesters(
  view: ModelView,
  at: LoggedEvent,
  row: AgreementRow,
  { epoch, outcomes, reported }: Settled,
): Promise<void> {
  const key = keys.ofNumber(row.number, epoch);
  const opened = await view.get(TABLES.epochs, key);
  const testers = opened?.testers ?? [];
  for (const place of reported) {
    const tester = testers[place];
    if (tester === undefined) {
      throw new SprfError("EVENTS_MISSING", `${row.address} has a report of epoch ${epoch} from a tester never drawn`);
    }
    const testerId = await testerIdOf(view, tester);
    await creditFee(view, at, testerId, row.testerFeePerEpochWei, { agreement: row.address, epoch });
  }
  view.put(TABLES.epochs, key, {
    epoch,
    testers,
    outcomes: [...outcomes],
    reports: reported.length,
    settledBlock: at.block,
  });
}
