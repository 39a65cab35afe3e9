import { expect } from "chai";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createLibp2pNode } from "../../../../src/adapters/libp2p/node.ts";
import type { Libp2pNode } from "../../../../src/adapters/libp2p/node.ts";
import { peerIdOf } from "../../../../src/adapters/libp2p/peer-id.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { messageKeysOf } from "../../../helpers/message-keys.ts";
import { until } from "../../../helpers/until.ts";

describe("libp2p node", () => {
  const made: Libp2pNode[] = [];

  afterEach(async () => {
    await Promise.all(made.splice(0).map(async (node) => await node.stop()));
  });

  const make = async (name: string, peers: string[] = []): Promise<Libp2pNode> => {
    const { privateKey: messageKey } = messageKeysOf(name);
    const node = await createLibp2pNode({ messageKey, peers, clock: systemClock, logger: createMemoryLogger() });
    made.push(node);
    return node;
  };

  it("is known by its message key, and listens on loopback alone", async () => {
    const node = await make("worker");
    expect(node.peerId).to.equal(peerIdOf(messageKeysOf("worker").publicKey));
    expect(node.multiaddrs()).to.deep.equal([]);
    await node.start();
    expect(node.multiaddrs()).to.have.length(1);
    expect(node.multiaddrs()[0]).to.match(new RegExp(`^/ip4/127\\.0\\.0\\.1/tcp/\\d+/p2p/${node.peerId}$`));
    await node.stop();
  });

  it("refuses addresses that are none, and peers without an identity", async () => {
    for (const peer of ["nonsense", "/ip4/127.0.0.1/tcp/4001"]) {
      expect(await codeOf(make("a", [peer])), peer).to.equal("CONFIG_INVALID");
    }
    const node = await make("a");
    expect(await codeOf(node.dialVerified("nonsense", messageKeysOf("b").publicKey))).to.equal("INVALID_INPUT");
    const named = `/ip4/127.0.0.1/tcp/4001/p2p/${peerIdOf(messageKeysOf("c").publicKey)}`;
    expect(await codeOf(node.dialVerified(named, messageKeysOf("b").publicKey))).to.equal("PEER_MISMATCH");
  });

  it("stops a dial on abort", async () => {
    const node = await make("a");
    await node.start();
    const dial = node.dialVerified("/ip4/127.0.0.1/tcp/1", messageKeysOf("b").publicKey, {
      signal: AbortSignal.abort(),
    });
    expect(await codeOf(dial)).to.equal("ABORTED");
    await node.stop();
  });

  it("starts and stops twice, and stops while a peer cannot be reached", async () => {
    const node = await make("a", [`/ip4/127.0.0.1/tcp/1/p2p/${peerIdOf(messageKeysOf("b").publicKey)}`]);
    await node.start();
    await node.start();
    await node.stop();
    await node.stop();
  });

  it("joins fifteen peers behind one address into the mesh", async () => {
    const hub = await make("hub");
    await hub.start();
    const nodes = await Promise.all(Array.from({ length: 15 }, async (_, i) => await make(`n${i}`, hub.multiaddrs())));
    const topic = "/waku/2/rs/42/0";
    await Promise.all(nodes.map(async (node) => await node.start()));
    for (const node of [hub, ...nodes]) node.libp2p.services.pubsub.subscribe(topic);
    await until(() => hub.libp2p.services.pubsub.getSubscribers(topic).length === 15);
    await until(() => hub.libp2p.services.pubsub.getMeshPeers(topic).length >= 4);
  });
});
