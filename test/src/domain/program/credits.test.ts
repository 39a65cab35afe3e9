import { expect } from "chai";
import fc from "fast-check";

import { addCredits, creditFields, creditsAfter, owedStroops } from "../../../../src/domain/program/credits.ts";
import { chooseRefunds, refundFields } from "../../../../src/domain/program/refund.ts";
import { MAX_REFUNDS } from "../../../../src/wire/batch-record.ts";
import { MAX_CREDITS, type Credit } from "../../../../src/wire/credits.ts";
import type { ChainRecord } from "../../../../src/wire/record.ts";
import { creditsArbitrary, refundRecordArbitrary } from "../../../helpers/batch-arbitraries.ts";

describe("domain/program/credits", () => {
  const [sample] = fc.sample(refundRecordArbitrary, { numRuns: 1, seed: 4 });
  const recordWith = (credits: readonly Credit[]): ChainRecord => {
    const { credits: _credits, ...rest } = sample!;
    return { ...rest, ...creditFields(credits) };
  };
  const sum = (credits: readonly { readonly stroops: bigint }[]): bigint =>
    credits.reduce((total, { stroops }) => total + stroops, 0n);

  it("should conserve what was prepaid: charged, paid back or owed, never more (P6)", () => {
    const user = fc.integer({ min: 0, max: 6 }).map((n) => `G${n}`);
    const prepaid = fc.record({
      user,
      paidStroops: fc.bigInt({ min: 0n, max: 10n ** 9n }),
      share: fc.integer({ min: 0, max: 100 }),
    });
    const step = fc.oneof(
      fc.record({ kind: fc.constant("batch" as const), inputs: fc.array(prepaid, { maxLength: 8 }) }),
      fc.record({ kind: fc.constant("refund" as const), users: fc.array(user, { maxLength: 4 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let record = recordWith([]);
        let [paidIn, charged, paidBack] = [0n, 0n, 0n];
        for (const [at, each] of steps.entries()) {
          if (each.kind === "batch") {
            const leftovers = each.inputs.map(({ user, paidStroops, share }) => {
              const chargedStroops = (paidStroops * BigInt(share)) / 100n;
              paidIn += paidStroops;
              charged += chargedStroops;
              return { user, stroops: paidStroops - chargedStroops, at: BigInt(at) };
            });
            record = recordWith(addCredits(creditsAfter(record), leftovers));
          } else {
            const refund = refundFields(record, new Set(each.users));
            if (refund === undefined) continue;
            paidBack += sum(refund.payments);
            record = recordWith(refund.credits ?? []);
          }
          expect(charged + paidBack + owedStroops(record)).to.equal(paidIn);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("should keep users in order, once each, with the time of what is owed longest", () => {
    fc.assert(
      fc.property(creditsArbitrary, creditsArbitrary, (before, more) => {
        const after = addCredits(
          before,
          more.map(({ user, stroops, since }) => ({ user, stroops, at: since })),
        );
        expect(after.map(({ user }) => user)).to.deep.equal([...new Set(after.map(({ user }) => user))].toSorted());
        expect(sum(after)).to.equal(sum(before) + sum(more));
        for (const { user, since } of before) expect(after.find((each) => each.user === user)?.since).to.equal(since);
      }),
    );
  });

  it("should forfeit the oldest where there is no room, and only then", () => {
    const full = Array.from({ length: MAX_CREDITS }, (_, n) => ({
      user: `G${String(n).padStart(4, "0")}`,
      stroops: 1n,
      since: BigInt(MAX_CREDITS - n),
    }));
    const after = addCredits(full, [{ user: "GZ", stroops: 9n, at: 10_000n }]);
    expect(after).to.have.length(MAX_CREDITS);
    expect(after.at(-1)).to.deep.equal({ user: "GZ", stroops: 9n, since: 10_000n });
    expect(after.some(({ user }) => user === full.at(-1)?.user)).to.equal(false);
  });

  it("should pay fewer at a time after refunds that failed, down to one, and each of them in turn", () => {
    const credits = Array.from({ length: 130 }, (_, n) => ({
      user: `G${String(n).padStart(4, "0")}`,
      stroops: 1n,
      since: 1n,
    }));
    const record = recordWith(credits);
    expect(chooseRefunds(record, { failed: 0, sequence: 77n })).to.have.length(MAX_REFUNDS);
    expect(chooseRefunds(record, { failed: 1, sequence: 0n })).to.have.length(MAX_REFUNDS / 2);
    const firsts = credits.map((_, n) => chooseRefunds(record, { failed: 20, sequence: BigInt(n) }));
    expect(firsts.every((users) => users.length === 1)).to.equal(true);
    expect(new Set(firsts.flat()).size).to.equal(credits.length);
    expect(chooseRefunds(recordWith([]), { failed: 0, sequence: 1n })).to.deep.equal([]);
  });
});
