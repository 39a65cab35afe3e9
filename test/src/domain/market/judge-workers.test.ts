import { expect } from "chai";
import fc from "fast-check";

import {
  MAX_UNREACHABLE_EPOCHS,
  judgeWorkers,
  type EpochOutcomes,
} from "../../../../src/domain/market/judge-workers.ts";
import type { Outcome } from "../../../../src/ports/chain.ts";

const outcomeArbitrary = fc.constantFrom<Outcome>("ok", "unreachable", "wrong", "no-quorum", "resigned");

type Mark = Outcome | `${Outcome}?`;

/** One worker's outcomes, all final but those marked with a question mark. */
function epochsOf(...marks: Mark[]): readonly EpochOutcomes[] {
  return marks.map((mark, epoch) => ({
    epoch,
    final: !mark.endsWith("?"),
    outcomes: [mark.replace("?", "") as Outcome],
  }));
}

const judged = (...marks: Mark[]): unknown => judgeWorkers(1, epochsOf(...marks))[0];

describe("domain/market/judge-workers", () => {
  it("should call a worker bad for one final wrong answer, and not for one that can still be appealed", () => {
    expect(judged("ok", "wrong", "ok")).to.deep.equal({ kind: "bad", reason: "wrong", epoch: 1 });
    expect(judged("ok", "wrong?")).to.deep.equal({ kind: "good" });
  });

  it("should call it bad when it did not serve for too many epochs in a row", () => {
    expect(judged("unreachable", "unreachable", "ok", "unreachable", "unreachable")).to.deep.equal({ kind: "good" });
    const bad = { kind: "bad", reason: "unreachable", epoch: 3 };
    expect(judged("ok", "unreachable", "unreachable", "unreachable")).to.deep.equal(bad);
    expect(judged("ok", "unreachable", "unreachable?", "wrong?")).to.deep.equal(bad);
    expect(judged("unreachable", "no-quorum", "unreachable", "unreachable")).to.deep.equal(bad);
  });

  it("should call it bad when it has resigned", () => {
    expect(judged("ok", "resigned?")).to.deep.equal({ kind: "bad", reason: "resigned", epoch: 1 });
  });

  it("should judge each worker by its own outcomes, by the first reason, and never change its mind about final ones", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(outcomeArbitrary, outcomeArbitrary), { maxLength: 12 }), (rows) => {
        const epochs = rows.map((outcomes, epoch) => ({ epoch, final: true, outcomes }));
        const both = judgeWorkers(2, epochs);
        for (const index of [0, 1]) {
          const own = epochs.map((entry) => ({ ...entry, outcomes: [entry.outcomes[index] ?? "pending"] as const }));
          expect(judgeWorkers(1, own)).to.deep.equal([both[index]]);
          const firstBad = epochs.findIndex((_, at) => judgeWorkers(1, own.slice(0, at + 1))[0]?.kind === "bad");
          const judgement = both[index];
          expect(judgement?.kind === "bad" ? judgement.epoch : -1).to.equal(firstBad);
        }
      }),
    );
  });

  it("should allow for a constant number of misses", () => {
    const misses = Array.from({ length: MAX_UNREACHABLE_EPOCHS }, () => "unreachable" as const);
    expect(judged(...misses)).to.have.property("kind", "bad");
    expect(judged(...misses.slice(1))).to.have.property("kind", "good");
  });
});
