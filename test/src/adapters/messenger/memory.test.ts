import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { createMemoryMessenger, createMemoryMessengerHub } from "../../../../src/adapters/messenger/memory.ts";
import type { Messenger } from "../../../../src/ports/messenger.ts";
import { messengerCompliance } from "../../../compliance/messenger.ts";
import { messageKeysOf } from "../../../helpers/message-keys.ts";

messengerCompliance("memory", async () => {
  const hub = createMemoryMessengerHub();
  const make = (name: string, on = hub): Messenger =>
    createMemoryMessenger({ hub: on, messageKey: messageKeysOf(name).privateKey, logger: createMemoryLogger() });
  const alice = make("alice");
  const bob = make("bob");
  await alice.start();
  await bob.start();
  return {
    alice,
    aliceKeys: messageKeysOf("alice"),
    bob,
    bobKeys: messageKeysOf("bob"),
    alone: make("alone", createMemoryMessengerHub()),
    async close() {
      await alice.stop();
      await bob.stop();
    },
  };
});
