import { TopicValidatorResult } from "@libp2p/gossipsub";
import type { GossipsubMessage } from "@libp2p/gossipsub";

import { SprfError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Messenger } from "../../ports/messenger.ts";
import { raceAbort, throwIfAborted } from "../../utils/abort.ts";
import { MAX_MESSAGE_BYTES, isContentTopic } from "../../wire/topics.ts";
import type { Libp2pNode } from "../libp2p/node.ts";
import { checkMessage } from "./check-message.ts";
import { isRelayable, shardOf } from "./envelope.ts";
import { createInbox } from "./inbox.ts";
import { createSealer } from "./sealer.ts";
import { answerMetadata } from "./waku-metadata.ts";

export interface WakuRelayMessengerInit {
  readonly libp2p: Libp2pNode;
  /** Signs what is published, 32 bytes. */
  readonly messageKey: Uint8Array;
  readonly clusterId: number;
  readonly shard: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Messages over Waku relay (11/WAKU2-RELAY) on the daemon's own libp2p node, encrypted and signed as 26/WAKU2-PAYLOAD has it.
 * The node is started and stopped by whoever made it, before and after the messenger.
 */
export function createWakuRelayMessenger(init: WakuRelayMessengerInit): Messenger {
  const logger = init.logger.child({ component: "messenger" });
  const shard = shardOf(init.clusterId, init.shard);
  const inbox = createInbox({ shard, clock: init.clock, logger });
  const seal = createSealer({ shard, signingKey: init.messageKey, clock: init.clock });
  const { libp2p } = init.libp2p;
  const { pubsub } = libp2p.services;

  const onGossip = (event: CustomEvent<GossipsubMessage>): void => {
    const { topic, data } = event.detail.msg;
    if (topic === shard.pubsubTopic) inbox.take(data);
  };

  return {
    async start() {
      if (inbox.isOpen) return;
      inbox.open();
      pubsub.topicValidators.set(shard.pubsubTopic, (_peer, message) =>
        message.data.length <= MAX_MESSAGE_BYTES && isRelayable(message.data)
          ? TopicValidatorResult.Accept
          : TopicValidatorResult.Reject,
      );
      pubsub.addEventListener("gossipsub:message", onGossip);
      pubsub.subscribe(shard.pubsubTopic);
      await answerMetadata(libp2p, shard, logger);
    },
    async stop() {
      if (!inbox.isOpen) return;
      pubsub.removeEventListener("gossipsub:message", onGossip);
      // The node goes on to relay until it stops itself. Leaving the topic would make its peers refuse it for ten seconds, and a
      // daemon that has only restarted must be found at once.
      await inbox.close();
    },
    async publish(message, { signal } = {}) {
      throwIfAborted(signal);
      checkMessage(message);
      if (!inbox.isOpen) throw new SprfError("MESSENGER_UNREACHABLE", "the messenger is not running");
      const wire = await seal(message, { signal });
      throwIfAborted(signal);
      const { recipients } = await raceAbort(pubsub.publish(shard.pubsubTopic, wire), signal);
      return { recipients: recipients.length };
    },
    async subscribe({ topic, privateKey }, handler) {
      if (!isContentTopic(topic)) throw new SprfError("INVALID_INPUT", `not a content topic: ${topic}`);
      const remove = inbox.subscriptions.add({ topic, privateKey, handler });
      return async () => remove();
    },
    async ready({ signal } = {}) {
      const relayed = Promise.withResolvers<undefined>();
      const check = (): void => {
        if (pubsub.getMeshPeers(shard.pubsubTopic).length > 0) relayed.resolve(undefined);
      };
      pubsub.addEventListener("gossipsub:graft", check);
      pubsub.addEventListener("gossipsub:heartbeat", check);
      try {
        check();
        await raceAbort(relayed.promise, signal);
      } finally {
        pubsub.removeEventListener("gossipsub:graft", check);
        pubsub.removeEventListener("gossipsub:heartbeat", check);
      }
    },
  };
}
