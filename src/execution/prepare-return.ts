import { chooseInputs, type PaidInput } from "../domain/program/batch.ts";
import { timeAfter } from "../domain/program/chain-record.ts";
import { buildReturn, returnCredits, returnInput } from "../domain/program/return.ts";
import type { ReturnRecord } from "../wire/batch-record.ts";
import type { BatchBase } from "./batch-base.ts";
import { anchorableOf, placeOf, type Anchorable } from "./run-batch.ts";

/**
 * Builds what gives back the payments of requests that were not run in time, as many as fit.
 *
 * @returns undefined when nothing of them is to be given back
 */
export function prepareReturn(
  base: BatchBase,
  { inputs, validUntil }: { readonly inputs: readonly PaidInput[]; readonly validUntil: bigint },
): Anchorable<ReturnRecord> | undefined {
  const due = inputs.filter((input) => returnInput(input, base.terms.baseFeeStroops) !== undefined);
  const returned = chooseInputs(due).flatMap((input) => returnInput(input, base.terms.baseFeeStroops) ?? []);
  if (returned.length === 0) return undefined;
  const record: ReturnRecord = {
    version: 1,
    kind: "return",
    network: base.network,
    program: base.program,
    validUntil,
    sequence: base.sequence,
    state: base.state,
    time: timeAfter(base.previousRecord),
    returned,
    ...placeOf(base),
    ...returnCredits(base.previousRecord, returned),
  };
  return anchorableOf(record, buildReturn);
}
