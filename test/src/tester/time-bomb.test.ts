import { expect } from "chai";

import { decideVerdict, type Decision } from "../../../src/domain/verdict/decide-verdict.ts";
import { repeatRuns } from "../../../src/execution/repeat-runs.ts";
import type { ExecutionAnswer } from "../../../src/wire/execution-answer.ts";
import { STATES } from "../../helpers/tester-probe.ts";

const usual: ExecutionAnswer = {
  requestHash: new Uint8Array(32),
  sequence: 1n,
  previousState: STATES[0],
  status: "accepted",
  outputCid: STATES[0],
  newState: STATES[0],
  gas: 1n,
};
const odd: ExecutionAnswer = { ...usual, newState: STATES[1] };
const HOURS_A_DAY = 24;

/** What a tester says of an honest worker, which ran the same program, in a container, at its own time. */
async function verdictOn(
  answer: ExecutionAnswer,
  run: () => ExecutionAnswer,
  vetted: boolean,
): Promise<Decision["verdict"]> {
  const signal = new AbortController().signal;
  const own = await repeatRuns(async () => await Promise.resolve(run()), {
    engine: "docker",
    signed: [answer],
    lastCall: signal,
    signal,
  });
  const probe = { kind: "answered", answer, onKnownState: true, own, engine: "docker", vetted } as const;
  return decideVerdict({ live: true }, probe).verdict;
}

/** Chai's own closeTo is replaced by one for bigints as soon as a test uses the chain. */
function expectNear(actual: number, expected: number, margin: number): void {
  expect(Math.abs(actual - expected) <= margin, `${actual} is not within ${margin} of ${expected}`).to.equal(true);
}

describe("tester: programs that are time-bombs", () => {
  it("should not call an honest worker wrong whose program is different only outside the tester's window", async () => {
    // It went off for the worker, and not for the tester; or the other way round.
    expect(await verdictOn(odd, () => usual, false)).to.equal("unreachable");
    expect(await verdictOn(usual, () => odd, false)).to.equal("unreachable");
  });

  it("should not call it wrong for a program that depends on the time of day, at any two times of day", async () => {
    const at = (hour: number): ExecutionAnswer => (hour < 12 ? usual : odd);
    for (let workerHour = 0; workerHour < HOURS_A_DAY; workerHour++) {
      for (let testerHour = 0; testerHour < HOURS_A_DAY; testerHour++) {
        expect(await verdictOn(at(workerHour), () => at(testerHour), false)).not.to.equal("wrong");
      }
    }
  });

  it("should give ok when the bomb goes off between the tester's own runs", async () => {
    let runs = 0;
    expect(await verdictOn(odd, () => (runs++ < 3 ? usual : odd), true)).to.equal("ok");
    expect(runs).to.equal(4);
  });

  it("should not run more than twice what nobody contradicts", async () => {
    let runs = 0;
    const run = (): ExecutionAnswer => {
      runs++;
      return usual;
    };
    expect(await verdictOn(usual, run, true)).to.equal("ok");
    expect(runs).to.equal(2);
    expect(await verdictOn(odd, run, true)).to.equal("wrong");
    expect(runs).to.equal(2 + 8);
  });

  it("should keep to its bound for a vetted program that is different in 1 of 4 runs, and never blame for one that is not", async () => {
    const rounds = 4_000;
    const random = seeded(11);
    const run = (): ExecutionAnswer => (random() < 1 / 4 ? odd : usual);
    let [wrong, blamedUnvetted] = [0, 0];
    for (let round = 0; round < rounds; round++) {
      if ((await verdictOn(run(), run, true)) === "wrong") wrong++;
      if ((await verdictOn(run(), run, false)) === "wrong") blamedUnvetted++;
    }
    expect(blamedUnvetted).to.equal(0);
    // p (1 - p)^8 + p^8 (1 - p), as repeat-runs.ts states it; four standard deviations.
    const bound = (1 / 4) * (3 / 4) ** 8 + (1 / 4) ** 8 * (3 / 4);
    expectNear(wrong / rounds, bound, 4 * Math.sqrt((bound * (1 - bound)) / rounds));
  });
});

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
