import { expect } from "chai";

import { DEVNET_LANDS } from "../../src/devnet/lands.ts";
import { playLand, type LandOutcome } from "../helpers/channel-simulation/land.ts";

/** Of processor time it takes ten seconds; of a loaded machine's, many. */
const TIMEOUT_MS = 600_000;
const SEED = 7;
const PLAYERS = 4;
const KIT = [4, 4, 0, 0, 0];
const PLAN = { leaderDies: 200, banned: 500, goesHome: 800, closes: 1_000 };
const TEXT = DEVNET_LANDS[0]?.text ?? "";

function expectPaid({ breaches, owned, due, dueToLand, stock, stockAtEnd }: LandOutcome): void {
  expect(breaches).to.deep.equal([]);
  expect(owned.size).to.equal(PLAYERS);
  // Each is due what it had when it went, was thrown out, or the channel closed; the land what is left.
  expect(due).to.deep.equal(owned);
  expect(dueToLand).to.deep.equal(stockAtEnd);
  const out = [...due.values(), dueToLand];
  const sums = stock.map((_, kind) => out.reduce((sum, amounts) => sum + (amounts[kind] ?? 0), 0));
  expect(sums).to.deep.equal(stock.map((amount, kind) => amount + PLAYERS * (KIT[kind] ?? 0)));
}

describe("four players on a land, on the virtual clock", () => {
  it("should play 1,000 ticks while a leader dies, one is banned and one goes, and owe each what it had", async () => {
    const outcome = await playLand(SEED, TEXT, PLAN, 0);
    expectPaid(outcome);
    expect(outcome.ticks).to.be.at.least(PLAN.closes);
    expect(outcome.terms).to.be.greaterThan(1);
    // A tick is a tenth of a second, but for the time in which nobody led.
    expect(outcome.virtualMs).to.be.greaterThan(PLAN.closes * 100 - 10_000);
    expect(outcome.stockAtEnd).not.to.deep.equal(outcome.stock);
  }).timeout(TIMEOUT_MS);

  it("should owe each what it had in the mode of roots too", async () => {
    expectPaid(await playLand(SEED + 1, TEXT, { leaderDies: 80, banned: 110, goesHome: 140, closes: 170 }, 1));
  }).timeout(TIMEOUT_MS);
});
