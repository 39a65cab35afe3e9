import { expect } from "chai";
import fc from "fast-check";

import {
  PAYOUT_KEEP_STROOPS,
  buildPayout,
  checkPayout,
  payoutShareStroops,
  payoutSharesStroops,
} from "../../../../src/domain/program/payout.ts";
import { parseXlm } from "../../../../src/domain/program/stroops.ts";
import { isSprfError } from "../../../../src/errors.ts";
import { recordCidOf } from "../../../../src/wire/canonical.ts";
import { keyOf } from "../../../helpers/smart-accounts.ts";

const spendable = fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 18n }), fc.bigInt({ min: 99_000_000n, max: 130_000_000n }));
const count = fc.integer({ min: 1, max: 20 });

describe("payout", () => {
  it("never comes to more than there is above what stays, and leaves less than a step a worker besides", () => {
    fc.assert(
      fc.property(spendable, count, (spendableStroops, workers) => {
        const share = payoutShareStroops({ spendableStroops, workers });
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

  it("is refused for any other share than the one that follows, its halves, or one step below them", () => {
    fc.assert(
      fc.property(
        spendable,
        count,
        fc.bigInt({ min: 0n, max: 10n ** 18n }),
        (spendableStroops, workers, shareStroops) => {
          const share = payoutShareStroops({ spendableStroops, workers }) ?? 0n;
          const allowed = [share, share - 1_000_000n].flatMap((most) => [1n, 2n, 4n, 8n, 16n].map((n) => most / n));
          fc.pre(!allowed.some((each) => shareStroops === each - (each % 1_000_000n)));
          expect(refusalOf({ spendableStroops, workers, shareStroops })).to.equal("PAYOUT_REFUSED");
        },
      ),
    );
  });

  it("leaves what waiting requests have paid, at the largest share of those that workers agree on", () => {
    fc.assert(
      fc.property(spendable, count, fc.bigInt({ min: 0n, max: 10n ** 18n }), (spendableStroops, workers, waiting) => {
        const waitingStroops = waiting % (spendableStroops + 1n);
        const shares = payoutSharesStroops({ spendableStroops, workers, waitingStroops });
        const all = payoutSharesStroops({ spendableStroops, workers });
        const isLeft = (share: bigint): boolean =>
          spendableStroops - share * BigInt(workers) >= waitingStroops + PAYOUT_KEEP_STROOPS;
        expect(shares).to.deep.equal(all.filter(isLeft));
        for (const shareStroops of all) {
          const refusal = refusalOf({ spendableStroops, workers, waitingStroops, shareStroops });
          expect(refusal).to.equal(isLeft(shareStroops) ? undefined : "PAYOUT_REFUSED");
          // Whoever knows of fewer requests agrees to what whoever knows of more proposes.
          if (isLeft(shareStroops)) checkPayout({ spendableStroops, workers, shareStroops });
        }
      }),
    );
  });
});

function refusalOf(payout: Parameters<typeof checkPayout>[0]): string | undefined {
  try {
    checkPayout(payout);
    return undefined;
  } catch (error) {
    return isSprfError(error) ? error.code : String(error);
  }
}
