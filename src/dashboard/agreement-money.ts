import type { AgreementRow, EpochRow } from "../domain/read-model/rows.ts";
import type { FlowView, PayeeView } from "./views.ts";

/** Where an agreement's money has gone and goes. */
export interface AgreementMoney {
  readonly flow: readonly FlowView[];
  readonly payees: readonly PayeeView[];
  /** By seat. */
  readonly paidToSeat: readonly bigint[];
}

/**
 * What settled epochs moved, as WorkAgreement credits them: a block's price to the worker where the epoch was good or had no
 * quorum, else back to the client; a fee to each tester whose report stands. What is to come is taken to go well.
 */
export function agreementMoney(row: AgreementRow, epochs: readonly EpochRow[]): AgreementMoney {
  const { seats, startBlock, endBlock, epochLength, testerCount, testerFeePerEpochWei } = row;
  const byNumber = new Map(epochs.map((epoch) => [epoch.epoch, epoch]));
  const paidToSeat = seats.map(() => 0n);
  const toTesters = new Map<string, bigint>();
  let toClientWei = 0n;
  const flow: FlowView[] = [];
  // From the first epoch that is shown on: of a very long agreement that is not its own first.
  const first = epochs[0]?.epoch ?? 0;
  for (let epoch = first; startBlock + epoch * epochLength < endBlock; epoch++) {
    const fromBlock = startBlock + epoch * epochLength;
    const toBlock = Math.min(fromBlock + epochLength, endBlock);
    const blocks = BigInt(toBlock - fromBlock);
    const found = byNumber.get(epoch);
    const isSettled = found?.settledBlock !== undefined;
    let workersWei = 0n;
    let clientWei = isSettled ? testerFeePerEpochWei * BigInt(testerCount - found.reports) : 0n;
    for (const [index, { pricePerBlockWei, resignedFrom }] of seats.entries()) {
      const outcome = isSettled ? found.outcomes[index] : (resignedFrom ?? Infinity) <= epoch ? "resigned" : "ok";
      const payWei = blocks * pricePerBlockWei;
      if (outcome !== "ok" && outcome !== "no-quorum") {
        clientWei += payWei;
        continue;
      }
      workersWei += payWei;
      if (isSettled) paidToSeat[index] = (paidToSeat[index] ?? 0n) + payWei;
    }
    const reports = isSettled ? found.reports : testerCount;
    if (isSettled) toClientWei += clientWei;
    // Which of the drawn testers were paid the index does not keep apart, unless all were.
    if (isSettled && reports === found.testers.length) {
      for (const tester of found.testers) toTesters.set(tester, (toTesters.get(tester) ?? 0n) + testerFeePerEpochWei);
    }
    flow.push({
      fromBlock,
      toBlock,
      isSettled,
      toWorkersWei: String(workersWei / blocks),
      toTestersWei: String((testerFeePerEpochWei * BigInt(reports)) / blocks),
      toClientWei: String(clientWei / blocks),
    });
  }
  return { flow, payees: payeesOf(row, paidToSeat, toTesters, toClientWei), paidToSeat };
}

function payeesOf(
  { seats, client }: AgreementRow,
  paidToSeat: readonly bigint[],
  toTesters: ReadonlyMap<string, bigint>,
  toClientWei: bigint,
): readonly PayeeView[] {
  const workers = seats.map(({ workerId, operator }, index) => ({
    account: operator,
    role: "worker" as const,
    name: `worker ${workerId}`,
    paidWei: String(paidToSeat[index] ?? 0n),
  }));
  const testers = [...toTesters].map(([account, paidWei]) => ({
    account,
    role: "tester" as const,
    name: "tester",
    paidWei: String(paidWei),
  }));
  return [
    ...workers,
    ...testers,
    { account: client, role: "client", name: "client (back)", paidWei: String(toClientWei) },
  ];
}
