import { StrKey } from "@stellar/stellar-sdk";

import type { AgreementRow, EpochRow } from "../domain/read-model/rows.ts";
import { SprfError } from "../errors.ts";
import type { ReadModel } from "../indexer/read-model.ts";
import { fromHex } from "../utils/bytes.ts";
import { agreementMoney } from "./agreement-money.ts";
import { summaryOf } from "./market-rows.ts";
import type { AgreementView } from "./views.ts";

/** Epochs that a page shows: the newest. */
const MAX_EPOCHS = 1_000;
const EPOCHS_AT_ONCE = 500;

/** An agreement by its number or address. @throws SprfError `INVALID_INPUT` when there is none */
export async function agreementView(model: ReadModel, id: string): Promise<AgreementView> {
  const row = /^\d{1,12}$/.test(id) ? await model.agreement(Number(id)) : await model.agreementAt(id);
  if (row === undefined) throw new SprfError("INVALID_INPUT", `there is no agreement ${id}`);
  const epochs = await epochsOf(model, row);
  const { number, seats, startBlock, endBlock, epochLength, testerCount, terminated, createdBlock, program } = row;
  const { flow, payees, paidToSeat } = agreementMoney(row, epochs);
  return {
    ...summaryOf(row),
    seats: seats.map((seat, index) => ({
      ...seat,
      pricePerBlockWei: String(seat.pricePerBlockWei),
      paidWei: String(paidToSeat[index] ?? 0n),
    })),
    testerCount,
    testerFeePerEpochWei: String(row.testerFeePerEpochWei),
    unsettledWei: String(row.unsettledWei),
    terminated,
    createdBlock,
    ...(program === undefined ? {} : { program: ledgerAddress(program) }),
    epochCount: Math.ceil((endBlock - startBlock) / epochLength),
    epochs: epochs.map((each) => {
      const fromBlock = startBlock + each.epoch * epochLength;
      return { ...each, fromBlock, toBlock: Math.min(fromBlock + epochLength, endBlock) };
    }),
    flow,
    payees,
    number,
  };
}

async function epochsOf(model: ReadModel, { number }: AgreementRow): Promise<readonly EpochRow[]> {
  const epochs: EpochRow[] = [];
  for (;;) {
    const last = epochs.at(-1);
    const page = await model.epochs(number, {
      limit: EPOCHS_AT_ONCE,
      ...(last === undefined ? {} : { from: last.epoch }),
    });
    epochs.push(...page);
    if (page.length < EPOCHS_AT_ONCE) return epochs.slice(-MAX_EPOCHS);
  }
}

function ledgerAddress(program: string): string {
  return StrKey.encodeEd25519PublicKey(Buffer.from(fromHex(program.slice(2))));
}
