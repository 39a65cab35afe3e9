import { SprfError } from "../errors.ts";
import { timeOf } from "../domain/read-model/csv.ts";
import type { ReadModel } from "../indexer/read-model.ts";
import { etherOf, formatRows, percentOf } from "./text-table.ts";

interface Format {
  readonly json: boolean;
}

type AgreementFilter = Parameters<ReadModel["agreements"]>[0];

export async function printWorkers(model: ReadModel, { json, limit }: Format & { limit: number }): Promise<void> {
  const workers = await model.workers({ limit });
  if (json) {
    printJson({ block: (await model.asOf()).block, workers });
    return;
  }
  const rows = workers.map((worker) => [
    String(worker.workerId),
    worker.status,
    etherOf(worker.pricePerBlockWei),
    String(worker.maxLengthBlocks),
    `${worker.slotsUsed}/${worker.slots}`,
    percentOf(worker.reputation),
    percentOf(worker.uptime),
    etherOf(worker.stakeWei),
    worker.operator,
  ]);
  const header = ["id", "status", "ether/block", "max blocks", "slots", "reputation", "uptime", "stake", "operator"];
  console.log(formatRows(header, rows));
}

export async function printWorker(
  model: ReadModel,
  workerId: number,
  { json, limit }: Format & { limit: number },
): Promise<void> {
  const worker = await model.worker(workerId);
  if (worker === undefined) throw new SprfError("INVALID_INPUT", `there is no worker ${workerId}`);
  const history = await model.history(workerId, { limit });
  if (json) {
    printJson({ block: (await model.asOf()).block, worker, history });
    return;
  }
  const { epochsOk, epochsUnreachable, epochsWrong } = worker;
  console.log(
    formatRows(
      ["worker", String(workerId)],
      [
        ["operator", worker.operator],
        ["twin", String(worker.twinId)],
        ["status", worker.status],
        ["price per block", `${etherOf(worker.pricePerBlockWei)} ether`],
        ["longest agreement", `${worker.maxLengthBlocks} blocks`],
        ["slots", `${worker.slotsUsed} of ${worker.slots} in use`],
        ["reputation", percentOf(worker.reputation)],
        ["uptime", percentOf(worker.uptime)],
        ["epochs", `${epochsOk} ok, ${epochsUnreachable} unreachable, ${epochsWrong} wrong`],
        ["agreements completed", String(worker.agreementsCompleted)],
        ["earned", `${etherOf(worker.earnedWei)} ether`],
        ["stake", `${etherOf(worker.stakeWei)} ether, of it locked ${etherOf(worker.lockedWei)}`],
        ["slashed", `${etherOf(worker.slashedWei)} ether`],
      ],
    ),
  );
  const rows = history.map((entry) => [
    String(entry.block),
    timeOf(entry),
    entry.kind,
    entry.agreement ?? "",
    entry.epoch === undefined ? "" : String(entry.epoch),
    entry.outcome ?? (entry.reputation === undefined ? "" : percentOf(entry.reputation)),
    entry.amountWei === undefined ? "" : etherOf(entry.amountWei),
  ]);
  console.log(`\n${formatRows(["block", "time", "what", "agreement", "epoch", "outcome", "ether"], rows)}`);
}

export async function printAgreements(model: ReadModel, filter: AgreementFilter, { json }: Format): Promise<void> {
  const agreements = await model.agreements(filter);
  const { head, block } = await model.asOf();
  if (json) {
    printJson({ block, agreements });
    return;
  }
  const rows = agreements.map((agreement) => [
    String(agreement.number),
    agreement.address,
    agreement.finalized ? "finalized" : head < agreement.endBlock ? "running" : "ended",
    String(agreement.startBlock),
    String(agreement.endBlock),
    String(agreement.settledEpochs),
    agreement.seats.map(({ workerId }) => workerId).join(" "),
    etherOf(agreement.paidWei),
    agreement.client,
  ]);
  const header = ["number", "agreement", "state", "start", "end", "settled", "workers", "paid", "client"];
  console.log(formatRows(header, rows));
}

export async function printDue(model: ReadModel, account: string, { json }: Format): Promise<void> {
  const due = await model.due(account);
  const { block } = await model.asOf();
  if (json) {
    printJson({ block, due });
    return;
  }
  const rows = [
    ...due.credits.map(({ agreement, amountWei }) => [`agreement ${agreement}`, etherOf(amountWei), ""]),
    ["fees as a tester", etherOf(due.feesWei), ""],
    ["bonds and rewards", etherOf(due.bondsWei), ""],
    ...due.stakes.map(({ from, id, amountWei, releaseBlock }) => [
      `stake of ${from} ${id}`,
      etherOf(amountWei),
      releaseBlock <= block + 1 ? "" : `from block ${releaseBlock}`,
    ]),
    ["all that can be withdrawn now", etherOf(due.nowWei), ""],
  ];
  console.log(formatRows([`due to ${account}`, "ether", ""], rows));
}

/** Amounts as strings of digits, since JSON's numbers do not hold them. */
export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? each.toString() : each)));
}
