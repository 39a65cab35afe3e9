import { expect } from "chai";

import { firstTickMs, nextTickMs } from "../../../../src/domain/channel/ticks.ts";

describe("domain/channel/ticks", () => {
  const rule = { tickMs: 100, maxCatchUpTicks: 3, genesisMs: 50 };

  it("should be due from the beginning on, one interval after another", () => {
    expect(firstTickMs(rule)).to.equal(150);
    expect(firstTickMs({ ...rule, tickMs: 0 })).to.equal(undefined);
    expect(nextTickMs(rule, 150, 150)).to.equal(250);
    expect(nextTickMs(rule, 150, 450)).to.equal(250);
  });

  it("should leave out what is too long ago", () => {
    expect(nextTickMs(rule, 150, 451)).to.equal(550);
    expect(nextTickMs(rule, 150, 550)).to.equal(650);
    expect(nextTickMs(rule, 150, 1_000_000)).to.equal(1_000_050);
  });
});
