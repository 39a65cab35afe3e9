import { expect } from "chai";
import fc from "fast-check";

import { judgeProbe, type WatchState } from "../../../../src/domain/grid/watch.ts";

const CONTRACT = 5;
const CANCEL_AFTER_MS = 1_000;

/** What comes of probes at these times, one after the other. */
const play = (probes: ReadonlyArray<readonly [atMs: number, isWell: boolean]>, cancelAfterMs?: number) => {
  let state: WatchState = new Map();
  return probes.map(([atMs, isWell]) => {
    const judged = judgeProbe(
      state,
      { contractId: CONTRACT, atMs, faults: isWell ? [] : ["silent"] },
      { cancelAfterMs },
    );
    ({ state } = judged);
    return judged.verdict;
  });
};

describe("domain/grid/watch", () => {
  it("cancels what was dead at every probe for so long", () => {
    const verdicts = play(
      [
        [0, false],
        [900, false],
        [1_000, false],
      ],
      CANCEL_AFTER_MS,
    );
    expect(verdicts.map((verdict) => verdict.kind === "dead" && verdict.isToCancel)).to.deep.equal([
      false,
      false,
      true,
    ]);
  });

  it("begins anew after a deployment was well once, and says that it is back", () => {
    const verdicts = play(
      [
        [0, false],
        [900, true],
        [1_000, false],
        [1_900, false],
      ],
      CANCEL_AFTER_MS,
    );
    expect(verdicts[1]).to.deep.equal({ kind: "well", contractId: CONTRACT, isBack: true });
    expect(verdicts.some((verdict) => verdict.kind === "dead" && verdict.isToCancel)).to.equal(false);
  });

  it("never cancels after a single probe, nor without a policy, nor when the clock goes backwards", () => {
    const probes = fc.array(fc.tuple(fc.nat(10_000), fc.boolean()), { maxLength: 12 });
    fc.assert(
      fc.property(probes, (list) => {
        expect(play(list).some((verdict) => verdict.kind === "dead" && verdict.isToCancel)).to.equal(false);
        for (const [index, verdict] of play(list, CANCEL_AFTER_MS).entries()) {
          if (verdict.kind !== "dead" || !verdict.isToCancel) continue;
          const [, wasWell = true] = list[index - 1] ?? [];
          expect(wasWell).to.equal(false);
          expect(verdict.forMs >= CANCEL_AFTER_MS).to.equal(true);
        }
      }),
    );
  });
});
