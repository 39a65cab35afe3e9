import { expect } from "chai";
import fc from "fast-check";

import { gasFeeStroops, gasOf, type GasInputs } from "../../../../src/domain/program/gas.ts";

const size = fc.nat({ max: 2 ** 40 });
const run: fc.Arbitrary<GasInputs> = fc.record({
  inputBytes: size,
  outputBytes: size,
  stateBytesBefore: size,
  stateBytesAfter: size,
  seconds: fc.nat({ max: 10_000 }),
});

describe("gas", () => {
  it("is what table 1 says", () => {
    const nothing = { inputBytes: 0, outputBytes: 0, stateBytesBefore: 0, stateBytesAfter: 0, seconds: 0 };
    expect(gasOf(nothing)).to.equal(1_000n);
    expect(gasOf({ ...nothing, inputBytes: 3 })).to.equal(1_003n);
    expect(gasOf({ ...nothing, outputBytes: 5 })).to.equal(1_005n);
    expect(gasOf({ ...nothing, seconds: 2 })).to.equal(3_000n);
    // States are counted together, in begun KiB.
    expect(gasOf({ ...nothing, stateBytesBefore: 1 })).to.equal(1_010n);
    expect(gasOf({ ...nothing, stateBytesBefore: 512, stateBytesAfter: 512 })).to.equal(1_010n);
    expect(gasOf({ ...nothing, stateBytesBefore: 1_024, stateBytesAfter: 1 })).to.equal(1_020n);
  });

  it("never falls when more is used", () => {
    fc.assert(
      fc.property(
        run,
        fc.constantFrom(...(Object.keys(fc.sample(run, 1)[0]!) as (keyof GasInputs)[])),
        size,
        (inputs, field, more) => {
          expect(gasOf({ ...inputs, [field]: inputs[field] + more }) >= gasOf(inputs)).to.equal(true);
        },
      ),
    );
  });

  it("costs its price per 1,000, rounded up to a stroop", () => {
    expect(gasFeeStroops(1_000n, 7n)).to.equal(7n);
    expect(gasFeeStroops(1_001n, 7n)).to.equal(8n);
    expect(gasFeeStroops(0n, 7n)).to.equal(0n);
    expect(gasFeeStroops(12_345n, 0n)).to.equal(0n);
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n }), fc.bigInt({ min: 0n, max: 2n ** 40n }), (gas, price) => {
        const fee = gasFeeStroops(gas, price);
        expect(fee * 1_000n >= gas * price && (fee - 1n) * 1_000n < gas * price).to.equal(true);
      }),
    );
  });
});
