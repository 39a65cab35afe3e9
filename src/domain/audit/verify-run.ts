import type { Transaction } from "@stellar/stellar-sdk";

import { messageOf } from "../../errors.ts";
import { equalBytes } from "../../utils/bytes.ts";
import type { BatchInput } from "../../wire/batch-record.ts";
import { GAS_TABLES } from "../program/gas.ts";
import { environmentOf } from "../program/run-environment.ts";
import { differenceOfLimits } from "../program/run-limits.ts";
import type { RunRecord } from "../program/run-record.ts";
import { programReference } from "../program/smart-account.ts";
import { fault, unlessEqual, type AuditFault } from "./fault.ts";
import type { HistoryContext, HistoryState } from "./history-state.ts";

/**
 * Whether a record ran what the account named, on the state that was there, within limits that there
 * were, and charged by a table that there was. */
export function verifyProgram(record: RunRecord, before: HistoryState, context: HistoryContext): readonly AuditFault[] {
  return [
    ...unlessEqual("PREVIOUS_STATE_MISMATCH", record.previousState, before.state),
    ...unlessEqual("IMAGE_MISMATCH", imageText(record.image), imageText(before.terms.image)),
    ...verifyLimits(record, context),
    ...(GAS_TABLES.has(record.gasTable) ? [] : [fault("GAS_TABLE_UNKNOWN", String(record.gasTable))]),
  ];
}

/** Whether time and seed of a run follow from its payment and from the time of the run before. */
export function verifyEnvironment(
  { environment, payment }: Pick<BatchInput, "environment" | "payment">,
  requestHash: Uint8Array,
  timeBefore: bigint,
): readonly AuditFault[] {
  const { time, seed } = environmentOf(payment, requestHash, timeBefore);
  return [
    ...unlessEqual("TIME_MISMATCH", environment.time, time),
    ...(equalBytes(environment.seed, seed) ? [] : [fault("SEED_MISMATCH")]),
  ];
}

/** Builds a transaction anew; equal hashes mean equal bytes, the signatures aside. */
export function verifyRebuilt(build: () => Transaction, landed: Transaction): readonly AuditFault[] {
  try {
    return equalBytes(build().hash(), landed.hash()) ? [] : [fault("TRANSACTION_MISMATCH")];
  } catch (error) {
    // Amounts and sequences that the ledger has none of.
    return [fault("TRANSACTION_MISMATCH", messageOf(error))];
  }
}

function verifyLimits({ image, limits }: RunRecord, { limitTables }: HistoryContext): readonly AuditFault[] {
  const reference = programReference(image.address, image.digest);
  if (reference === undefined) return [fault("IMAGE_MISMATCH", `${image.address} names no program that is pinned`)];
  const difference = differenceOfLimits(limits, reference.kind, limitTables);
  return difference === undefined ? [] : [fault("LIMITS_MISMATCH", difference)];
}

function imageText({ address, digest }: RunRecord["image"]): string {
  return digest === undefined ? address : `${address}@${digest}`;
}
