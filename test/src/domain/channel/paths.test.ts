import { expect } from "chai";
import fc from "fast-check";

import { choosePaths, delayBy, type Neighbour, type Paths } from "../../../../src/domain/channel/paths.ts";

const SIGNERS = ["a", "b", "c", "d", "e"] as const;

const neighbour = (signer: string, delayMs: number, more: Partial<Neighbour> = {}): Neighbour => ({
  signer,
  roundTripMs: 0,
  toldMs: delayMs,
  isDoubted: false,
  isLeader: false,
  ...more,
});

const someNeighbours: fc.Arbitrary<Neighbour[]> = fc
  .uniqueArray(fc.constantFrom(...SIGNERS), { minLength: 0, maxLength: SIGNERS.length })
  .chain((signers) =>
    fc.tuple(
      ...signers.map((signer, index) =>
        fc.record({
          signer: fc.constant(signer as string),
          roundTripMs: fc.option(fc.nat(2_000), { nil: undefined }),
          toldMs: fc.option(fc.nat(2_000), { nil: undefined }),
          isDoubted: fc.boolean(),
          isLeader: fc.constant(index === signers.length - 1),
        }),
      ),
    ),
  );
const somePaths: fc.Arbitrary<Paths> = fc.record({
  first: fc.option(fc.constantFrom<string>(...SIGNERS, "gone"), { nil: undefined }),
  second: fc.option(fc.constantFrom<string>(...SIGNERS, "gone"), { nil: undefined }),
});
const rank = ({ isDoubted, isLeader }: Neighbour): number => (isDoubted ? 2 : Number(isLeader));

describe("domain/channel/paths", () => {
  it("should take the least sum of delays, and the next best beside it", () => {
    const all = [neighbour("a", 40), neighbour("b", 0, { roundTripMs: 30 }), neighbour("c", 20)];
    expect(choosePaths(all, {})).to.deep.equal({ first: "b", second: "c" });
  });

  it("should keep a path until another one is better by more than noise", () => {
    const held = { first: "a", second: "b" };
    expect(choosePaths([neighbour("a", 40), neighbour("b", 31)], held)).to.deep.equal(held);
    expect(choosePaths([neighbour("a", 40), neighbour("b", 29)], held)).to.deep.equal({ first: "b", second: "a" });
    expect(choosePaths([neighbour("a", 4), neighbour("b", 0)], held)).to.deep.equal(held);
  });

  it("should leave one that is doubted, take the leader before it, and the leader only then", () => {
    const relays = [neighbour("a", 0, { isDoubted: true }), neighbour("b", 900)];
    const leader = neighbour("l", 0, { isLeader: true });
    expect(choosePaths([...relays, leader], { first: "a" })).to.deep.equal({ first: "b", second: "l" });
    expect(choosePaths([relays[0]!, leader], { first: "a" })).to.deep.equal({ first: "l", second: "a" });
    expect(choosePaths([relays[0]!], { first: "a" })).to.deep.equal({ first: "a", second: undefined });
    expect(choosePaths([], { first: "a" })).to.deep.equal({ first: undefined, second: undefined });
  });

  it("should prefer whom it has measured, and leave nobody for not having been", () => {
    const unknown = neighbour("a", 0, { roundTripMs: undefined, toldMs: undefined });
    expect(choosePaths([unknown, neighbour("b", 100)], {})).to.deep.equal({ first: "b", second: "a" });
    const other = { ...unknown, signer: "b" };
    expect(choosePaths([unknown, other], { first: "b", second: "a" })).to.deep.equal({ first: "b", second: "a" });
  });

  it("should always choose two different ones of those there are, the first of the best kind, within noise of the best", () => {
    fc.assert(
      fc.property(someNeighbours, somePaths, (all, held) => {
        const { first, second } = choosePaths(all, held);
        const one = all.find(({ signer }) => signer === first);
        const other = all.find(({ signer }) => signer === second);
        expect(one !== undefined).to.equal(all.length > 0);
        expect(other !== undefined).to.equal(all.length > 1);
        if (one === undefined) return;
        expect(first).not.to.equal(second);
        const kind = Math.min(...all.map(rank));
        expect(rank(one)).to.equal(kind);
        const best = Math.min(...all.filter((each) => rank(each) === kind).map(delayBy));
        expect(delayBy(one) - best).to.be.at.most(Math.max(5, 0.25 * delayBy(one)));
      }),
      { numRuns: 500 },
    );
  });

  it("should stay where it is, once it has chosen, for as long as nothing changes but noise", () => {
    const noise = fc.array(fc.tuple(...SIGNERS.map(() => fc.integer({ min: 100, max: 124 }))), { maxLength: 20 });
    fc.assert(
      fc.property(noise, (rounds) => {
        let held: Paths = {};
        let changes = 0;
        for (const round of rounds) {
          const next = choosePaths(
            SIGNERS.map((signer, index) => neighbour(signer, round[index]!)),
            held,
          );
          if (held.first !== undefined && next.first !== held.first) changes += 1;
          held = next;
        }
        expect(changes).to.equal(0);
      }),
    );
  });

  it("should come to rest at once: chosen again from the same, nothing changes", () => {
    fc.assert(
      fc.property(someNeighbours, somePaths, (all, held) => {
        const once = choosePaths(all, held);
        expect(choosePaths(all, once)).to.deep.equal(once);
      }),
      { numRuns: 500 },
    );
  });
});
