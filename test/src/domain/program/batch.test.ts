import { expect } from "chai";
import fc from "fast-check";

import {
  MAX_BATCH_INPUT_BYTES,
  chooseInputs,
  compareInputs,
  concludeInput,
  findPassedOver,
  isOrdered,
  type PaidInput,
} from "../../../../src/domain/program/batch.ts";
import { gasFeeStroops } from "../../../../src/domain/program/gas.ts";
import { MAX_BATCH_INPUTS } from "../../../../src/wire/batch-record.ts";
import { paidInputArbitrary } from "../../../helpers/batch-arbitraries.ts";
import { STATE } from "../../../helpers/smart-accounts.ts";

describe("domain/program/batch", () => {
  const inputs = fc.array(paidInputArbitrary, { maxLength: 60 });
  const sized = ([sample]: PaidInput[], ledger: number, length: number): PaidInput => {
    const { signedRequest, payment, paidStroops } = sample!;
    const request = { ...signedRequest.request, input: { bytes: new Uint8Array(length) } };
    return { signedRequest: { ...signedRequest, request }, payment: { ...payment, ledger }, paidStroops };
  };
  const one = fc.sample(paidInputArbitrary, { numRuns: 1, seed: 4 });

  it("should take the first ones in order, whatever order they come in", () => {
    fc.assert(
      fc.property(inputs, fc.infiniteStream(fc.nat()), (waiting, keys) => {
        const chosen = chooseInputs(waiting);
        const shuffled = waiting.map((input) => ({ input, key: keys.next().value as number }));
        shuffled.sort((a, b) => a.key - b.key);
        expect(chooseInputs(shuffled.map(({ input }) => input))).to.deep.equal(chosen);
        expect(chosen).to.deep.equal(waiting.toSorted(compareInputs).slice(0, MAX_BATCH_INPUTS));
        expect(isOrdered(chosen)).to.equal(true);
      }),
      { numRuns: 30 },
    );
  });

  it("should end where an input has no room, rather than overtake it", () => {
    const half = MAX_BATCH_INPUT_BYTES / 2;
    const [a, b, c, d] = [sized(one, 1, half), sized(one, 2, half), sized(one, 3, 1), sized(one, 4, 0)];
    expect(chooseInputs([d, c, b, a])).to.deep.equal([a, b]);
    expect(isOrdered([a, b, c])).to.equal(false);
  });

  it("should know order from disorder", () => {
    fc.assert(
      fc.property(fc.array(paidInputArbitrary, { minLength: 2, maxLength: 10 }), (waiting) => {
        const chosen = chooseInputs(waiting);
        expect(isOrdered(chosen.toReversed())).to.equal(false);
        expect(isOrdered([...chosen, chosen.at(-1)!])).to.equal(false);
      }),
      { numRuns: 30 },
    );
  });

  it("should find who is passed over: before the last one always, after it while there is room and time", () => {
    const [a, b, c] = [sized(one, 1, 1), sized(one, 2, 1), sized(one, 3, 1)].map((input, n) => ({
      ...input,
      signedRequest: { ...input.signedRequest, paymentHash: new Uint8Array(32).fill(n) },
    })) as [PaidInput, PaidInput, PaidInput];
    expect(findPassedOver([a, c], [a, b, c], { mayStopEarly: true })).to.equal(b);
    expect(findPassedOver([a, b], [a, b, c], { mayStopEarly: true })).to.equal(undefined);
    expect(findPassedOver([a, b], [a, b, c], { mayStopEarly: false })).to.equal(c);
    expect(findPassedOver([a, b, c], [c, a], { mayStopEarly: false })).to.equal(undefined);
    const [large, small] = [sized(one, 1, MAX_BATCH_INPUT_BYTES), sized(one, 2, 1)];
    expect(
      findPassedOver([large], [{ ...small, signedRequest: c.signedRequest }], { mayStopEarly: false })?.payment,
    ).to.equal(undefined);
  });

  it("should charge base fee and gas, at most what was paid and never more gas than was allowed", () => {
    const uint = fc.bigInt({ min: 0n, max: 10n ** 12n });
    const terms = fc.record({ baseFeeStroops: uint, gasPriceStroops: fc.bigInt({ min: 0n, max: 10n ** 6n }) });
    const status = fc.constantFrom("accepted" as const, "rejected" as const);
    fc.assert(
      fc.property(paidInputArbitrary, uint, uint, terms, status, (input, gas, maxGas, price, came) => {
        const request = { ...input.signedRequest.request, maxGas };
        const concluded = concludeInput(
          { ...input, signedRequest: { ...input.signedRequest, request } },
          { status: came, outputCid: STATE, newState: `${STATE}x`, gas },
          { state: STATE, terms: price, environment: { time: 1n, seed: new Uint8Array(32) } },
        );
        const most = price.baseFeeStroops + gasFeeStroops(maxGas, price.gasPriceStroops);
        expect(concluded.chargedStroops <= input.paidStroops).to.equal(true);
        expect(concluded.chargedStroops <= most).to.equal(true);
        const accepted = came === "accepted" && gas <= maxGas;
        expect(concluded.status === "accepted").to.equal(accepted);
        expect(concluded.newState).to.equal(accepted ? `${STATE}x` : STATE);
        const due = price.baseFeeStroops + gasFeeStroops(gas, price.gasPriceStroops);
        if (gas <= maxGas && due <= input.paidStroops) expect(concluded.chargedStroops).to.equal(due);
      }),
    );
  });
});
