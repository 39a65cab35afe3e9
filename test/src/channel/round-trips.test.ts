import { expect } from "chai";

import { createRoundTrips } from "../../../src/channel/round-trips.ts";
import { createManualClock } from "../../helpers/manual-clock.ts";

describe("channel/round-trips", () => {
  it("should measure from a heartbeat to its echo, and smooth it", async () => {
    const clock = createManualClock();
    const roundTrips = createRoundTrips(clock);
    const measure = async (ms: number): Promise<void> => {
      const id = roundTrips.begin("a");
      await clock.advance(ms);
      roundTrips.onEcho("a", id);
    };
    expect(roundTrips.of("a")).to.equal(undefined);
    await measure(40);
    expect(roundTrips.of("a")).to.equal(40);
    await measure(80);
    expect(roundTrips.of("a")).to.equal(50);
    for (let round = 0; round < 30; round += 1) await measure(80);
    expect(roundTrips.of("a")).to.be.within(79, 80);
    roundTrips.forget("a");
    expect(roundTrips.of("a")).to.equal(undefined);
  });

  it("should take no echo of what it did not ask, asked another one, asked long ago or has had", async () => {
    const clock = createManualClock();
    const roundTrips = createRoundTrips(clock);
    const first = roundTrips.begin("a");
    roundTrips.onEcho("b", first);
    roundTrips.onEcho("a", first + 1);
    for (let later = 0; later < 4; later += 1) roundTrips.begin("a");
    await clock.advance(10);
    roundTrips.onEcho("a", first);
    expect(roundTrips.all.size).to.equal(0);
    const id = roundTrips.begin("a");
    roundTrips.onEcho("a", id);
    await clock.advance(10);
    roundTrips.onEcho("a", id);
    expect(roundTrips.of("a")).to.equal(0);
  });
});
