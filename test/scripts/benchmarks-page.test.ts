import { expect } from "chai";

import { benchmarksPage } from "../../scripts/docs/benchmarks-page.ts";

const STAMP = { machine: "2 x fast", versions: { node: "24" }, date: "2026-11-28T01:02:03.000Z" };
const row = (name: string, more: object = {}): object => ({ name, value: 1234.5, unit: "ms", ...more, ...STAMP });

describe("scripts/docs/benchmarks-page", () => {
  it("should have every figure with its bound, target, machine, versions and date", () => {
    const page = benchmarksPage(
      new Map([["market", [row("a buy", { bound: 7, ratio: 0.5, target: 0.6, met: true })]]]),
    );
    expect(page).to.contain("| a buy | 1,234.5 | ms | 7 | 0.5 | 0.6 | yes |");
    expect(page).to.contain("2 x fast; node 24; 2026-11-28");
    expect(page).to.contain("Of 1 figures with a target or limit, 1 meet it and 0 miss it.");
  });

  it("should tell first what misses its target", () => {
    const page = benchmarksPage(
      new Map([
        ["zebra", [row("a stripe", { target: 1, met: false }), row("a spot")]],
        ["gas", [row("a call", { bound: 2, met: true })]],
      ]),
    );
    const miss = page.indexOf("| zebra | a stripe | 1,234.5 ms |  | 1 |");
    expect(miss).to.be.greaterThan(0).and.below(page.indexOf("\n## "));
    expect(page).to.contain("1 meet it and 1 misses it:");
    // Topics that nobody gave a title follow those that have one.
    expect(page.indexOf("## Gas of every transaction")).to.be.below(page.indexOf("## zebra"));
  });

  it("should have the figures of results that are no rows, and of each of their runs the machine", () => {
    const searches = [{ name: "small", bounds: { members: 3 }, states: 22_639 }];
    const page = benchmarksPage(new Map([["model", { runs: [STAMP], searches, failures: [], fail: { p50: 5 } }]]));
    for (const line of ["| small: states | 22,639 |", "| failures | 0 |", "| fail: p50 | 5 |", "2 x fast"]) {
      expect(page).to.contain(line);
    }
  });

  it("should refuse what holds no results", () => {
    for (const content of [[], 7, "text", [{ name: "a" }]]) {
      expect(() => benchmarksPage(new Map([["odd", content]])), JSON.stringify(content)).to.throw();
    }
  });
});
