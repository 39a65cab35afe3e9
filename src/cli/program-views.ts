import type { ProgramStanding } from "../client/governance.ts";
import type { ChangeCost } from "../client/change-program.ts";
import { majorityOf } from "../domain/program/smart-account.ts";
import { printJson } from "./market-views.ts";
import { xlmOf } from "./program-options.ts";
import { formatRows } from "./text-table.ts";

const DAY_SECONDS = 86_400;

interface Format {
  readonly json: boolean;
}

export function printStanding(standing: ProgramStanding, { json }: Format): void {
  const { account, recovered, reserveStroops, payoutShareStroops, recoveryOpensInSeconds } = standing;
  const { id, image, state, baseFeeStroops, gasPriceStroops, owner, workers, sequence, spendableStroops } = account;
  if (json) {
    printJson({
      program: id,
      recovered,
      image,
      state,
      sequence,
      owner,
      baseFeeStroops,
      gasPriceStroops,
      workers,
      majority: majorityOf(workers.length),
      spendableStroops,
      reserveStroops,
      payoutShareStroops,
      recoveryOpensInSeconds,
    });
    return;
  }
  console.log(
    formatRows(
      ["program", id],
      [
        ["runs", image.digest === undefined ? image.address : `${image.address}@sha256:${image.digest}`],
        ["state", state],
        ["sequence", sequence.toString()],
        ["owner", owner ?? "nobody: it can not be changed"],
        ["base fee", `${baseFeeStroops} stroops a run`],
        ["gas price", `${gasPriceStroops} stroops per 1,000 gas`],
        ["held back", xlmOf(reserveStroops)],
        ["can spend", xlmOf(spendableStroops)],
        ["payout now", payoutShareStroops === undefined ? "none yet" : `${xlmOf(payoutShareStroops)} to each worker`],
        [
          "recovery",
          recovered ? "its owner recovered it, and has to give it workers" : opensIn(recoveryOpensInSeconds),
        ],
        ["must sign", `${majorityOf(workers.length)} of ${workers.length} workers`],
      ],
    ),
  );
  const rows = workers.map(({ address, ledgerKey }, i) => [`worker ${i + 1}`, address, ledgerKey]);
  console.log(`\n${formatRows(["", "address", "ledger key"], rows)}`);
}

/** What a change will cost, before it is asked whether to go on. */
export function printCost(cost: ChangeCost, { json }: Format): void {
  if (json) return printJson({ cost });
  const { addedReserveStroops, topUpStroops, maxFeeStroops } = cost;
  const reserve =
    addedReserveStroops < 0n ? `${xlmOf(-addedReserveStroops)} less` : `${xlmOf(addedReserveStroops)} more`;
  printRows("cost", [
    ["the account holds back", reserve],
    ["you pay to it", xlmOf(topUpStroops)],
    ["fee of the ledger", `at most ${xlmOf(maxFeeStroops)}`],
  ]);
}

export function printRows(title: string, rows: ReadonlyArray<readonly [string, string]>): void {
  console.log(formatRows([title, ""], rows));
}

/** What has landed, one line or one object. */
export function printLanded(
  line: string,
  landed: Readonly<Record<string, string | number | bigint | undefined>>,
  { json }: Format,
): void {
  if (json) return printJson(landed);
  console.log(line);
  for (const [name, value] of Object.entries(landed)) {
    if (value !== undefined) console.log(`  ${name}: ${value}`);
  }
}

function opensIn(seconds: number): string {
  if (seconds === 0) return "open to its owner: it has been silent for 30 days";
  return `opens to its owner after ${Math.ceil(seconds / DAY_SECONDS)} more days of silence`;
}
