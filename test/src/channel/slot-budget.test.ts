import { setImmediate } from "node:timers/promises";

import { expect } from "chai";

import { createSlotBudget } from "../../../src/channel/slot-budget.ts";

describe("channel: a budget of slots", () => {
  it("should hold no more than it may but for one that is larger, in the order of asking", async () => {
    const budget = createSlotBudget(10);
    const { signal } = new AbortController();
    const order: number[] = [];
    const take = async (slots: number): Promise<() => void> => {
      const giveBack = await budget.take(slots, signal);
      order.push(slots);
      return giveBack;
    };
    const large = await take(25);
    const others = [4, 6, 1].map(take);
    await setImmediate();
    expect(order).to.deep.equal([25]);
    large();
    large();
    const [four, six] = await Promise.all(others.slice(0, 2));
    await setImmediate();
    expect(order).to.deep.equal([25, 4, 6]);
    six!();
    (await others[2]!)();
    four!();
    (await take(25))();
  });

  it("should give nothing to who has gone, and what it had to the next", async () => {
    const budget = createSlotBudget(10);
    const { signal } = new AbortController();
    const first = await budget.take(10, signal);
    const gone = new AbortController();
    const left = budget.take(10, gone.signal).catch(() => "left");
    const next = budget.take(10, signal);
    gone.abort(new Error("gone"));
    expect(await left).to.equal("left");
    first();
    (await next)();
  });
});
