import { expect } from "chai";

import { peerIdOf } from "../../../../../src/adapters/libp2p/peer-id.ts";
import { utf8 } from "../../../../../src/utils/bytes.ts";
import { messengerCompliance } from "../../../../compliance/messenger.ts";
import { createCuttableLink } from "../../../../helpers/cuttable-link.ts";
import { createLightMessenger, createServingNode } from "../../../../helpers/light-node.ts";
import type { LightMessenger } from "../../../../helpers/light-node.ts";
import { messageKeysOf } from "../../../../helpers/message-keys.ts";
import { createRelayNode } from "../../../../helpers/relay-node.ts";
import type { RelayNode } from "../../../../helpers/relay-node.ts";
import { until } from "../../../../helpers/until.ts";

messengerCompliance("waku-light, two light clients of one service node of a mesh", async () => {
  // Without a relay that takes messages on, a service node says of those that nobody listens to that nobody took them.
  const relay = await createRelayNode("relay");
  await relay.start();
  const service = await createServingNode("service", relay.node.multiaddrs());
  await service.start();
  await service.messenger.ready();
  const alice = createLightMessenger("alice", service.node.multiaddrs());
  const bob = createLightMessenger("bob", service.node.multiaddrs());
  await Promise.all([alice.messenger.start(), bob.messenger.start()]);
  const stopAll = async (): Promise<void> =>
    void (await Promise.all([bob.messenger.stop(), service.stop(), relay.stop()]));
  return {
    alice: alice.messenger,
    aliceKeys: alice.keys,
    bob: { ...bob.messenger, stop: stopAll },
    bobKeys: bob.keys,
    alone: createLightMessenger("alone", service.node.multiaddrs()).messenger,
    async close() {
      await alice.messenger.stop();
      await stopAll();
    },
  };
});

messengerCompliance("waku-light to waku-relay, over a service node", async () => {
  const service = await createServingNode("service");
  await service.start();
  const alice = createLightMessenger("alice", service.node.multiaddrs());
  const bob = await createRelayNode("bob", service.node.multiaddrs());
  await Promise.all([alice.messenger.start(), bob.start()]);
  return {
    alice: alice.messenger,
    aliceKeys: alice.keys,
    bob: { ...bob.messenger, stop: async () => void (await Promise.all([bob.stop(), service.stop()])) },
    bobKeys: bob.keys,
    alone: createLightMessenger("alone", service.node.multiaddrs()).messenger,
    async close() {
      await Promise.all([alice.messenger.stop(), bob.stop(), service.stop()]);
    },
  };
});

describe("waku light messenger", () => {
  const TOPIC = "/sprf/1/ask-7/cbor";
  const closers: (() => Promise<void>)[] = [];
  let service: RelayNode;

  beforeEach(async () => {
    service = await createServingNode("service");
    await service.start();
    closers.push(async () => await service.stop());
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  const start = async (name: string, serviceNodes: readonly string[]): Promise<LightMessenger> => {
    const light = createLightMessenger(name, serviceNodes);
    await light.messenger.start();
    closers.push(async () => await light.messenger.stop());
    return light;
  };
  const collect = async ({ messenger, keys }: Pick<LightMessenger, "messenger" | "keys">): Promise<string[]> => {
    const texts: string[] = [];
    await messenger.subscribe({ topic: TOPIC, privateKey: keys.privateKey }, ({ payload }) => {
      texts.push(new TextDecoder().decode(payload));
    });
    return texts;
  };
  const sendFrom = async ({ messenger }: Pick<LightMessenger, "messenger">, text: string): Promise<number> => {
    const message = { topic: TOPIC, recipient: messageKeysOf("bob").publicKey, payload: utf8(text) };
    return (await messenger.publish(message)).recipients;
  };

  it("should refuse a service node that has another key than expected, and tell it nothing", async () => {
    const [address = ""] = service.node.multiaddrs();
    const expected = peerIdOf(messageKeysOf("somebody else").publicKey);
    const light = await start("alice", [address.replace(service.node.peerId, expected)]);
    const listening = collect(light);
    await until(() => light.lines.some(({ message }) => message === "peer answers with another identity"));
    await listening;
    expect(await sendFrom(light, "secret")).to.equal(0);
    await until(() => service.node.libp2p.getConnections().length === 0);
  });

  it("should refuse no service node, and one without its peer id", async () => {
    for (const serviceNodes of [[], ["/ip4/127.0.0.1/tcp/1"], ["nowhere"], ["/ip4/127.0.0.1/tcp/1/p2p/nobody"]]) {
      expect(() => createLightMessenger("alice", serviceNodes))
        .to.throw()
        .with.property("code", "CONFIG_INVALID");
    }
  });

  it("should say so of a node that is no service node, and go on looking", async () => {
    const plain = await createRelayNode("plain");
    await plain.start();
    closers.push(async () => await plain.stop());
    const light = await start("alice", plain.node.multiaddrs());
    await until(() => light.lines.some(({ context }) => `${String(context?.["reason"])}`.includes("does not serve")));
    expect(await sendFrom(light, "x")).to.equal(0);
  });

  it("should go on receiving after more messages than there may be open streams", async () => {
    const [alice, bob] = await Promise.all(
      ["alice", "bob"].map(async (name) => await start(name, service.node.multiaddrs())),
    );
    if (alice === undefined || bob === undefined) throw new Error("unreachable");
    await Promise.all([alice.messenger.ready(), bob.messenger.ready()]);
    const texts = await collect(bob);
    for (let count = 1; count <= 130; count += 1) {
      expect(await sendFrom(alice, `${count}`)).to.equal(1);
      await until(() => texts.length === count);
    }
  }).timeout(30_000);

  it("should fetch what was published while it was away", async () => {
    const link = await createCuttableLink(service.node.multiaddrs()[0] ?? "");
    closers.push(async () => await link.cut().catch(() => undefined));
    const sender = await createRelayNode("alice", service.node.multiaddrs());
    await sender.start();
    closers.push(async () => await sender.stop());
    const bob = await start("bob", [link.address]);
    await Promise.all([sender.messenger.ready(), bob.messenger.ready()]);
    const texts = await collect(bob);
    expect(await sendFrom(sender, "before")).to.equal(1);
    await until(() => texts.includes("before"));
    await link.cut();
    await until(() => service.node.libp2p.getConnections().length === 1);
    expect(await sendFrom(sender, "meanwhile")).to.equal(1);
    await link.mend();
    await until(() => texts.includes("meanwhile"), { timeoutMs: 15_000 });
    expect(texts).to.deep.equal(["before", "meanwhile"]);
  }).timeout(30_000);

  it("should not hear itself", async () => {
    const bob = await start("bob", service.node.multiaddrs());
    await bob.messenger.ready();
    const texts = await collect(bob);
    await sendFrom(bob, "own");
    const alice = await start("alice", service.node.multiaddrs());
    await alice.messenger.ready();
    expect(await sendFrom(alice, "other")).to.equal(1);
    await until(() => texts.length > 0);
    expect(texts).to.deep.equal(["other"]);
  });
});
