import { basesOf, committedRecords, settledRecords } from "./messages.ts";
import type { RecordId } from "./records.ts";
import type { Model, State } from "./state.ts";

/** What must never be. */
export type Breach =
  | "C1: two records of one height are committed"
  | "C2: what is settled is not what is committed"
  | "C6: a new leader may go on without a committed record";

/** What is wrong in a state; undefined when nothing is. */
export function breachOf(model: Model, state: State): Breach | undefined {
  const committed = committedRecords(model, state);
  if (!isOneChain(model, committed)) return "C1: two records of one height are committed";
  if (!isOneChain(model, [...committed, ...settledRecords(model, state)])) {
    return "C2: what is settled is not what is committed";
  }
  return isCommittedKept(model, state, committed) ? undefined : "C6: a new leader may go on without a committed record";
}

/** Of any two records one stands above the other: there is one a height. */
function isOneChain({ tree }: Model, records: readonly RecordId[]): boolean {
  return records.every((a, index) => records.slice(index + 1).every((b) => tree.isBelow(a, b) || tree.isBelow(b, a)));
}

/** Whatever set of LeaderChanges was or is chosen for a term, what was committed before it stays. */
function isCommittedKept(model: Model, state: State, committed: readonly RecordId[]): boolean {
  const { bounds, rules, tree } = model;
  // Where nobody sees what a leader goes on from, a record is kept by those who do not ack another one.
  if (committed.length === 0 || rules.handover === "locks") return true;
  const isKept = (record: RecordId): boolean =>
    committed.every((each) => (tree.term[each] ?? 0) >= (tree.term[record] ?? 0) || tree.isBelow(each, record));
  if (!state.members.every(({ acked }) => acked.every(isKept))) return false;
  for (let term = 2; term <= bounds.terms; term += 1) {
    const before = committed.filter((record) => (tree.term[record] ?? 0) < term);
    for (const base of basesOf(model, state, term)) {
      if (!before.every((record) => tree.isBelow(record, base))) return false;
    }
  }
  return true;
}
