import { expect } from "chai";
import fc from "fast-check";

import {
  MAX_UNREACHABLE_EPOCHS,
  judgeWorkers,
  type EpochOutcomes,
} from "../../../../src/domain/market/judge-workers.ts";
import type { Outcome } from "../../../../src/ports/chain.ts";

const outcomeArbitrary = fc.constantFrom<Outcome>("ok", "unreachable", "wrong", "no-quorum");

type Mark = Outcome | `${Outcome}?`;

/** One worker's outcomes, all final but those marked with a question mark. */
function epochsOf(...marks: Mark[]): readonly EpochOutcomes[] {
  return marks.map((mark, epoch) => ({
    epoch,
    final: !mark.endsWith("?"),
    outcomes: [mark.replace("?", "") as Outcome],
  }));
}

const judged = (...marks: Mark[]): unknown =>
  judgeWorkers({ epochs: epochsOf(...marks), resignedFrom: [undefined] })[0];
const resigned = (epoch: number, ...marks: Mark[]): unknown =>
  judgeWorkers({ epochs: epochsOf(...marks), resignedFrom: [epoch] })[0];

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

  it("should call it bad as soon as it has resigned, unless it was bad before", () => {
    const left = { kind: "bad", reason: "resigned", epoch: 1 };
    expect(resigned(1)).to.deep.equal(left);
    expect(resigned(1, "ok", "resigned?")).to.deep.equal(left);
    expect(resigned(1, "ok", "wrong")).to.deep.equal(left);
    expect(resigned(1, "wrong")).to.deep.equal({ kind: "bad", reason: "wrong", epoch: 0 });
  });

  it("should judge each worker by its own outcomes, by the first reason, and never change its mind about final ones", () => {
    const rowsArbitrary = fc.array(fc.tuple(outcomeArbitrary, outcomeArbitrary), { maxLength: 12 });
    const resignedArbitrary = fc.option(fc.nat({ max: 12 }), { nil: undefined });
    fc.assert(
      fc.property(rowsArbitrary, resignedArbitrary, (rows, resignedFrom) => {
        const epochs = rows.map((outcomes, epoch) => ({ epoch, final: true, outcomes }));
        const both = judgeWorkers({ epochs, resignedFrom: [resignedFrom, undefined] });
        for (const index of [0, 1]) {
          const own = epochs.map((entry) => ({ ...entry, outcomes: [entry.outcomes[index] ?? "pending"] as const }));
          const left = index === 0 ? resignedFrom : undefined;
          const judgeAt = (count: number, from: number | undefined): unknown =>
            judgeWorkers({ epochs: own.slice(0, count), resignedFrom: [from] })[0];
          expect(judgeAt(own.length, left)).to.deep.equal(both[index]);
          // The first epoch after which it was bad, had it not resigned, tells whether it resigned in time.
          const count = own.findIndex((_, at) => (judgeAt(at + 1, undefined) as { kind: string }).kind === "bad") + 1;
          const early = count > 0 && (left === undefined || count <= left);
          expect(both[index]).to.deep.equal(early ? judgeAt(count, undefined) : judgeAt(0, left));
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
