import { expect } from "chai";

import { seededRandom } from "../../helpers/seeded-random.ts";
import type { ChannelEvent } from "./events.ts";
import { equals } from "./log-book.ts";
import { eventsOf, logOf } from "./log-of-trace.ts";
import { createRecordTree } from "./records.ts";
import { SOUND } from "./rules.ts";
import { allSteps, search, take } from "./search.ts";
import { FAULTS } from "./searches.ts";
import { initialStates, type Model } from "./state.ts";
import { validateLog } from "./validate-log.ts";

const WALKS = 300;
const MAX_STEPS = 80;
const LONG_MS = 120_000;

/** A log of one channel of A, B and C, in which `A` leads term 1 and everything goes well up to height 1. */
const HONEST: readonly ChannelEvent[] = [
  ...["A", "B", "C"].flatMap((member): ChannelEvent[] => [
    { kind: "played", member, term: 1, height: 1, hash: "a", previous: "" },
    { kind: "acked", member, term: 1, height: 1, hash: "a", certified: 0 },
  ]),
  ...["A", "B", "C"].flatMap((member): ChannelEvent[] => [
    { kind: "certificate", member, term: 1, height: 1, hash: "a" },
    { kind: "acked", member, term: 1, height: 1, hash: "a", certified: 1 },
    { kind: "voted", member, height: 1, hash: "a" },
  ]),
  { kind: "committed", member: "A", height: 1, hash: "a" },
  { kind: "settled", height: 1, hash: "a" },
];
const OF = { members: ["A", "B", "C"] };

