import { expect } from "chai";
import fc from "fast-check";

import { joinPages } from "../../dashboard/join-pages.ts";
import type { StepPage, StepView } from "../../src/dashboard/program-types.ts";

const PAGE = 5;

/** A page of a history whose steps are numbered from its creation, 0. */
function pageOf(newest: number, count: number): StepPage {
  const numbers = Array.from({ length: Math.min(count, newest + 1) }, (_, index) => newest - index);
  const last = numbers.at(-1) ?? 0;
  return {
    steps: numbers.map((number) => ({ recordCid: String(number) }) as StepView),
    ...(last > 0 && { next: String(last - 1) }),
  };
}

const numbersOf = ({ steps }: StepPage): readonly number[] => steps.map(({ recordCid }) => Number(recordCid));

describe("dashboard/join-pages", () => {
  it("shows every step once, without a gap, whatever was read and landed meanwhile", () => {
    const arbitrary = fc.record({
      newest: fc.nat(30),
      /** Pages that were read, or steps that landed. */
      events: fc.array(fc.oneof(fc.constant("older" as const), fc.integer({ min: 1, max: 8 })), { maxLength: 12 }),
    });
    fc.assert(
      fc.property(arbitrary, ({ newest: first, events }) => {
        let newest = first;
        let shown = pageOf(newest, PAGE);
        for (const event of events) {
          if (event === "older") {
            if (shown.next === undefined) continue;
            const page = pageOf(Number(shown.next), PAGE);
            shown = { steps: [...shown.steps, ...page.steps], next: page.next };
          } else {
            newest += event;
            shown = joinPages(pageOf(newest, PAGE), shown);
          }
          const numbers = numbersOf(shown);
          expect(numbers).to.deep.equal(numbers.map((_, index) => newest - index));
          const oldest = numbers.at(-1) ?? 0;
          expect(shown.next).to.equal(oldest === 0 ? undefined : String(oldest - 1));
        }
      }),
    );
  });

  it("keeps older steps that were read where the newer ones meet them, and lets them go where they do not", () => {
    const read = { steps: [...pageOf(9, PAGE).steps, ...pageOf(4, PAGE).steps], next: undefined };
    expect(numbersOf(joinPages(pageOf(11, PAGE), read))).to.have.length(12);
    expect(numbersOf(joinPages(pageOf(20, PAGE), read))).to.deep.equal([20, 19, 18, 17, 16]);
  });
});
