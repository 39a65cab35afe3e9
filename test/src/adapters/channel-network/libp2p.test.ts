import { expect } from "chai";

import { createFrameReader, encodeFrame } from "../../../../src/adapters/channel-network/frames.ts";
import { createLibp2pChannelNetwork } from "../../../../src/adapters/channel-network/libp2p.ts";
import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createLibp2pNode } from "../../../../src/adapters/libp2p/node.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { concatBytes, utf8 } from "../../../../src/utils/bytes.ts";
import { addressOfKey } from "../../../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../../../src/utils/secp256k1.ts";
import { channelNetworkCompliance } from "../../../compliance/channel-network.ts";
import { codeThrown } from "../../../helpers/code-of.ts";

channelNetworkCompliance("libp2p", async () => {
  const logger = createMemoryLogger();
  const keys = [1, 2, 3].map((n) => new Uint8Array(32).fill(n));
  const nodes = await Promise.all(
    keys.map(async (messageKey) => await createLibp2pNode({ messageKey, clock: systemClock, logger })),
  );
  for (const node of nodes) await node.start();
  const signers = keys.map((key) => addressOfKey(publicKeyOf(key)));
  const networks = nodes.map((node, index) =>
    createLibp2pChannelNetwork({
      libp2p: node.libp2p,
      self: signers[index]!,
      // The first one knows nobody and waits to be dialled.
      addressesOf: async (peer) => (index === 0 ? [] : (nodes[signers.indexOf(peer)]?.multiaddrs() ?? [])),
      clock: systemClock,
      logger,
    }),
  );
  return {
    networks,
    close: async () => {
      for (const node of nodes) await node.stop();
    },
  };
});

describe("adapters/channel-network/frames", () => {
  it("should put messages together from pieces of any size", () => {
    const texts = ["", "one", "two words", "x".repeat(70_000)];
    const bytes = concatBytes(...texts.map((text) => encodeFrame(utf8(text))));
    for (const size of [1, 3, 1_000, bytes.length]) {
      const reader = createFrameReader(70_000);
      const found: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) found.push(...reader.push(bytes.subarray(at, at + size)));
      expect(found.map((message) => Buffer.from(message).toString("utf8"))).to.deep.equal(texts);
    }
  });

  it("should refuse a message that is too long before it is there", () => {
    const reader = createFrameReader(10);
    expect(codeThrown(() => reader.push(new Uint8Array([0, 0, 0, 11])))).to.equal("MESSAGE_INVALID");
  });
});
