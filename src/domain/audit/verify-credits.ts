import type { Credit } from "../../wire/credits.ts";
import type { ChainRecord, CreateRecord } from "../../wire/record.ts";
import { leftoversOf } from "../program/batch.ts";
import { addCredits, withoutCreditsOf } from "../program/credits.ts";
import { returnedLeftovers } from "../program/return.ts";
import { fault, type AuditFault } from "./fault.ts";
import type { HistoryState } from "./history-state.ts";

/**
 * Whether a record carries on what the program owes to users: batches and returns add to it, refunds take from it, all others leave
 * it.
 */
export function verifyCredits(
  { credits: before = [] }: Pick<HistoryState, "credits">,
  record: Exclude<ChainRecord, CreateRecord>,
): readonly AuditFault[] {
  const found = textsOf(record.credits ?? []);
  const expected = textsOf(creditsBy(before, record));
  const missing = expected.find((text) => !found.includes(text));
  if (missing !== undefined) return [fault("CREDITS_MISMATCH", `it leaves out ${missing}`)];
  const extra = found.find((text) => !expected.includes(text));
  return extra === undefined ? [] : [fault("CREDITS_MISMATCH", `it adds ${extra}`)];
}

function creditsBy(before: readonly Credit[], record: Exclude<ChainRecord, CreateRecord>): readonly Credit[] {
  if (record.kind === "batch") return addCredits(before, leftoversOf(record.inputs));
  if (record.kind === "return") return addCredits(before, returnedLeftovers(record.returned));
  if (record.kind !== "refund") return before;
  return withoutCreditsOf(
    before,
    record.payments.map(({ user }) => user),
  );
}

function textsOf(credits: readonly Credit[]): readonly string[] {
  return credits.map(({ user, stroops, since }) => `${stroops} stroops owed to ${user} since ${since}`);
}
