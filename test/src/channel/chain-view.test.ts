import { expect } from "chai";

import { createMemoryLogger, type LogLine } from "../../../src/adapters/logger/memory.ts";
import { followChain } from "../../../src/channel/chain-view.ts";
import { SprfError } from "../../../src/errors.ts";
import type { ChannelHub, HubNews } from "../../../src/ports/channel-hub.ts";

const HASH = new Uint8Array(32).fill(7);

describe("channel: the view of the chain", () => {
  it("should take what is final from confirmed events, though the chain's service answers nothing else", async () => {
    const stop = new AbortController();
    const lines: LogLine[] = [];
    let blocks = 0;
    const hub: Partial<ChannelHub> = {
      blockNumber: async () => (blocks === 0 ? 0 : await unreachable()),
      // Of the newest block, which may be replaced: nobody asks for it.
      head: async () => await unreachable(),
      async *follow(): AsyncGenerator<HubNews> {
        yield { toBlock: 0, events: [] };
        for (const height of [5, 9]) {
          blocks += 1;
          const settled = {
            kind: "settled",
            proposal: 1n,
            height,
            head: HASH,
            stateRoot: HASH,
            inboxCursor: 0,
          } as const;
          yield { toBlock: blocks, events: [settled] };
        }
      },
    };
    const init = { hub: hub as ChannelHub, channel: 1n, fromBlock: 0, confirmations: 0, onNews: () => undefined };
    const { view, life } = await followChain({ ...init, logger: createMemoryLogger(lines) }, stop.signal);
    await life;
    expect(view.settled).to.deep.equal({ height: 9, inboxCursor: 0, recordHash: HASH, stateRoot: HASH });
    expect(view.isSettled(5, HASH)).to.equal(true);
    expect(lines).to.deep.equal([]);
  });
});

async function unreachable(): Promise<never> {
  throw new SprfError("CHAIN_UNREACHABLE", "no answer");
}
