import { expect } from "chai";
import fc from "fast-check";

import { bumpedFees, type Fees } from "../../../../src/adapters/chain/fees.ts";

const wei = fc.bigInt({ min: 1n, max: 10n ** 15n });
const fees: fc.Arbitrary<Fees> = fc.oneof(
  fc.record({ maxFeePerGas: wei, maxPriorityFeePerGas: wei }).map(({ maxFeePerGas, maxPriorityFeePerGas: tip }) => ({
    type: 2 as const,
    maxFeePerGas,
    maxPriorityFeePerGas: tip < maxFeePerGas ? tip : maxFeePerGas,
  })),
  fc.record({ gasPrice: wei }).map(({ gasPrice }) => ({ type: 0 as const, gasPrice })),
);

describe("adapters/chain/fees", () => {
  it("should offer an eighth more each time, never more than ten times the first, and so come to an end", () => {
    fc.assert(
      fc.property(fees, wei, (first, suggestedWei) => {
        const suggested: Fees =
          first.type === 0
            ? { type: 0, gasPrice: suggestedWei }
            : { type: 2, maxFeePerGas: suggestedWei, maxPriorityFeePerGas: suggestedWei };
        let last: Fees = first;
        let bumps = 0;
        for (let next = bumpedFees(last, first, suggested); next !== undefined; bumps++) {
          for (const [field, value] of fieldsOf(next)) {
            const before = BigInt(Reflect.get(last, field) as bigint);
            expect(value * 8n >= before * 9n, field).to.equal(true);
            expect(value <= BigInt(Reflect.get(first, field) as bigint) * 10n, field).to.equal(true);
          }
          if (next.type === 2) expect(next.maxPriorityFeePerGas <= next.maxFeePerGas).to.equal(true);
          last = next;
          next = bumpedFees(last, first, suggested);
        }
        expect(bumps <= 20).to.equal(true);
      }),
    );
  });
});

function fieldsOf({ type: _type, ...rest }: Fees): ReadonlyArray<readonly [string, bigint]> {
  return Object.entries(rest);
}
