import { messengerCompliance } from "../../../../compliance/messenger.ts";
import { createLightMessenger, createServingNode } from "../../../../helpers/light-node.ts";
import { createRelayNode } from "../../../../helpers/relay-node.ts";

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
