import type { Transaction } from "@stellar/stellar-sdk";

import type { ReturnRecord } from "../../wire/batch-record.ts";
import { hashRequest } from "../../wire/execution-request.ts";
import { isOrdered } from "../program/batch.ts";
import { buildReturn, returnInput } from "../program/return.ts";
import { fault, inputFaults, unlessEqual, type AuditFault } from "./fault.ts";
import type { HistoryContext, HistoryState } from "./history-state.ts";
import { verifyPaidOnce, verifyPrepaid } from "./verify-batch.ts";
import { verifyRebuilt } from "./verify-run.ts";

/**
 * Whether a return credits users with what they paid for requests that were not run, less the base fee. That it landed only when they
 * could not be run any more its transaction says.
 */
export function verifyReturn(
  before: HistoryState,
  record: ReturnRecord,
  recordCid: string,
  landed: Transaction,
  context: HistoryContext,
): readonly AuditFault[] {
  const { program, network, returned } = record;
  if (program !== context.program || network !== context.network) {
    return [fault("RECORD_OF_OTHER_PROGRAM", `it is for ${program}`)];
  }
  return [
    ...unlessEqual("STANDING_MISMATCH", record.state, before.state),
    ...unlessEqual("STANDING_MISMATCH", record.time, before.time),
    ...(isOrdered(returned) ? [] : [fault("INPUTS_DISORDERED")]),
    ...verifyPaidOnce(returned),
    ...returned.flatMap((input, index) => {
      const { returnedStroops = 0n } = returnInput(input, before.terms.baseFeeStroops) ?? {};
      return inputFaults(index, [
        ...verifyPrepaid(input, hashRequest(input.signedRequest.request), context),
        ...unlessEqual("RETURN_INVALID", input.returnedStroops, returnedStroops),
      ]);
    }),
    ...verifyRebuilt(() => buildReturn(record, recordCid), landed),
  ];
}
