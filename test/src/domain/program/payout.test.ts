import { expect } from "chai";
import fc from "fast-check";

import {
  PAYOUT_KEEP_STROOPS,
  buildPayout,
  checkPayout,
  checkWaiting,
  payoutShareStroops,
} from "../../../../src/domain/program/payout.ts";
import { parseXlm } from "../../../../src/domain/program/stroops.ts";
import { recordCidOf } from "../../../../src/wire/canonical.ts";
import { keyOf } from "../../../helpers/smart-accounts.ts";

const spendable = fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 18n }), fc.bigInt({ min: 99_000_000n, max: 130_000_000n }));
const count = fc.integer({ min: 1, max: 20 });

describe("payout", () => {
  it("never comes to more than there is above what stays, and leaves less than a step a worker besides", () => {
    fc.assert(
      fc.property(spendable, count, (spendableStroops, workers) => {
        const share = payoutShareStroops(spendableStroops, workers);
        if (share === undefined) {
          expect(spendableStroops < 100_000_000n).to.equal(true);
          return;
        }
        const left = spendableStroops - share * BigInt(workers);
        expect(left >= PAYOUT_KEEP_STROOPS).to.equal(true);
        expect(left < PAYOUT_KEEP_STROOPS + 1_000_000n * BigInt(workers)).to.equal(true);
        checkPayout({ spendableStroops, workers, shareStroops: share });
        const transaction = buildPayout({
          network: "payout",
          program: keyOf(99).publicKey(),
          sequence: 1n,
          recordCid: recordCidOf(new Uint8Array([1])),
          maxTime: 60n,
          workers: Array.from({ length: workers }, (_, i) => keyOf(i + 1).publicKey()),
          shareStroops: share,
        });
        const paid = transaction.operations.map((operation) =>
          operation.type === "payment" ? parseXlm(operation.amount) : 0n,
        );
        expect(paid).to.deep.equal(Array.from({ length: workers }, () => share));
      }),
      { numRuns: 60 },
    );
  });

  it("is refused while more was prepaid for what waits than stays after it", () => {
    checkWaiting(PAYOUT_KEEP_STROOPS);
    expect(() => checkWaiting(PAYOUT_KEEP_STROOPS + 1n))
      .to.throw()
      .with.property("code", "PAYOUT_REFUSED");
  });

  it("is refused for any other share than the one that follows, or one step below it", () => {
    fc.assert(
      fc.property(
        spendable,
        count,
        fc.bigInt({ min: 0n, max: 10n ** 18n }),
        (spendableStroops, workers, shareStroops) => {
          const share = payoutShareStroops(spendableStroops, workers);
          fc.pre(shareStroops !== share && shareStroops + 1_000_000n !== share);
          expect(() => checkPayout({ spendableStroops, workers, shareStroops }))
            .to.throw()
            .with.property("code", "PAYOUT_REFUSED");
        },
      ),
    );
  });
});
