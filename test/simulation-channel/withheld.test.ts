import { expect } from "chai";

import { withheldPlanOf } from "../helpers/channel-simulation/plan.ts";
import { simulateChannel } from "../helpers/channel-simulation/simulation.ts";

/** Of three members, of which the third helps; and of two, with a member that dies, and with replaced blocks. */
const SEEDS = [1, 2, 4, 6];
const TIMEOUT_MS = 180_000;

describe("channels whose leader keeps records from a member, and accuses it of acking nothing", () => {
  const seen = { demanded: 0, published: 0, taken: 0 };

  for (const seed of SEEDS) {
    it(`should keep the member and hold C1 to C6 with seed ${seed}`, async () => {
      const plan = withheldPlanOf(seed);
      const absences: string[] = [];
      const { breaches, lastEvents } = await simulateChannel(seed, plan, (line) => {
        if (line.includes("records that nobody gives to this member were demanded")) seen.demanded += 1;
        if (line.includes("records were published")) seen.published += 1;
        if (line.includes("records were taken from the chain")) seen.taken += 1;
        if (line.includes(": says that one is absent") || line.includes(": resolves")) absences.push(line);
      });
      if (breaches.length > 0) expect.fail([...lastEvents, ...breaches].join("\n"));
      expect(absences).to.deep.equal([]);
    }).timeout(TIMEOUT_MS);
  }

  it("should have met what it is about: records that were demanded, published and taken", () => {
    for (const [what, count] of Object.entries(seen)) expect(count, what).to.be.greaterThan(1);
  });
});
