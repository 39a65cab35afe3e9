import type { LoggedEvent } from "../../ports/event-log.ts";
import type { AgreementEvent, DispatcherEvent } from "../../ports/market-events.ts";
import { known } from "./known.ts";
import { TABLES, keys, type AgreementRow } from "./rows.ts";
import { settleEpoch } from "./settle-epoch.ts";
import { addCredit, addLine, takeCredit } from "./statement.ts";
import type { ModelView } from "./view.ts";
import { putWorker, workerOf } from "./workers.ts";

type Created = Extract<DispatcherEvent, { readonly name: "AgreementCreated" }>;
type Withdrawn = Extract<AgreementEvent, { readonly name: "Withdrawn" }>;

export async function createAgreement(view: ModelView, at: LoggedEvent, event: Created): Promise<void> {
  const { agreement, client, number, terms, startBlock, lengthBlocks, paidWei } = event;
  putAgreement(view, {
    number,
    address: agreement,
    client,
    applicationType: event.applicationType,
    seats: terms.seats.map((seat) => ({ ...seat, epochsOk: 0, epochsUnreachable: 0, epochsWrong: 0 })),
    startBlock,
    endBlock: startBlock + lengthBlocks,
    epochLength: terms.epochLength,
    testerCount: terms.testerCount,
    testerFeePerEpochWei: terms.testerFeePerEpochWei,
    paidWei,
    unsettledWei: paidWei,
    settledEpochs: 0,
    terminated: false,
    finalized: false,
    createdBlock: at.block,
  });
  view.put(TABLES.agreementAt, keys.account(agreement), { number });
  view.put(TABLES.agreementsOfClient, keys.ofAccount(client, number), { number });
  for (const { workerId } of terms.seats) {
    view.put(TABLES.agreementsOfWorker, keys.ofNumber(workerId, number), { number });
  }
  await addLine(view, at, client, { kind: "purchase", agreement, outWei: paidWei, walletWei: -paidWei });
}

/** What agreements say; those that imitate one change nothing. */
export async function applyAgreementEvent(view: ModelView, at: LoggedEvent, event: AgreementEvent): Promise<void> {
  const row = await agreementAt(view, at.address);
  if (row === undefined) return;
  const agreement = row.address;
  switch (event.name) {
    case "ProgramBound":
      putAgreement(view, { ...row, program: event.ledgerAccount });
      return;
    case "EpochOpened": {
      const { epoch, testers } = event;
      view.put(TABLES.epochs, keys.ofNumber(row.number, epoch), {
        epoch,
        testers: [...testers],
        outcomes: [],
        reports: 0,
      });
      return;
    }
    case "EpochSettled":
      putAgreement(view, await settleEpoch(view, at, row, event));
      return;
    case "Extended": {
      const { lengthBlocks, paidWei, surplusWei } = event;
      const endBlock = row.startBlock + lengthBlocks;
      const after = { ...row, endBlock, paidWei: row.paidWei + paidWei, unsettledWei: row.unsettledWei + paidWei };
      putAgreement(view, after);
      await addCredit(view, row.client, row, surplusWei);
      const walletWei = -paidWei - surplusWei;
      await addLine(view, at, row.client, { kind: "extension", agreement, outWei: paidWei, walletWei });
      return;
    }
    case "Terminated": {
      const { endBlock, refundWei } = event;
      putAgreement(view, { ...row, endBlock, terminated: true, unsettledWei: row.unsettledWei - refundWei });
      await addCredit(view, row.client, row, refundWei);
      await addLine(view, at, row.client, { kind: "refund", agreement, inWei: refundWei });
      return;
    }
    case "WorkerResigned":
      await resign(view, at, row, event.workerIndex, event.epoch);
      return;
    case "Withdrawn":
      await withdraw(view, at, row, event);
      return;
    case "Finalized":
      putAgreement(view, { ...row, finalized: true });
      return;
    default:
      event satisfies never;
  }
}

/** Writes what an agreement that is over says of its workers into their rows. */
export async function recordAgreement(view: ModelView, at: LoggedEvent, address: string): Promise<void> {
  const { seats } = await requiredAgreement(view, address);
  for (const seat of seats) {
    const worker = await workerOf(view, seat.workerId);
    putWorker(view, at, {
      ...worker,
      epochsOk: worker.epochsOk + seat.epochsOk,
      epochsUnreachable: worker.epochsUnreachable + seat.epochsUnreachable,
      epochsWrong: worker.epochsWrong + seat.epochsWrong,
      agreementsCompleted: worker.agreementsCompleted + (seat.resignedFrom === undefined ? 1 : 0),
    });
  }
}

/** What a slash leaves the client for what it paid. */
export async function compensate(view: ModelView, at: LoggedEvent, address: string, amountWei: bigint): Promise<void> {
  if (amountWei === 0n) return;
  const row = await requiredAgreement(view, address);
  await addCredit(view, row.client, row, amountWei);
  await addLine(view, at, row.client, { kind: "compensation", agreement: row.address, inWei: amountWei });
}

/** @throws SprfError `EVENTS_MISSING` for an address that the market did not make */
export async function requiredAgreement(view: ModelView, address: string): Promise<AgreementRow> {
  return known(await agreementAt(view, address), `agreement ${address}`);
}

async function agreementAt(view: ModelView, address: string): Promise<AgreementRow | undefined> {
  const reference = await view.get(TABLES.agreementAt, keys.account(address));
  return reference === undefined ? undefined : await view.get(TABLES.agreements, keys.number(reference.number));
}

async function resign(
  view: ModelView,
  at: LoggedEvent,
  row: AgreementRow,
  workerIndex: number,
  epoch: number,
): Promise<void> {
  const seats = row.seats.map((seat, index) => (index === workerIndex ? { ...seat, resignedFrom: epoch } : seat));
  putAgreement(view, { ...row, seats });
  const { workerId } = known(row.seats[workerIndex], `worker ${workerIndex} of ${row.address}`);
  putWorker(view, at, await workerOf(view, workerId), { kind: "resigned", agreement: row.address, epoch });
}

async function withdraw(
  view: ModelView,
  at: LoggedEvent,
  row: AgreementRow,
  { account, amountWei }: Withdrawn,
): Promise<void> {
  const agreement = row.address;
  await takeCredit(view, account, row, amountWei);
  await addLine(view, at, account, { kind: "withdrawal", agreement, walletWei: amountWei });
}

function putAgreement(view: ModelView, row: AgreementRow): void {
  view.put(TABLES.agreements, keys.number(row.number), row);
}
