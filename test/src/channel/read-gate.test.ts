import { setImmediate } from "node:timers/promises";

import { expect } from "chai";

import { createReadGate } from "../../../src/channel/read-gate.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createManualClock } from "../../helpers/manual-clock.ts";
import { until } from "../../helpers/until.ts";

describe("channel: the gate of views", () => {
  it("should let one view run at a time, by turns of accounts, and refuse what is beyond a share", async () => {
    const clock = createManualClock();
    const gate = createReadGate(clock, new AbortController().signal);
    const first = Promise.withResolvers<void>();
    const ran: string[] = [];
    const read = async (account: string): Promise<void> =>
      await gate(account, async () => {
        ran.push(account);
        if (ran.length === 1) await first.promise;
      });
    const flood = Array.from({ length: 1_000 }, async () => await codeOf(read("flooder")));
    const others = [read("one"), read("two")];
    await setImmediate();
    expect(ran).to.deep.equal(["flooder"]);
    first.resolve();
    await Promise.all(others);
    expect(ran.slice(0, 4)).to.include.members(["one", "two"]);
    const codes = await Promise.all(flood);
    expect(codes.filter((code) => code === "CHANNEL_BUSY").length).to.be.within(600, 700);
    expect(codes.filter((code) => code === undefined).length).to.equal(ran.length - 2);
  });

  it("should leave as much time after a view as it took, while others wait", async () => {
    const clock = createManualClock();
    const gate = createReadGate(clock, new AbortController().signal);
    const ran: number[] = [];
    const read = async (): Promise<void> =>
      await gate("one", async () => {
        ran.push(clock.now());
        await clock.advance(10);
      });
    const startMs = clock.now();
    const reads = Promise.all([read(), read()]);
    await until(() => clock.sleepers === 1, { what: "the rest after the first" });
    expect(ran).to.deep.equal([startMs]);
    await clock.advance(10);
    await reads;
    expect(ran).to.deep.equal([startMs, startMs + 20]);
  });

  it("should tell who asks what went wrong, and go on", async () => {
    const gate = createReadGate(createManualClock(), new AbortController().signal);
    const failed = gate("one", async () => {
      throw new Error("broken");
    }).catch((error: unknown) => String(error));
    expect(await failed).to.contain("broken");
    expect(await gate("one", async () => 7)).to.equal(7);
  });
});
