import type { LandedRecord } from "../../../src/execution/walk-records.ts";
import { toHex } from "../../../src/utils/bytes.ts";
import type { BatchRecord, ReturnRecord } from "../../../src/wire/batch-record.ts";
import { hashRequest } from "../../../src/wire/execution-request.ts";
import type { MoneyEvent, Watch } from "./watch.ts";

/** Gas is priced by the thousand. */
const GAS_UNIT = 1_000n;

/** A program, and what it could spend when the simulation began. */
export interface ExaminedProgram {
  readonly id: string;
  readonly spendableStroops: bigint;
}

type OwnEvent = Extract<MoneyEvent, { kind: "own" }>;

/**
 * Keeps the books of a program anew, from what the ledger moved and what its records say (P6): each user of the prepaid form gets
 * back what is left of the payment, to the stroop and once; workers are paid the same, and never out of what is owed to users or of
 * the reserve; nothing else goes out, and in the end nothing is owed.
 */
export function examineMoney(watch: Watch, program: ExaminedProgram, records: readonly LandedRecord[]): void {
  const recordOf = new Map(records.map(({ recordCid, record }) => [recordCid, record]));
  const owed = new Map<string, bigint>();
  let spendable = program.spendableStroops;
  const wrong = (what: string): void => watch.breach(`P6: ${program.id}: ${what}`);

  function addLeftovers({ inputs, terms }: BatchRecord): void {
    for (const { signedRequest, gas, status } of inputs) {
      const { request } = signedRequest;
      const paid = watch.paidFor(toHex(hashRequest(request)));
      if (paid === undefined) return wrong(`a batch holds a request of ${request.user} that nobody paid for`);
      if ((status === "out-of-gas") !== gas > request.maxGas && status === "accepted") wrong("accepted beyond its gas");
      const used = gas < request.maxGas ? gas : request.maxGas;
      const price = terms.baseFeeStroops + (used * terms.gasPriceStroops + GAS_UNIT - 1n) / GAS_UNIT;
      const left = paid - price;
      if (left > 0n) owed.set(request.user, (owed.get(request.user) ?? 0n) + left);
    }
  }

  function addReturned({ returned }: ReturnRecord): void {
    for (const { signedRequest, paidStroops, returnedStroops } of returned) {
      const { request } = signedRequest;
      const paid = watch.paidFor(toHex(hashRequest(request)));
      if (paid !== paidStroops)
        wrong(`a return says that ${request.user} paid ${paidStroops} stroops, not ${paid ?? 0n}`);
      if (returnedStroops >= paidStroops) wrong(`a return gives ${request.user} all of ${paidStroops} stroops`);
      owed.set(request.user, (owed.get(request.user) ?? 0n) + returnedStroops);
    }
  }

  function checkRefund({ payments }: OwnEvent): void {
    for (const { to, stroops } of payments) {
      if (owed.get(to) !== stroops) wrong(`${to} was paid back ${stroops} stroops, and was owed ${owed.get(to) ?? 0n}`);
      owed.delete(to);
    }
  }

  function checkOwn(event: OwnEvent): void {
    const record = recordOf.get(event.recordCid);
    const { payments } = event;
    spendable -= payments.reduce((sum, { stroops }) => sum + stroops, 0n);
    if (record?.kind === "batch") addLeftovers(record);
    if (record?.kind === "return") addReturned(record);
    if (record?.kind === "refund") checkRefund(event);
    else if (record?.kind === "payout") {
      if (new Set(payments.map(({ stroops }) => stroops)).size > 1) wrong("workers were paid unequally");
      const paid = payments.map(({ to }) => to).sort();
      if (paid.join() !== [...record.workers].sort().join()) wrong("a payout went to others than the workers");
    } else if (payments.length > 0) wrong(`a record of kind ${record?.kind} paid ${payments.length} accounts`);
    const owes = [...owed.values()].reduce((sum, stroops) => sum + stroops, 0n);
    if (payments.length > 0 && spendable < owes) {
      wrong(`${record?.kind} left ${spendable} stroops above the reserve, and ${owes} are owed to users`);
    }
  }

  for (const event of watch.moneyOf(program.id)) {
    if (event.kind === "in") spendable += event.stroops;
    else checkOwn(event);
  }
  for (const [user, stroops] of owed) wrong(`${user} never got ${stroops} stroops back`);
}
