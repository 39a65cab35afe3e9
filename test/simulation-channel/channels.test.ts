import { expect } from "chai";

import { failOverPlanOf, planOf } from "../helpers/channel-simulation/plan.ts";
import { channelSeeds, replayOf } from "../helpers/channel-simulation/settings.ts";
import { simulateChannel, type ChannelOutcome } from "../helpers/channel-simulation/simulation.ts";

/** Of processor time a seed takes a second; of a loaded machine's, many. */
const TIMEOUT_MS = 180_000;
const ENOUGH_SEEDS = 20;
const FAIL_OVER_SEEDS = [1, 2, 3, 4, 5];
/** Of heartbeats at the usual interval, with two seconds for the rest. */
const FAIL_OVER_MS = 12_000;

describe("channels among crashes, lost messages, partitions, lying relays, new leaders and replaced blocks", () => {
  const seeds = channelSeeds();
  const outcomes: ChannelOutcome[] = [];

  for (const seed of seeds) {
    it(`should hold C1 to C6 and go on afterwards with seed ${seed}`, async () => {
      const outcome = await simulateChannel(seed, planOf(seed));
      outcomes.push(outcome);
      const { breaches, lastEvents } = outcome;
      if (breaches.length > 0)
        expect.fail([...lastEvents, ...breaches, `seen again with: ${replayOf(seed)}`].join("\n"));
    }).timeout(TIMEOUT_MS);
  }

  it("should have met what it is about: crashes, new terms, replaced blocks, settlements and calls", () => {
    const total = (count: (outcome: ChannelOutcome) => number): number =>
      outcomes.reduce((sum, outcome) => sum + count(outcome), 0);
    expect(outcomes.length).to.equal(seeds.length);
    expect(total(({ calls }) => calls)).to.be.at.least(20 * seeds.length);
    expect(total(({ settlements }) => settlements)).to.be.at.least(seeds.length);
    // One seed alone has no room for all of it.
    if (seeds.length < ENOUGH_SEEDS) return;
    expect(total(({ kills }) => kills)).to.be.at.least(seeds.length);
    expect(total(({ terms }) => terms - 1)).to.be.at.least(ENOUGH_SEEDS / 2);
    expect(total(({ reorgs }) => reorgs)).to.be.at.least(1);
  });

  it("should replay a seed exactly", async () => {
    const [seed = 1] = seeds;
    const again = await simulateChannel(seed, planOf(seed));
    expect(again.events).to.equal(outcomes[0]?.events);
    expect(again.traceHash).to.equal(outcomes[0]?.traceHash);
  }).timeout(TIMEOUT_MS);
});

describe("channels of which the leader's process dies", () => {
  for (const seed of FAIL_OVER_SEEDS) {
    it(`should commit again within two heartbeats and an election with seed ${seed}`, async () => {
      const { breaches, failOverMs } = await simulateChannel(seed, failOverPlanOf(seed));
      expect(breaches).to.deep.equal([]);
      expect(failOverMs.length).to.equal(1);
      expect(failOverMs[0]).to.be.at.most(FAIL_OVER_MS);
    }).timeout(TIMEOUT_MS);
  }
});
