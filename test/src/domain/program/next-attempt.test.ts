import { expect } from "chai";
import fc from "fast-check";

import { MAX_ATTEMPTS, nextAttempt, type PastAttempt } from "../../../../src/domain/program/next-attempt.ts";

/** What can happen to a request between two times that it is asked. */
type Event = "asked" | "landed" | "failed" | "overtaken";

describe("domain/program/next-attempt", () => {
  const past = (sequence: bigint, landed: PastAttempt["landed"]): PastAttempt => ({ sequence, landed });

  it("should run a request that was never run", () => {
    expect(nextAttempt([], 7n)).to.deep.equal({ kind: "run" });
  });

  it("should repeat the answer of the present sequence", () => {
    expect(nextAttempt([past(7n, "no"), past(8n, "no")], 8n)).to.deep.equal({ kind: "repeat", index: 1 });
  });

  it("should repeat what landed, on any sequence", () => {
    expect(nextAttempt([past(7n, "no"), past(8n, "success")], 12n)).to.deep.equal({ kind: "repeat", index: 1 });
  });

  it("should refuse after a failed landing, and after three tries", () => {
    expect(nextAttempt([past(7n, "failure")], 8n).kind).to.equal("refuse");
    expect(nextAttempt([past(7n, "no"), past(8n, "no"), past(9n, undefined)], 10n).kind).to.equal("refuse");
  });

  it("should never let one payment land twice, run it more than three times, or sign one sequence twice", () => {
    const events = fc.array(fc.constantFrom<Event>("asked", "landed", "failed", "overtaken"), { maxLength: 40 });
    fc.assert(
      fc.property(events, fc.boolean(), (happened, moves) => {
        let sequence = 1n;
        const attempts: { sequence: bigint; landed: PastAttempt["landed"] }[] = [];
        for (const event of happened) {
          const open = attempts.find((attempt) => attempt.sequence === sequence && attempt.landed === "no");
          if (event === "asked") {
            const next = nextAttempt(attempts, sequence);
            if (next.kind === "run") attempts.push({ sequence, landed: moves ? "no" : undefined });
            if (next.kind === "repeat") expect(attempts[next.index]).not.to.equal(undefined);
          } else if (event === "overtaken") {
            sequence += 1n;
          } else if (open !== undefined) {
            // A transaction lands on the sequence that it was made for alone, and moves it.
            open.landed = event === "landed" ? "success" : "failure";
            sequence += 1n;
          }
        }
        expect(attempts.filter(({ landed }) => landed === "success" || landed === "failure")).to.have.length.at.most(1);
        expect(attempts).to.have.length.at.most(MAX_ATTEMPTS);
        expect(new Set(attempts.map((attempt) => attempt.sequence)).size).to.equal(attempts.length);
      }),
    );
  });
});
