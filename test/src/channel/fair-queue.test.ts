import { expect } from "chai";
import fc from "fast-check";

import { createFairQueue, type FairQueue } from "../../../src/channel/fair-queue.ts";

const CAPACITY = 64;

/** Pushes until it is refused, a call of another account each time when `accounts` are many. */
function fill(queue: FairQueue<string>, peer: string, accounts: number): number {
  for (let pushed = 0; ; pushed += 1) {
    const account = `${peer} ${pushed % accounts}`;
    if (!queue.push({ peer, account }, `${account} ${pushed}`)) return pushed;
  }
}

describe("channel: a fair queue", () => {
  it("should leave room however many peers and accounts fill it", () => {
    for (const accounts of [1, 7, 1_000]) {
      const queue = createFairQueue<string>(4_096);
      for (let peer = 0; peer < 4; peer += 1) expect(fill(queue, `peer ${peer}`, accounts)).to.be.at.least(200);
      expect(queue.push({ peer: "late", account: "late" }, "late")).to.equal(true);
      // However often they come back: what becomes free is for who has least.
      for (let peer = 0; peer < 63; peer += 1) fill(queue, `peer ${peer}`, accounts);
      queue.shift();
      for (let peer = 0; peer < 4; peer += 1) {
        expect(queue.push({ peer: `peer ${peer}`, account: `peer ${peer} 0` }, "again")).to.equal(false);
      }
      expect(queue.push({ peer: "later", account: "later" }, "later")).to.equal(true);
    }
    const alone = createFairQueue<string>(CAPACITY);
    expect(fill(alone, "one", 1)).to.equal(22);
    expect(alone.push({ peer: "one", account: "another of it" }, "call")).to.equal(true);
  });

  it("should give turns to peers, and at each to its accounts", () => {
    const queue = createFairQueue<string>(CAPACITY);
    const push = (peer: string, account: string, item: string): void =>
      expect(queue.push({ peer, account }, item)).to.equal(true) as unknown as void;
    for (const item of ["a1", "a2", "a3"]) push("m", "a", item);
    push("m", "b", "b1");
    push("n", "a", "n1");
    expect([queue.size, queue.peek()]).to.deep.equal([5, "a1"]);
    expect(queue.drain()).to.deep.equal(["a1", "n1", "b1", "a2", "a3"]);
    expect([queue.size, queue.peek(), queue.shift()]).to.deep.equal([0, undefined, undefined]);
  });

  it("should lose nothing, keep each account's order and hold no more than it may", () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ peer: fc.nat(3), account: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.constant("shift" as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = createFairQueue<readonly [string, number]>(CAPACITY);
        const pushed = new Map<string, number[]>();
        const taken = new Map<string, number[]>();
        const take = ([key, number]: readonly [string, number]): void =>
          void taken.set(key, [...(taken.get(key) ?? []), number]);
        for (const [number, one] of steps.entries()) {
          if (one === "shift") {
            const next = queue.peek();
            const got = queue.shift();
            expect(got).to.equal(next);
            if (got !== undefined) take(got);
            continue;
          }
          const key = `${one.peer} ${one.account}`;
          const isTaken = queue.push({ peer: `${one.peer}`, account: `${one.account}` }, [key, number]);
          if (isTaken) pushed.set(key, [...(pushed.get(key) ?? []), number]);
          expect(queue.size).to.be.at.most(CAPACITY);
        }
        for (const each of queue.drain()) take(each);
        expect(taken).to.deep.equal(pushed);
      }),
    );
  });
});
