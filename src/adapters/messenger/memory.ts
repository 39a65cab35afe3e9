import { EventEmitter, once } from "node:events";

import { SprfError } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Messenger } from "../../ports/messenger.ts";
import { raceAbort, throwIfAborted } from "../../utils/abort.ts";
import { equalBytes } from "../../utils/bytes.ts";
import { publicKeyOf } from "../../utils/secp256k1.ts";
import { isContentTopic } from "../../wire/topics.ts";
import { createSubscriptions, handOver } from "./subscriptions.ts";
import type { Subscriptions } from "./subscriptions.ts";
import { checkMessage } from "./check-message.ts";

export interface MemoryDelivery {
  readonly topic: string;
  readonly signer: Uint8Array;
  readonly recipient: Uint8Array;
  readonly payload: Uint8Array;
}

/** Joins memory messengers; `copies` says how many times a message arrives (0 loses it, 2 doubles it). */
export interface MemoryMessengerHub {
  copies: (message: MemoryDelivery) => number;
  readonly members: Set<MemoryMember>;
  readonly joined: EventEmitter;
}

interface MemoryMember {
  readonly subscriptions: Subscriptions;
  readonly logger: Logger;
}

export function createMemoryMessengerHub(): MemoryMessengerHub {
  return { copies: () => 1, members: new Set(), joined: new EventEmitter() };
}

/** Messages inside one process, for unit tests of services: no encryption, but only who holds the key gets a message. */
export function createMemoryMessenger(init: {
  readonly hub: MemoryMessengerHub;
  readonly messageKey: Uint8Array;
  readonly logger: Logger;
}): Messenger {
  const { hub, logger } = init;
  const signer = publicKeyOf(init.messageKey);
  const self: MemoryMember = { subscriptions: createSubscriptions(), logger };
  const others = (): MemoryMember[] => [...hub.members].filter((member) => member !== self);
  return {
    async start() {
      hub.members.add(self);
      hub.joined.emit("join");
    },
    async stop() {
      hub.members.delete(self);
      self.subscriptions.clear();
    },
    async publish(message, { signal } = {}) {
      throwIfAborted(signal);
      checkMessage(message);
      if (!hub.members.has(self)) throw new SprfError("MESSENGER_UNREACHABLE", "the messenger is not running");
      const receivers = others();
      const delivery = { ...message, payload: message.payload.slice(), signer };
      for (let copy = hub.copies(delivery); copy > 0; copy -= 1) {
        for (const receiver of receivers) queueMicrotask(() => deliver(receiver, delivery));
      }
      return { recipients: receivers.length };
    },
    async subscribe({ topic, privateKey }, handler) {
      if (!isContentTopic(topic)) throw new SprfError("INVALID_INPUT", `not a content topic: ${topic}`);
      const remove = self.subscriptions.add({ topic, privateKey, handler });
      return async () => remove();
    },
    async ready({ signal } = {}) {
      throwIfAborted(signal);
      while (others().length === 0) await raceAbort(once(hub.joined, "join"), signal);
    },
  };
}

function deliver({ subscriptions, logger }: MemoryMember, message: MemoryDelivery): void {
  for (const subscription of subscriptions.on(message.topic)) {
    if (!equalBytes(publicKeyOf(subscription.privateKey), message.recipient)) continue;
    const { payload, signer } = message;
    void handOver(subscription, { payload: payload.slice(), signer: signer.slice() }, logger);
  }
}
