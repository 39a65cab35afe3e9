import { expect } from "chai";

import { createAlarm } from "../../../src/utils/alarm.ts";
import { createManualClock } from "../../helpers/manual-clock.ts";
import { until } from "../../helpers/until.ts";

describe("utils/alarm", () => {
  const { signal } = new AbortController();

  it("should end a pause with its time, a ring, or the signal, whichever is first", async () => {
    const clock = createManualClock();
    const alarm = createAlarm(clock);
    let ended = 0;
    const pause = async (stopped: AbortSignal): Promise<void> => {
      await alarm.pause(1_000, stopped);
      ended += 1;
    };

    void pause(signal);
    await clock.advance(999);
    expect(ended).to.equal(0);
    await clock.advance(1);
    await until(() => ended === 1);

    void pause(signal);
    alarm.ring();
    await until(() => ended === 2);

    alarm.rearm();
    const stop = new AbortController();
    void pause(stop.signal);
    stop.abort();
    await until(() => ended === 3);
  });

  it("should keep a ring for the next pause until it is armed anew", async () => {
    const alarm = createAlarm(createManualClock());
    alarm.ring();
    expect(alarm.isRung).to.equal(true);
    await alarm.pause(1_000, signal);
    alarm.rearm();
    expect(alarm.isRung).to.equal(false);
  });
});
