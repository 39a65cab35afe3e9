import type { Transaction } from "@stellar/stellar-sdk";

import { messageOf } from "../../errors.ts";
import { equalBytes } from "../../utils/bytes.ts";
import { hashWithDomain } from "../../wire/canonical.ts";
import type { BatchInput } from "../../wire/batch-record.ts";
import { GAS_TABLE } from "../program/gas.ts";
import type { RunRecord } from "../program/run-record.ts";
import { programReference } from "../program/smart-account.ts";
import { fault, unlessEqual, type AuditFault } from "./fault.ts";
import type { HistoryContext, HistoryState } from "./history-state.ts";

const LIMIT_NAMES = ["memoryBytes", "outputBytes", "stateBytes"] as const;

/** Whether a record ran what the account named, on the state that was there, within the limits, and charged by the known table. */
export function verifyProgram(record: RunRecord, before: HistoryState, context: HistoryContext): readonly AuditFault[] {
  return [
    ...unlessEqual("PREVIOUS_STATE_MISMATCH", record.previousState, before.state),
    ...unlessEqual("IMAGE_MISMATCH", imageText(record.image), imageText(before.terms.image)),
    ...verifyLimits(record, context),
    ...(record.gasTable === GAS_TABLE ? [] : [fault("GAS_TABLE_UNKNOWN", String(record.gasTable))]),
  ];
}

/** Whether time and seed of a run follow from its payment and from the time of the run before. */
export function verifyEnvironment(
  { environment, payment }: Pick<BatchInput, "environment" | "payment">,
  requestHash: Uint8Array,
  timeBefore: bigint,
): readonly AuditFault[] {
  const time = payment.closeTime > timeBefore ? payment.closeTime : timeBefore;
  const seed = hashWithDomain("sprf/seed/1", requestHash, payment.ledgerHash);
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

function verifyLimits({ image, limits }: RunRecord, { limitsOf }: HistoryContext): readonly AuditFault[] {
  const reference = programReference(image.address, image.digest);
  if (reference === undefined) return [fault("IMAGE_MISMATCH", `${image.address} names no program that is pinned`)];
  const expected = limitsOf(reference.kind);
  const name = LIMIT_NAMES.find((each) => limits[each] !== expected[each]);
  return name === undefined ? [] : [fault("LIMITS_MISMATCH", `${name} ${limits[name]} instead of ${expected[name]}`)];
}

function imageText({ address, digest }: RunRecord["image"]): string {
  return digest === undefined ? address : `${address}@${digest}`;
}
