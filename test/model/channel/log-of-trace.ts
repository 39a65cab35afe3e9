import type { CertificateRef, ChannelEvent, RecordRef } from "./events.ts";
import { committedRecords, isHigher, settledRecords } from "./messages.ts";
import { GENESIS, type RecordId } from "./records.ts";
import type { Step } from "./search.ts";
import { hasTerm, type Member, type Model, type State } from "./state.ts";
import type { LogOf } from "./validate-log.ts";

const NAMES = ["A", "B", "C", "D"];
const LIAR = "X";

/** Whose log a way from this state is: the leader of term 1 comes first. */
export function logOf({ members, liarLeads }: State, liars: number): LogOf {
  const names = members.map((_, index) => NAMES[index] ?? "?");
  const first = members.findIndex(({ leads }) => leads !== 0);
  const all = liars > 0 ? [...names, LIAR] : names;
  const leader = liarLeads === 0 ? (names[first] ?? "?") : LIAR;
  return { members: [leader, ...all.filter((name) => name !== leader)], liars: liars > 0 ? [LIAR] : [] };
}

/** What a node would log of one step of the model, and what others make of what is said then. */
export function eventsOf(
  model: Model,
  before: State,
  { member: index, step, opens }: Step,
  after: State,
): ChannelEvent[] {
  const { tree, bounds } = model;
  const [was, is] = [before.members[index], after.members[index]];
  const member = NAMES[index] ?? "?";
  if (was === undefined || is === undefined) return [];
  const events: ChannelEvent[] = [];
  if (step.kind === "change") {
    const newLeader = leaderOf(step.term);
    events.push({
      kind: "termChange",
      member,
      term: step.term,
      newLeader,
      certificate: certificateRef(is.certificate),
    });
  }
  if (step.kind === "crash") {
    events.push({ kind: "crash", member });
    const certificate = certificateRef(is.certificate);
    events.push({ kind: "restart", member, term: is.term, head: recordRef(is.log), certificate });
  }
  if (is.log !== was.log) events.push(...playing(was, is));
  if (is.certificate !== was.certificate && is.log === was.log) {
    const certificate = certificateRef(is.certificate);
    if (certificate !== undefined) events.push({ kind: "certificate", member, ...certificate });
  }
  const [acked] = is.acked.filter((tip) => !was.acked.includes(tip));
  const [held] = is.holds.filter((tip) => !was.holds.includes(tip));
  if (acked !== undefined || held !== undefined) {
    const of = acked ?? is.log;
    const certified = held ?? is.holds.find((tip) => tree.term[tip] === tree.term[of]) ?? GENESIS;
    const term = tree.term[of] ?? 0;
    events.push({ kind: "acked", member, term, ...recordRef(of), certified: tree.height[certified] ?? 0 });
  }
  for (const tip of is.voted) if (!was.voted.includes(tip)) events.push({ kind: "voted", member, ...recordRef(tip) });
  for (const record of newOf(committedRecords)) events.push({ kind: "committed", member, ...recordRef(record) });
  for (const record of newOf(settledRecords)) events.push({ kind: "settled", ...recordRef(record) });
  return events;

  function playing(from: Member, to: Member): ChannelEvent[] {
    const played: ChannelEvent[] = [];
    const chain = tree.chain(to.log);
    const kept = chain.filter((record) => tree.isBelow(record, from.log)).length;
    if (!tree.isBelow(from.log, to.log)) played.push({ kind: "cut", member, height: kept });
    const base = tree.parent[to.log] ?? GENESIS;
    const term = tree.term[to.log] ?? 0;
    for (const record of chain.slice(kept)) {
      if (record === to.log && term > 1 && hasTerm(to.leads, term) && tree.term[base] !== term) {
        const answers = before.members.flatMap(({ changes }, of) => {
          const named = changes[term];
          return named === undefined || isHigher(model, named, base) ? [] : [NAMES[of] ?? "?"];
        });
        if (bounds.liars > 0) answers.push(LIAR);
        played.push({ kind: "termBegun", member, term, answers, base: recordRef(base) });
      }
      const previous = recordRef(tree.parent[record] ?? GENESIS).hash;
      played.push({ kind: "played", member, term: tree.term[record] ?? 0, ...recordRef(record), previous });
    }
    return played;
  }

  function newOf(find: (of: Model, state: State) => readonly RecordId[]): RecordId[] {
    const old = find(model, before);
    return find(model, after).filter((record) => !old.includes(record));
  }

  function leaderOf(term: number): string {
    if (opens === "liar" || hasTerm(after.liarLeads, term)) return LIAR;
    return NAMES[after.members.findIndex(({ leads }) => hasTerm(leads, term))] ?? "?";
  }

  function recordRef(record: RecordId): RecordRef {
    return { height: tree.height[record] ?? 0, hash: record === GENESIS ? "" : tree.name(record) };
  }

  function certificateRef(record: RecordId): CertificateRef | undefined {
    return record === GENESIS ? undefined : { ...recordRef(record), term: tree.term[record] ?? 0 };
  }
}
