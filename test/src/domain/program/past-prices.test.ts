import { expect } from "chai";
import fc from "fast-check";

import { MAX_PAST_PRICES, lowestPriceStroops, rememberPrices } from "../../../../src/domain/program/past-prices.ts";
import type { PastPrices } from "../../../../src/domain/program/past-prices.ts";
import { PAYMENT_USABLE_SECONDS, priceStroops } from "../../../../src/domain/program/payment.ts";

const amount = fc.bigInt({ min: 0n, max: 1_000n });
const prices = fc.record({ baseFeeStroops: amount, gasPriceStroops: amount });
const request = fc.record({
  form: fc.constantFrom(undefined, "prepaid" as const),
  maxGas: fc.bigInt({ min: 0n, max: 100_000n }),
});
/** Changes of prices, each so many seconds after the one before and replaced by the next. */
const history = fc.array(fc.tuple(prices, fc.bigInt({ min: 1n, max: 4_000n })), { minLength: 1, maxLength: 60 });

describe("domain/program/past-prices", () => {
  it("should ask no more than any price at which a payment may have been taken that can still be used", () => {
    fc.assert(
      fc.property(history, request, fc.bigInt({ min: 0n, max: 10_000n }), (changes, asked, ago) => {
        let past: readonly PastPrices[] = [];
        const all: PastPrices[] = [];
        let now = 0n;
        for (const [replaced, seconds] of changes) {
          now += seconds;
          all.push({ ...replaced, until: now });
          past = rememberPrices(past, { ...replaced, until: now }, now);
        }
        const terms = { baseFeeStroops: 1_001n, gasPriceStroops: 1_001n };
        const paidAt = now - (ago < PAYMENT_USABLE_SECONDS ? ago : BigInt(PAYMENT_USABLE_SECONDS));
        const lowest = lowestPriceStroops(asked, { terms, pastPrices: past }, paidAt);
        const held = [terms, ...all.filter(({ until }) => until >= paidAt)].map((each) => priceStroops(asked, each));
        expect(held.every((price) => price >= lowest)).to.equal(true);
        expect(past.length <= MAX_PAST_PRICES).to.equal(true);
        // Nobody is let off for what never was a price then, unless prices had to be taken together.
        if (changes.length <= MAX_PAST_PRICES) expect(held).to.include(lowest);
      }),
    );
  });

  it("should forget prices at which no payment can still be used, and keep no more than it may", () => {
    const price = { baseFeeStroops: 1n, gasPriceStroops: 1n };
    const old = rememberPrices([], { ...price, until: 10n }, 10n);
    const later = 11n + BigInt(PAYMENT_USABLE_SECONDS);
    const dearer = { baseFeeStroops: 2n, gasPriceStroops: 2n, until: later };
    expect(rememberPrices(old, dearer, later)).to.deep.equal([dearer]);
    let many: readonly PastPrices[] = [];
    for (let n = 1n; n <= 100n; n++)
      many = rememberPrices(many, { baseFeeStroops: n, gasPriceStroops: n, until: n }, n);
    expect(many).to.have.length(MAX_PAST_PRICES);
    expect(lowestPriceStroops({ maxGas: 0n }, { terms: dearer, pastPrices: many }, 1n)).to.equal(1n);
  });
});
