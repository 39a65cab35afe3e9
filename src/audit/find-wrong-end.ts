import { fault } from "../domain/audit/fault.ts";
import type { HistoryContext, HistoryState } from "../domain/audit/history-state.ts";
import { hashOfEnvelope } from "../domain/audit/verify-link.ts";
import { verifyTip } from "../domain/audit/verify-tip.ts";
import { blamed } from "./blame.ts";
import type { LedgerWitness } from "./confirm-on-ledger.ts";
import type { Look } from "./look-at.ts";
import type { WrongLink } from "./report.ts";

/** What is wrong between the last record of a history and the account as it is now; undefined when nothing is. */
export async function findWrongEnd(
  witness: LedgerWitness,
  { account, tip, network }: Look,
  { last, context }: { readonly last: HistoryState; readonly context: HistoryContext },
  { signal }: { readonly signal: AbortSignal },
): Promise<WrongLink | undefined> {
  const end = { number: last.count + 1, kind: "unrecorded" };
  const success = await witness.firstSuccess(tip.skipped, { signal });
  if (success !== undefined) {
    const faults = [fault("UNRECORDED", `${success.hash} succeeded in ledger ${success.ledger}`)];
    return { ...end, ...blamed(success.envelope, last, network), faults };
  }
  const isSame = hashOfEnvelope(tip.envelope) === last.envelopeHash;
  const faults = [
    ...(isSame ? [] : [fault("ENVELOPE_MISMATCH", "the ledger holds another than an earlier audit saw")]),
    ...verifyTip(account, last, { skipped: tip.skipped.length, recovered: tip.recovered }, context),
  ];
  return faults.length > 0 ? { ...end, faults, signedBy: [] } : undefined;
}
