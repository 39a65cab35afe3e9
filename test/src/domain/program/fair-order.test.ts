import { expect } from "chai";
import fc from "fast-check";

import { createFairOrder, type Place } from "../../../../src/domain/program/fair-order.ts";

const MINUTE_MS = 60_000;

describe("domain/program/fair-order", () => {
  const clock = { now: () => 0 };

  it("should let each program have a run among the first, however many others have sent", () => {
    const programs = fc.array(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(programs, (arrivals) => {
        const order = createFairOrder(clock);
        const placed = arrivals.map((program) => ({ program, ...order.place(program, MINUTE_MS) }));
        // Of equals the first that came is taken, as queues do it.
        const taken = placed.toSorted((a, b) => b.priority - a.priority).map(({ program }) => program);
        const all = new Set(arrivals);
        expect(new Set(taken.slice(0, all.size))).to.deep.equal(all);
      }),
    );
  });

  it("should put a newcomer where those are that are taken now, not before what has waited", () => {
    const order = createFairOrder(clock);
    const many = Array.from({ length: 10 }, () => order.place("many", MINUTE_MS));
    for (const place of many.slice(0, 5)) place.leave();
    const newcomer = order.place("new", MINUTE_MS);
    expect(newcomer.priority).to.equal(many[4]?.priority);
    expect(newcomer.priority).to.be.greaterThan((many[5] as Place).priority);
  });

  it("should take what ends sooner first among equals, and begin anew when nothing waits", () => {
    const order = createFairOrder(clock);
    const late = order.place("a", 10 * MINUTE_MS);
    const soon = order.place("b", MINUTE_MS / 10);
    expect(soon.priority).to.be.greaterThan(late.priority);
    late.leave();
    late.leave();
    soon.leave();
    expect(order.place("a", 10 * MINUTE_MS).priority).to.equal(late.priority);
  });

  it("should stay within a signed 32-bit integer", () => {
    const order = createFairOrder(clock);
    let place = order.place("a", Infinity);
    for (let n = 0; n < 1_000; n++) place = order.place("a", Infinity);
    expect(place.priority).to.be.greaterThan(-(2 ** 31));
  });
});