describe("the judge of channels' logs", () => {
  for (const bounds of [
    { members: 3, liars: 0, terms: 3, heights: 3 },
    { members: 4, liars: 1, terms: 3, heights: 3 },
  ]) {
    it(`finds nothing wrong with any way of the model of ${bounds.members} members`, () => {
      const model: Model = { bounds, rules: SOUND, fsync: "a step", tree: createRecordTree(bounds) };
      let commits = 0;
      let changes = 0;
      for (let seed = 1; seed <= WALKS; seed += 1) {
        const { events, of } = walk(model, seed);
        expect(validateLog(events, of), `seed ${seed}`).to.equal(undefined);
        commits += events.filter(({ kind }) => kind === "committed").length;
        changes += events.filter(({ kind }) => kind === "termBegun").length;
      }
      // Or it has seen nothing.
      expect(commits).to.be.greaterThan(WALKS / 10);
      expect(changes).to.be.greaterThan(WALKS / 10);
    }).timeout(LONG_MS);
  }

  it("takes for committed what liars can commit by themselves, and nothing that needs somebody honest", () => {
    const of = { members: ["A", "B", "C"], liars: ["A"] };
    const by = (members: readonly string[]): readonly ChannelEvent[] => [
      { kind: "played", member: "B", term: 1, height: 1, hash: "a", previous: "", voters: equals(members) },
      { kind: "committed", member: "B", height: 1, hash: "a" },
    ];
    expect(validateLog(by(["A"]), of)).to.equal(undefined);
    expect(validateLog(by(["A", "B"]), of)?.what).to.equal("no quorum has said that it holds a certificate for it");
  });

  for (const { name, bounds, rules, options } of FAULTS) {
    // Those of three terms take longer to find, and have nothing else in their logs.
    if (bounds.terms > 2) continue;
    it(`does not let pass the log of ${name}`, () => {
      const { breach } = search(bounds, rules, options);
      const model: Model = { bounds, rules, fsync: options.fsync ?? "a step", tree: createRecordTree(bounds) };
      const { initial, steps, states } = breach?.trace ?? expect.fail("nothing was found");
      const events = steps.flatMap((step, index) =>
        eventsOf(model, states[index] ?? initial, step, states[index + 1] ?? initial),
      );
      // What may happen next is a breach as well: then the log of the step that does it has to be found.
      const last = states.at(-1) ?? initial;
      const endings = allSteps(model, last).map((step) => eventsOf(model, last, step, take(model, last, step)));
      const of = logOf(initial, bounds.liars);
      const complaints = [[], ...endings].map((ending) => validateLog([...events, ...ending], of));
      expect(complaints.some((complaint) => complaint !== undefined)).to.equal(true);
    }).timeout(LONG_MS);
  }

  it("takes a log in which all goes well", () => {
    expect(validateLog(HONEST, OF)).to.equal(undefined);
  });

  const spoiled: Record<string, readonly ChannelEvent[]> = {
    "a record that takes back one of its own term": [
      { kind: "played", member: "B", term: 1, height: 1, hash: "b", previous: "" },
    ],
    "a record of a term that nobody leads": [
      { kind: "played", member: "B", term: 2, height: 2, hash: "b", previous: "a" },
    ],
    "an ack of what is not on the disk": [{ kind: "acked", member: "B", term: 1, height: 2, hash: "b", certified: 1 }],
    "an ack that claims too much": [
      { kind: "played", member: "B", term: 1, height: 2, hash: "b", previous: "a" },
      { kind: "acked", member: "B", term: 1, height: 2, hash: "b", certified: 2 },
    ],
    "a certificate of too few": [
      { kind: "played", member: "B", term: 1, height: 2, hash: "b", previous: "a" },
      { kind: "certificate", member: "B", term: 1, height: 2, hash: "b" },
    ],
    "a LeaderChange that hides the certificate": [{ kind: "termChange", member: "B", term: 2, newLeader: "B" }],
    "an ack after the LeaderChange": [
      { kind: "termChange", member: "B", term: 2, newLeader: "B", certificate: { term: 1, height: 1, hash: "a" } },
      { kind: "acked", member: "B", term: 1, height: 1, hash: "a", certified: 1 },
    ],
    "a leader with too few LeaderChanges": [
      { kind: "termChange", member: "B", term: 2, newLeader: "B", certificate: { term: 1, height: 1, hash: "a" } },
      { kind: "termBegun", member: "B", term: 2, answers: ["B"], base: { height: 1, hash: "a" } },
    ],
    "a leader that goes on from less than it was told": [
      { kind: "termChange", member: "B", term: 2, newLeader: "B", certificate: { term: 1, height: 1, hash: "a" } },
      { kind: "termChange", member: "C", term: 2, newLeader: "B", certificate: { term: 1, height: 1, hash: "a" } },
      { kind: "termBegun", member: "B", term: 2, answers: ["B", "C"], base: { height: 0, hash: "" } },
    ],
    "a commit that nobody may claim": [
      { kind: "played", member: "B", term: 1, height: 2, hash: "b", previous: "a" },
      { kind: "committed", member: "B", height: 2, hash: "b" },
    ],
    "a settlement without votes": [
      { kind: "played", member: "B", term: 1, height: 2, hash: "b", previous: "a" },
      { kind: "settled", height: 2, hash: "b" },
    ],
    "a word of one that is down": [
      { kind: "crash", member: "B" },
      { kind: "acked", member: "B", term: 1, height: 1, hash: "a", certified: 1 },
    ],
    "a disk that forgot its certificate": [
      { kind: "crash", member: "B" },
      { kind: "restart", member: "B", term: 1, head: { height: 1, hash: "a" } },
    ],
    "a disk that forgot its head": [
      { kind: "crash", member: "B" },
      { kind: "restart", member: "B", term: 1, head: { height: 0, hash: "" } },
    ],
    "somebody that is no member": [{ kind: "cut", member: "D", height: 0 }],
  };
  for (const [what, events] of Object.entries(spoiled)) {
    it(`complains of ${what}`, () => {
      const complaint = validateLog([...HONEST, ...events], OF);
      expect(complaint?.index).to.equal(HONEST.length + events.length - 1);
    });
  }
});

/** Any way through the model, as its members would log it. */
function walk(model: Model, seed: number): { readonly events: ChannelEvent[]; readonly of: ReturnType<typeof logOf> } {
  const random = seededRandom(seed);
  const initial = random.pick(initialStates(model));
  const events: ChannelEvent[] = [];
  let state = initial;
  for (let count = 0; count < MAX_STEPS; count += 1) {
    const all = allSteps(model, state);
    // A walk that changes terms whenever it may is over soon.
    const calm = all.filter(({ step }) => step.kind !== "change" && step.kind !== "crash");
    const steps = calm.length > 0 && random.below(10) > 0 ? calm : all;
    if (steps.length === 0) break;
    const step = random.pick(steps);
    const next = take(model, state, step);
    events.push(...eventsOf(model, state, step, next));
    state = next;
  }
  return { events, of: logOf(initial, model.bounds.liars) };
}
