import { expect } from "chai";
import fc from "fast-check";

import { findMajority } from "../../../../src/domain/program/majority.ts";
import { majorityOf } from "../../../../src/domain/program/smart-account.ts";
import type { SignedAnswer } from "../../../../src/wire/execution-answer.ts";
import { STATE, keyOf } from "../../../helpers/smart-accounts.ts";

/** An answer by one worker; equal opinions are equal answers. */
function answerOf(worker: number, opinion: number): SignedAnswer {
  return {
    answer: {
      requestHash: new Uint8Array(32),
      sequence: 7n,
      previousState: STATE,
      status: "accepted",
      outputCid: STATE,
      newState: STATE,
      gas: BigInt(opinion),
    },
    worker: keyOf(worker).publicKey(),
    signature: new Uint8Array(64),
    messageSignature: new Uint8Array(65),
  };
}

describe("domain/program/majority", () => {
  const answers = fc
    .integer({ min: 1, max: 20 })
    .chain((workers) =>
      fc.tuple(fc.constant(workers), fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: workers })),
    );

  it("should find the group of int(N/2)+1 or more equal answers, and no smaller one", () => {
    fc.assert(
      fc.property(answers, ([workers, opinions]) => {
        const signed = opinions.map((opinion, worker) => answerOf(worker + 1, opinion));
        const counts = opinions.map((opinion) => opinions.filter((other) => other === opinion).length);
        const largest = Math.max(0, ...counts);
        const result = findMajority(signed, workers, workers - opinions.length);
        expect(result.kind === "majority").to.equal(largest >= majorityOf(workers));
        if (result.kind !== "majority") return;
        expect(result.answers).to.have.length(largest);
        expect(new Set(result.answers.map(({ answer }) => answer.gas)).size).to.equal(1);
      }),
    );
  });

  it("should give up exactly when no answers that are still out could make a majority", () => {
    fc.assert(
      fc.property(answers, ([workers, opinions]) => {
        const signed = opinions.map((opinion, worker) => answerOf(worker + 1, opinion));
        const outstanding = workers - opinions.length;
        const { kind } = findMajority(signed, workers, outstanding);
        const reachable = [0, 1, 2, 3].some((opinion) => {
          const rest = Array.from({ length: outstanding }, (_, i) => answerOf(opinions.length + i + 1, opinion));
          return findMajority([...signed, ...rest], workers, 0).kind === "majority";
        });
        expect(kind === "none").to.equal(!reachable);
      }),
    );
  });

  it("should not depend on the order of the answers", () => {
    fc.assert(
      fc.property(answers, fc.array(fc.nat(), { minLength: 20, maxLength: 20 }), ([workers, opinions], order) => {
        const signed = opinions.map((opinion, worker) => answerOf(worker + 1, opinion));
        const keyed = signed.map((answer, i) => ({ answer, key: order[i] ?? 0 }));
        const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ answer }) => answer);
        const outstanding = workers - opinions.length;
        expect(findMajority(shuffled, workers, outstanding).kind).to.equal(
          findMajority(signed, workers, outstanding).kind,
        );
      }),
    );
  });
});
