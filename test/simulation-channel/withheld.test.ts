import { expect } from "chai";

import { namesOf } from "../helpers/channel-simulation/member.ts";
import { withheldPlanOf } from "../helpers/channel-simulation/plan.ts";
import { simulateChannel } from "../helpers/channel-simulation/simulation.ts";

const SEEDS = [1, 2, 3, 4];
const TIMEOUT_MS = 180_000;

describe("channels whose leader keeps records from a member, and accuses it of acking nothing", () => {
  const seen = { demanded: 0, published: 0, taken: 0 };

  for (const seed of SEEDS) {
    it(`should keep the member and hold C1 to C6 with seed ${seed}`, async () => {
      const plan = withheldPlanOf(seed);
      const withheld = namesOf(plan.members).account.slice(0, 6);
      let presence = 0;
      const { breaches, lastEvents } = await simulateChannel(seed, plan, (line) => {
        if (line.includes("demands records")) seen.demanded += 1;
        if (line.includes("publishes records")) seen.published += 1;
        if (line.includes("records were taken from the chain")) seen.taken += 1;
        if (line.includes(`inbox 7 of ${withheld}`)) presence += 1;
      });
      if (breaches.length > 0) expect.fail([...lastEvents, ...breaches].join("\n"));
      expect(presence, "entries that say whether it is there").to.equal(0);
    }).timeout(TIMEOUT_MS);
  }

  it("should have met what it is about: records that were demanded, published and taken", () => {
    for (const [what, count] of Object.entries(seen)) expect(count, what).to.be.greaterThan(1);
  });
});
