import { expect } from "chai";
import { assert, integer, property, array, tuple } from "fast-check";

import { createSeenIds } from "../../../src/domain/seen-ids.ts";
import { SprfError } from "../../../src/errors.ts";

describe("seen ids", () => {
  it("remembers until the expiry and not beyond", () => {
    const seen = createSeenIds<string>({ capacity: 2 });
    seen.set("a", "A", 100, 0);
    expect(seen.get("a", 99)).to.equal("A");
    expect(seen.get("a", 100)).to.equal(undefined);
    expect(seen.size).to.equal(0);
    seen.set("late", "L", 100, 100);
    expect(seen.size).to.equal(0);
  });

  it("forgets expired ids first, then those that expire soonest", () => {
    const seen = createSeenIds<number>({ capacity: 3 });
    seen.set("soon", 1, 50, 0);
    seen.set("later", 2, 100, 0);
    seen.set("last", 3, 200, 0);
    seen.set("new", 4, 150, 60);
    expect(["soon", "later", "last", "new"].map((id) => seen.get(id, 60))).to.deep.equal([undefined, 2, 3, 4]);
    seen.set("newer", 5, 300, 60);
    expect(["later", "last", "new", "newer"].map((id) => seen.get(id, 60))).to.deep.equal([undefined, 3, 4, 5]);
  });

  it("never holds more than its capacity, and never forgets the newest", () => {
    const step = tuple(integer({ min: 0, max: 20 }), integer({ min: 1, max: 50 }), integer({ min: 0, max: 10 }));
    assert(
      property(array(step), integer({ min: 1, max: 5 }), (steps, capacity) => {
        const seen = createSeenIds<number>({ capacity });
        let now = 0;
        for (const [id, lifetime, pause] of steps) {
          now += pause;
          seen.set(String(id), id, now + lifetime, now);
          expect(seen.size).to.be.at.most(capacity);
          expect(seen.get(String(id), now)).to.equal(id);
        }
      }),
    );
  });

  it("refuses a capacity that is none", () => {
    for (const capacity of [0, -1, 1.5]) expect(() => createSeenIds({ capacity })).to.throw(SprfError);
  });
});
