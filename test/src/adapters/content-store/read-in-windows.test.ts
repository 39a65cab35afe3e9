import { createHash } from "node:crypto";

import { expect } from "chai";

import { createMemoryContentStore } from "../../../../src/adapters/content-store/memory.ts";
import type { CollectingContentStore } from "../../../../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { createManualClock } from "../../../helpers/manual-clock.ts";
import { until } from "../../../helpers/until.ts";

const MIB = 1024 * 1024;
const WINDOW = 16 * MIB;

describe("reading a file in windows", () => {
  let content: CollectingContentStore;
  let served: number;
  let peer: CollectingContentStore;

  before(async () => {
    const parts = { clock: createManualClock(), logger: createMemoryLogger() };
    peer = createMemoryContentStore(parts);
    const counting: CollectingContentStore = {
      ...peer,
      localBlock: async (cid) => {
        served += 1;
        return await peer.localBlock(cid);
      },
    };
    content = createMemoryContentStore({ ...parts, peers: () => [counting] });
    await peer.start();
    await content.start();
  });
  after(async () => {
    await content.stop();
    await peer.stop();
  });
  beforeEach(() => {
    served = 0;
  });

  async function* numbered(bytes: number, first = 0): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes; at += MIB) {
      const chunk = Buffer.alloc(Math.min(MIB, bytes - at));
      chunk.writeUInt32LE(first + at / MIB);
      yield new Uint8Array(chunk);
    }
  }
  const hashOf = async (parts: AsyncIterable<Uint8Array>): Promise<string> => {
    const hash = createHash("sha256");
    for await (const part of parts) hash.update(part);
    return hash.digest("hex");
  };

  for (const bytes of [WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW]) {
    it(`gives all of ${bytes} bytes, in order`, async () => {
      // The last chunk must have room for its number.
      const source = bytes % MIB === 1 ? plain(bytes) : numbered(bytes);
      const again = bytes % MIB === 1 ? plain(bytes) : numbered(bytes);
      const cid = await peer.putFile(source);
      expect(await hashOf(content.get(cid, { maxBytes: bytes }))).to.equal(await hashOf(again));
    });
  }

  it("does not read ahead of a slow reader by more than a window", async () => {
    const blocks = 48;
    const cid = await peer.putFile(numbered(blocks * MIB + 4, 1_000));
    const reader = content.get(cid, { maxBytes: 64 * MIB })[Symbol.asyncIterator]();
    await reader.next();
    const window = WINDOW / MIB;
    await until(() => served >= window, { what: "the first window" });
    let before: number;
    do {
      before = served;
      for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
    } while (served > before);
    // The root, the window, and the block at its end.
    expect(served).to.be.at.most(window + 2);
    await reader.return?.(undefined);
  });
});

async function* plain(bytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes; at += MIB) yield new Uint8Array(Math.min(MIB, bytes - at)).fill(at / MIB);
}
