import { expect } from "chai";

import { createMemoryLogger, type LogLine } from "../../../src/adapters/logger/memory.ts";
import { followChain, type ChainViewInit } from "../../../src/channel/chain-view.ts";
import type { HubNews } from "../../../src/ports/channel-hub.ts";
import { until } from "../../helpers/until.ts";

const HASH = new Uint8Array(32).fill(1);

describe("channel/chain-view", () => {
  it("should take as final what a confirmed block says", async () => {
    const stop = new AbortController();
    const lines: LogLine[] = [];
    const settlement = Promise.withResolvers<HubNews>();
    const told: number[] = [];
    const hub: ChainViewInit["hub"] = {
      blockNumber: async () => 1,
      async *follow() {
        yield { toBlock: 1, timeMs: 5_000, events: [] };
        yield await settlement.promise;
        yield { toBlock: 3, timeMs: 4_000, events: [{ kind: "closed" }] };
      },
    };
    const { view, life } = await followChain(
      {
        hub,
        channel: 1n,
        fromBlock: 0,
        confirmations: 0,
        logger: createMemoryLogger(lines),
        onNews: (events) => told.push(events.length),
      },
      stop.signal,
    );
    expect(view.settled).to.include({ height: 0, inboxCursor: 0 });
    const place = { proposal: 0n, height: 7, head: HASH, stateRoot: HASH, inboxCursor: 3 };
    settlement.resolve({ toBlock: 2, timeMs: 7_000, events: [{ kind: "settled", ...place }] });
    await until(() => told.length === 2);
    expect(view.settled).to.deep.equal({ height: 7, inboxCursor: 3, recordHash: HASH });
    expect(view.isSettled(7, HASH)).to.equal(true);
    expect(view.seenMs, "no block's time takes back what was seen").to.equal(7_000);
    stop.abort();
    await life;
    expect(lines.filter(({ level }) => level === "error")).to.deep.equal([]);
  });
});
