import { readFile } from "node:fs/promises";

import { expect } from "chai";

import { committedRecords, settledRecords } from "./messages.ts";
import { printTrace } from "./print-trace.ts";
import { SOUND, type Bounds } from "./rules.ts";
import { search, type SearchOptions } from "./search.ts";
import { FAULTS, LOCKED_SEARCHES, LOCKS, SOUND_SEARCHES } from "./searches.ts";
import { hasTerm, type Member, type Model, type State } from "./state.ts";

/** The largest search is four minutes of a processor that does nothing else. */
const LONG_MS = 3_600_000;

interface Kept {
  readonly searches: readonly {
    readonly name: string;
    readonly states: number;
    readonly steps: number;
    readonly depth: number;
    readonly trace?: readonly string[];
  }[];
}

/** `npm run test:long` sets it. */
const isFull = process.env["SPRF_CHANNEL_MODEL"] === "full";

describe("the model of channels", () => {
  let kept: Kept;
  before(async () => {
    kept = JSON.parse(await readFile("bench/results/channel-model.json", "utf8")) as Kept;
  });

  for (const { name, bounds, rules, options, isUnsafe, isLong = false } of [
    ...SOUND_SEARCHES,
    ...FAULTS,
    ...LOCKED_SEARCHES,
  ]) {
    if (isLong && !isFull) continue;
    it(`${isUnsafe ? "is unsafe with" : "holds for"} ${name}`, () => {
      const { states, steps, depth, breach } = search(bounds, rules, options);
      const trace = breach === undefined ? undefined : printTrace(bounds, rules, breach.trace);
      expect(breach !== undefined, trace?.join("\n")).to.equal(isUnsafe);
      const found = { states, steps, depth, trace };
      const {
        states: keptStates,
        steps: keptSteps,
        depth: keptDepth,
        trace: keptTrace,
      } = kept.searches.find((each) => each.name === name) ?? {};
      expect(found, "node scripts/model-channels.ts writes what is kept").to.deep.equal({
        states: keptStates,
        steps: keptSteps,
        depth: keptDepth,
        trace: keptTrace,
      });
    }).timeout(LONG_MS);
  }

  it("comes to the same whether an fsync is a step of its own or not", () => {
    const bounds: Bounds = { members: 3, liars: 0, terms: 2, heights: 2 };
    const onDisk = (options: SearchOptions): Set<string> =>
      observed(bounds, options, ({ members, liarLeads }) =>
        JSON.stringify([members.map((member) => JSON.stringify({ ...member, pending: undefined })).sort(), liarLeads]),
      );
    expect(onDisk({ fsync: "a step" })).to.deep.equal(onDisk({ fsync: "at once" }));
  }).timeout(LONG_MS);

  for (const bounds of [
    { members: 3, liars: 0, terms: 2, heights: 3 },
    { members: 4, liars: 1, terms: 2, heights: 2 },
  ]) {
    it(`misses nothing that ${bounds.members} members can commit or settle by taking some steps at once`, () => {
      const outcomes = (options: SearchOptions): Set<string> =>
        observed(bounds, options, (state, model) =>
          [committedRecords(model, state), settledRecords(model, state)].map((each) => sorted(each).join()).join(" "),
        );
      const every = outcomes({ fsync: "at once" });
      const eager = [...outcomes({ fsync: "at once", isEager: true })].map(sets);
      for (const outcome of every) {
        const [committed, settled] = sets(outcome);
        const isCovered = eager.some(
          ([more, final]) =>
            [...(committed ?? [])].every((each) => more?.has(each)) &&
            [...(settled ?? [])].every((each) => final?.has(each)),
        );
        expect(isCovered, outcome).to.equal(true);
      }
    }).timeout(LONG_MS);
  }

  it("finds that a channel of three stops when one holds a certificate that its new leader did not see, with locks", () => {
    const bounds: Bounds = { members: 3, liars: 0, terms: 2, heights: 2 };
    const rules = { ...SOUND, ...LOCKS };
    const found = search(bounds, rules, { breach: (model, state) => stopped(model, state) });
    expect(found.breach?.what).to.match(/^a channel that stands still/);
    expect(found.breach && printTrace(bounds, rules, found.breach.trace)).to.include(
      "B signs a LeaderChange to term 2, which B is to lead; it holds no certificate",
    );
  });
});

/** Somebody holds a certificate for what the leader of the last term does not have, and will never ack what it has. */
function stopped({ tree, bounds }: Model, { members }: State): string | undefined {
  const leader = members.find(({ leads }) => hasTerm(leads, bounds.terms));
  const hasBegun = leader !== undefined && tree.term[leader.log] === bounds.terms;
  const isLocked = ({ certificate }: Member): boolean =>
    hasBegun && !tree.isBelow(certificate, leader.log) && tree.term[certificate] !== bounds.terms;
  return members.some(isLocked) ? "a channel that stands still: one of all that a quorum needs is locked" : undefined;
}

function observed(bounds: Bounds, options: SearchOptions, see: (state: State, model: Model) => string): Set<string> {
  const all = new Set<string>();
  search(bounds, SOUND, { ...options, visit: (model, state) => all.add(see(state, model)) });
  return all;
}

function sets(outcome: string): Set<string>[] {
  return outcome.split(" ").map((each) => new Set(each.split(",").filter((record) => record !== "")));
}

function sorted(records: readonly number[]): number[] {
  return [...records].sort((a, b) => a - b);
}
