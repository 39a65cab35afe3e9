import { expect } from "chai";
import fc from "fast-check";

import { verifyCredits } from "../../../../src/domain/audit/verify-credits.ts";
import { leftoversOf } from "../../../../src/domain/program/batch.ts";
import { returnedLeftovers } from "../../../../src/domain/program/return.ts";
import { addCredits, creditFields, withoutCreditsOf } from "../../../../src/domain/program/credits.ts";
import {
  batchRecordArbitrary,
  creditsArbitrary,
  refundRecordArbitrary,
  returnRecordArbitrary,
} from "../../../helpers/batch-arbitraries.ts";
import { transitionRecordArbitrary } from "../../../helpers/execution-arbitraries.ts";

type Checked = Parameters<typeof verifyCredits>[1];
type Credits = Readonly<NonNullable<Checked["credits"]>>;

const owing = ({ credits: _credits, ...record }: Checked, credits: Credits): Checked => ({
  ...record,
  ...creditFields(credits),
});

describe("domain/audit/verify-credits", () => {
  it("should let batches and returns add what they leave, refunds take what they pay, and all others leave it", () => {
    fc.assert(
      fc.property(
        creditsArbitrary,
        batchRecordArbitrary,
        refundRecordArbitrary,
        returnRecordArbitrary,
        transitionRecordArbitrary,
        (credits, batch, refund, given, transition) => {
          const added = addCredits(credits, leftoversOf(batch.inputs));
          const [first] = credits;
          const payments = first === undefined ? refund.payments : [first];
          const left = withoutCreditsOf(
            credits,
            payments.map(({ user }) => user),
          );
          expect(verifyCredits({ credits }, owing(batch, added))).to.deep.equal([]);
          expect(verifyCredits({ credits }, owing({ ...refund, payments }, left))).to.deep.equal([]);
          const back = addCredits(credits, returnedLeftovers(given.returned));
          expect(verifyCredits({ credits }, owing(given, back))).to.deep.equal([]);
          expect(verifyCredits({ credits }, owing(transition, credits))).to.deep.equal([]);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("should name whoever is left out, is owed another amount, or since another time", () => {
    fc.assert(
      fc.property(creditsArbitrary, fc.nat(), transitionRecordArbitrary, (credits, n, transition) => {
        const robbed = credits[n % Math.max(1, credits.length)];
        fc.pre(robbed !== undefined);
        for (const changed of [
          [],
          [{ ...robbed, stroops: robbed.stroops + 1n }],
          [{ ...robbed, since: robbed.since + 1n }],
        ]) {
          const found = credits.flatMap((credit) => (credit === robbed ? changed : [credit]));
          const faults = verifyCredits({ credits }, owing(transition, found));
          expect(faults.map(({ code }) => code)).to.deep.equal(["CREDITS_MISMATCH"]);
          expect(faults[0]?.message).to.include(robbed.user);
          const more = verifyCredits(
            { credits: credits.filter((credit) => credit !== robbed) },
            owing(transition, credits),
          );
          expect(more[0]?.message).to.include(`adds ${robbed.stroops} stroops owed to ${robbed.user}`);
        }
      }),
      { numRuns: 50 },
    );
  });
});
