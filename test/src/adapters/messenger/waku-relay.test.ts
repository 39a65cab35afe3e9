import { expect } from "chai";
import { createEncoder } from "@waku/message-encryption/ecies";
import { WakuMessage } from "@waku/proto";

import { sealEnvelope, shardOf } from "../../../../src/adapters/messenger/envelope.ts";
import type { ReceivedMessage } from "../../../../src/ports/messenger.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";
import { uncompressed } from "../../../../src/utils/secp256k1.ts";
import { messengerCompliance } from "../../../compliance/messenger.ts";
import { createRelayNode } from "../../../helpers/relay-node.ts";
import type { RelayNode } from "../../../helpers/relay-node.ts";
import { until } from "../../../helpers/until.ts";

messengerCompliance("waku-relay, over a third node", async () => {
  const hub = await createRelayNode("hub");
  await hub.start();
  const [alice, bob] = await Promise.all(
    ["alice", "bob"].map(async (name) => await createRelayNode(name, hub.node.multiaddrs())),
  );
  const alone = await createRelayNode("alone");
  if (alice === undefined || bob === undefined) throw new Error("unreachable");
  await Promise.all([alice.start(), bob.start()]);
  return {
    // Alone with a hub that relays for nobody: stops with bob, so that nobody is left to take a message.
    alice: alice.messenger,
    aliceKeys: alice.keys,
    bob: { ...bob.messenger, stop: async () => void (await Promise.all([bob.stop(), hub.stop()])) },
    bobKeys: bob.keys,
    alone: alone.messenger,
    async close() {
      await Promise.all([alice, bob, hub, alone].map(async (node) => await node.stop()));
    },
  };
});

describe("waku relay messenger", () => {
  const TOPIC = "/sprf/1/ask-7/cbor";
  const shard = shardOf(42, 0);
  let alice: RelayNode;
  let bob: RelayNode;
  let received: ReceivedMessage[];

  beforeEach(async () => {
    alice = await createRelayNode("alice");
    await alice.start();
    bob = await createRelayNode("bob", alice.node.multiaddrs());
    await bob.start();
    await Promise.all([alice.messenger.ready(), bob.messenger.ready()]);
    received = [];
    await bob.messenger.subscribe({ topic: TOPIC, privateKey: bob.keys.privateKey }, (message) => {
      received.push(message);
    });
  });
  afterEach(async () => {
    await Promise.all([alice.stop(), bob.stop()]);
  });

  const seal = async (text: string): Promise<Uint8Array> =>
    await sealEnvelope(
      { topic: TOPIC, recipient: bob.keys.publicKey, payload: utf8(text) },
      { shard, signingKey: alice.keys.privateKey, nowMs: Date.now() },
    );
  const inject = async (wire: Uint8Array): Promise<void> => {
    await alice.node.libp2p.services.pubsub.publish(shard.pubsubTopic, wire);
  };
  /** Whatever was injected has been dealt with once a good message after it arrives. */
  const fence = async (): Promise<void> => {
    const before = received.length;
    await inject(await seal("fence"));
    await until(() => received.length > before);
  };
  const texts = (): string[] => received.map(({ payload }) => new TextDecoder().decode(payload));

  it("hands over nothing else after a byte was flipped anywhere, and says no word above debug", async () => {
    const wire = await seal("flipped");
    for (let at = 5; at < wire.length; at += 37) {
      const flipped = wire.slice();
      flipped[at] = (flipped[at] ?? 0) ^ 0x01;
      await inject(flipped);
    }
    await fence();
    expect(texts().filter((text) => text !== "fence" && text !== "flipped")).to.deep.equal([]);
    expect(bob.lines.filter(({ level }) => level !== "debug")).to.deep.equal([]);
  });

  it("drops what is not signed", async () => {
    const encoder = createEncoder({
      contentTopic: TOPIC,
      routingInfo: shard,
      publicKey: uncompressed(bob.keys.publicKey),
    });
    const wire = await encoder.toWire({ payload: utf8("unsigned") });
    if (wire === undefined) throw new Error("not encoded");
    await inject(wire);
    await fence();
    expect(texts()).to.deep.equal(["fence"]);
  });

  it("drops garbage, an empty message and one that is not encrypted", async () => {
    await inject(new Uint8Array([1, 2, 3, 4]));
    await inject(new Uint8Array(300).fill(0xff));
    await inject(WakuMessage.encode({ payload: new Uint8Array(0), contentTopic: TOPIC }));
    await inject(WakuMessage.encode({ payload: utf8("plain"), contentTopic: TOPIC, version: 0 }));
    await inject(WakuMessage.encode({ payload: utf8("not ECIES"), contentTopic: TOPIC, version: 1 }));
    await fence();
    expect(texts()).to.deep.equal(["fence"]);
  });

  it("does not relay or hand over a message past 150 KiB", async () => {
    const large = WakuMessage.encode({ payload: new Uint8Array(153_700), contentTopic: TOPIC, version: 1 });
    let gossiped = 0;
    bob.node.libp2p.services.pubsub.addEventListener("gossipsub:message", (event) => {
      if (event.detail.msg.data.length === large.length) gossiped += 1;
    });
    await inject(large);
    await fence();
    expect(gossiped).to.equal(0);
    expect(texts()).to.deep.equal(["fence"]);
  });

  it("bounds the work of a flood, says so once, and goes on", async () => {
    const wire = await seal("flood");
    const message = WakuMessage.decode(wire);
    for (let i = 0; i < 1_000; i += 1) {
      // Foreign ciphertext on our topic: each would cost an attempt to decrypt.
      await inject(WakuMessage.encode({ ...message, payload: Buffer.concat([message.payload, utf8(`${i}`)]) }));
    }
    await until(() => bob.lines.some(({ level }) => level === "warn"));
    expect(bob.lines.filter(({ level }) => level === "warn")).to.have.length(1);
    await until(
      async () => {
        await inject(await seal("after the flood"));
        return texts().includes("after the flood");
      },
      { what: "a message after the flood" },
    );
  });

  it("comes back by itself after its only peer was away", async () => {
    const listen = alice.node.multiaddrs().map((address) => address.replace(/\/p2p\/.*$/, ""));
    await alice.stop();
    await until(() => bob.node.libp2p.getConnections().length === 0);
    alice = await createRelayNode("alice", [], listen);
    await alice.start();
    await Promise.all([alice.messenger.ready(), bob.messenger.ready()]);
    await fence();
  });
});
