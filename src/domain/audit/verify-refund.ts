import type { Transaction } from "@stellar/stellar-sdk";

import type { RefundRecord } from "../../wire/batch-record.ts";
import { buildRefund } from "../program/refund.ts";
import { fault, unlessEqual, type AuditFault } from "./fault.ts";
import type { HistoryContext, HistoryState } from "./history-state.ts";
import { verifyRebuilt } from "./verify-run.ts";

/** Whether a refund pays users what the program owed them, and does nothing else. */
export function verifyRefund(
  before: HistoryState,
  record: RefundRecord,
  recordCid: string,
  landed: Transaction,
  context: HistoryContext,
): readonly AuditFault[] {
  const { program, network, payments } = record;
  if (program !== context.program || network !== context.network) {
    return [fault("RECORD_OF_OTHER_PROGRAM", `it is for ${program}`)];
  }
  const users = new Set(payments.map(({ user }) => user));
  const owed = (before.credits ?? []).filter(({ user }) => users.has(user));
  return [
    ...unlessEqual("STANDING_MISMATCH", record.state, before.state),
    ...unlessEqual("STANDING_MISMATCH", record.time, before.time),
    ...unlessEqual("REFUND_INVALID", paymentsText(payments), paymentsText(owed)),
    ...verifyRebuilt(() => buildRefund(record, recordCid), landed),
  ];
}

function paymentsText(payments: ReadonlyArray<{ readonly user: string; readonly stroops: bigint }>): string {
  return payments.map(({ user, stroops }) => `${stroops} to ${user}`).join() || "nothing";
}
