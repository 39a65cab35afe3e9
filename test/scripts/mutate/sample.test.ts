import { expect } from "chai";
import fc from "fast-check";

import type { Mutant } from "../../../scripts/mutate/find-mutants.ts";
import { type Judge, judgeAll } from "../../../scripts/mutate/judge-all.ts";
import { planSample } from "../../../scripts/mutate/sample.ts";
import type { Verdict } from "../../../scripts/mutate/verdict.ts";

const NO_END = { isKnown: () => false, isTimeUp: () => false };

describe("scripts/mutate: which mutants are judged", () => {
  const mutants = [...make("Dispatcher", 30, 10), ...make("Agreement", 12, 25), ...make("Library", 10, 60)];
  const isMain = ({ key }: Mutant): boolean => key.contract !== "Library";

  it("takes as many as it is told, three quarters of them of the market's own contracts", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: mutants.length }), fc.nat(), (size, seed) => {
        const strata = planSample(mutants, seed, size, isMain);
        const quotas = strata.map(({ quota }) => quota);
        expect(quotas.reduce((sum, quota) => sum + quota, 0)).to.equal(size);
        const main = strata.filter(({ contract }) => contract !== "Library");
        const mainQuota = main.reduce((sum, { quota }) => sum + quota, 0);
        expect(mainQuota).to.be.at.least(Math.min(Math.ceil(0.75 * size), 600));
        for (const { order, quota } of strata) expect(order.length).to.be.at.least(quota);
      }),
    );
  });

  it("takes one of each function before it takes two of any", () => {
    const [dispatcher] = planSample(mutants, 1, mutants.length, isMain).filter((one) => one.contract === "Dispatcher");
    const functions = dispatcher!.order.map(({ key }) => key.function);
    expect(new Set(functions.slice(0, 30)).size).to.equal(30);
    expect(new Set(functions.slice(30, 60)).size).to.equal(30);
  });

  it("takes the same for the same seed, wherever lines have moved, and others for another", () => {
    const keys = (list: readonly Mutant[], seed: number): string =>
      JSON.stringify(planSample(list, seed, 50, isMain).map(({ order }) => order.map(({ key }) => key)));
    const moved = mutants.map((mutant) => ({ ...mutant, id: `${mutant.id}-moved`, line: mutant.line + 7 }));
    expect(keys(moved, 1)).to.equal(keys(mutants, 1));
    expect(keys(mutants, 2)).not.to.equal(keys(mutants, 1));
  });

  it("replaces what does not count, and judges the same with any number of judges", async () => {
    const isStillborn = ({ key }: Mutant): boolean => key.nth % 3 === 0;
    const ids = async (judgeCount: number): Promise<string[]> => {
      const judge: Judge = async (mutant): Promise<Verdict> => {
        // Turns of the event loop that differ from mutant to mutant, so that the judges overtake each other.
        for (let turns = mutant.line % 4; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
        return { id: mutant.id, status: isStillborn(mutant) ? "stillborn" : "killed", seconds: 0 };
      };
      const strata = planSample(mutants, 1, 100, isMain);
      const judges = Array.from({ length: judgeCount }, () => judge);
      return (await judgeAll(strata, judges, NO_END, () => undefined)).map(({ mutant }) => mutant.id);
    };
    const alone = await ids(1);
    const live = alone.filter((id) => !isStillborn(mutants.find((mutant) => mutant.id === id)!));
    expect(live).to.have.length(100);
    expect(await ids(3)).to.deep.equal(alone);
  });

  it("goes on past the quota for as long as verdicts are known", async () => {
    const [stratum] = planSample(mutants, 1, 100, isMain);
    const order = stratum!.order;
    const known = new Set([order[2], order[3], order[5]]);
    const judge: Judge = async ({ id }) => await Promise.resolve({ id, status: "killed", seconds: 0 });
    const judged = await judgeAll(
      [{ ...stratum!, quota: 2 }],
      [judge, judge],
      { ...NO_END, isKnown: (mutant) => known.has(mutant) },
      () => undefined,
    );
    expect(judged.map(({ mutant }) => mutant)).to.deep.equal(order.slice(0, 4));
  });

  it("has judged as much of every contract's quota when time is up, and goes on with what is known", async () => {
    const strata = planSample(mutants, 1, 200, isMain);
    const late = strata[0]!.order[60]!;
    let begun = 0;
    const judge: Judge = async ({ id }) => {
      begun++;
      return await Promise.resolve({ id, status: "killed", seconds: 0 });
    };
    const extent = { isKnown: (mutant: Mutant) => mutant === late, isTimeUp: () => begun >= 100 };
    const judged = await judgeAll(strata, [judge], extent, () => undefined);
    expect(judged).to.have.length(100);
    for (const { contract, quota } of strata) {
      const count = judged.filter(({ mutant }) => mutant.key.contract === contract).length;
      expect(count, contract).to.be.within(Math.floor(quota / 2), Math.ceil(quota / 2) + 1);
    }
  });
});

function make(contract: string, functions: number, each: number): Mutant[] {
  return Array.from({ length: functions * each }, (_, index) => ({
    id: `${contract}:${index}`,
    key: { contract, function: `f${index % functions}`, operator: "add-sub", source: "a + b", nth: index },
    sourceName: `${contract}.sol`,
    line: index,
    column: 1,
    span: { start: 0, end: 1 },
    replacement: "-",
    lineText: "",
  }));
}
