import { expect } from "chai";

import { keysOf, orderOfKey } from "../../../../src/client/landcraft/land-orders.ts";

describe("client/landcraft/land-orders", () => {
  it("should know each key", () => {
    const step = (direction: string) => ({ deed: "walk", direction, steps: 1 });
    const orders = {
      w: step("north"),
      d: step("east"),
      s: step("south"),
      a: step("west"),
      "\u001b[A": step("north"),
      "\u001b[B": step("south"),
      "\u001b[C": step("east"),
      "\u001b[D": step("west"),
      W: { deed: "walk", direction: "north", steps: 255 },
      " ": { deed: "dig" },
      e: { deed: "dig" },
      "1": { deed: "put", kind: "wood" },
      "5": { deed: "put", kind: "crystal" },
      x: { deed: "rest" },
      h: { deed: "goHome" },
    };
    for (const [key, order] of Object.entries(orders)) expect(orderOfKey(key), key).to.deep.equal(order);
    for (const key of ["0", "6", "k", ".", "", "12", "\u001b", "\r"]) expect(orderOfKey(key), key).to.equal(undefined);
  });

  it("should take apart what a terminal sends at once", () => {
    expect(keysOf("wa\u001b[A\u001b[Dd")).to.deep.equal(["w", "a", "\u001b[A", "\u001b[D", "d"]);
    expect(keysOf("\u001b")).to.deep.equal([]);
    expect(keysOf("")).to.deep.equal([]);
  });
});
