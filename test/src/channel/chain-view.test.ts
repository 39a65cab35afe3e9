import { expect } from "chai";

import { createMemoryLogger, type LogLine } from "../../../src/adapters/logger/memory.ts";
import { followChain, type ChainViewInit } from "../../../src/channel/chain-view.ts";
import { SprfError } from "../../../src/errors.ts";
import type { HubNews, SettledHead } from "../../../src/ports/channel-hub.ts";
import { ZERO_HASH } from "../../../src/wire/channel/record.ts";
import { createManualClock } from "../../helpers/manual-clock.ts";
import { until } from "../../helpers/until.ts";

const HASH = new Uint8Array(32).fill(1);
const FAILURES = 3;

describe("channel/chain-view", () => {
  it("should learn what is final when the chain's node was away just then, and go on", async () => {
    const stop = new AbortController();
    const lines: LogLine[] = [];
    const clock = createManualClock();
    const settlement = Promise.withResolvers<HubNews>();
    const told: number[] = [];
    let height = 0;
    let failures = 0;
    const head = (): SettledHead => ({
      height,
      timeMs: 1_000,
      inboxCursor: 0,
      isLocked: false,
      recordHash: height === 0 ? ZERO_HASH : HASH,
      stateRoot: HASH,
    });
    const hub: ChainViewInit["hub"] = {
      blockNumber: async () => 1,
      async head() {
        if (height === 0 || failures === FAILURES) return head();
        failures += 1;
        throw new SprfError("CHAIN_UNREACHABLE", "the node is away");
      },
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
        clock,
        logger: createMemoryLogger(lines),
        onNews: (events) => told.push(events.length),
      },
      stop.signal,
    );
    height = 7;
    const place = { proposal: 0n, height, head: HASH, stateRoot: HASH, inboxCursor: 0 };
    settlement.resolve({ toBlock: 2, timeMs: 7_000, events: [{ kind: "settled", ...place }] });
    await until(async () => {
      await clock.advance(1_000);
      return told.length === 2;
    });
    expect(view.settled.height).to.equal(7);
    expect(view.isSettled(7, HASH)).to.equal(true);
    expect(failures).to.equal(FAILURES);
    expect(view.seenMs, "no block's time takes back what was seen").to.equal(7_000);
    stop.abort();
    await life;
    expect(lines.filter(({ level }) => level === "error")).to.deep.equal([]);
  });
});
