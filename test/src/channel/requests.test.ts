import { expect } from "chai";

import { createRequests } from "../../../src/channel/requests.ts";
import type { ChannelMessage } from "../../../src/wire/channel/messages.ts";
import { createManualClock } from "../../helpers/manual-clock.ts";
import { codeOf } from "../../helpers/code-of.ts";

const HISTORY: ChannelMessage = { kind: "history", version: 1, channel: 1n, batches: [], more: false };

describe("channel/requests", () => {
  it("should give an answer to all who wait for it, also behind one whose question was never sent", async () => {
    const requests = createRequests(createManualClock());
    const { signal } = new AbortController();
    const answers = [1, 2].map(async () => await requests.answer("bob", ["history"], { timeoutMs: 1_000, signal }));
    expect(requests.take("carol", HISTORY)).to.equal(false);
    expect(requests.take("bob", HISTORY)).to.equal(true);
    expect(await Promise.all(answers)).to.deep.equal([HISTORY, HISTORY]);
    expect(requests.take("bob", HISTORY)).to.equal(false);
  });

  it("should give up when asked to", async () => {
    const requests = createRequests(createManualClock());
    const stop = new AbortController();
    const answer = requests.answer("bob", ["history"], { timeoutMs: 1_000, signal: stop.signal });
    stop.abort();
    expect(await codeOf(answer)).to.equal("ABORTED");
    expect(requests.take("bob", HISTORY)).to.equal(false);
  });
});
